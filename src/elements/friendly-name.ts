/** A name for somebody who has not given one: 48 × 48 = 2304 of them. */

const ADJECTIVES =
  'Amber Bold Brave Bright Brisk Calm Cheery Clever Copper Cosy Curious Daring Dapper Eager Early Fair Fond Gentle Giddy Glad Golden Happy Hasty Honest Humble Jolly Keen Kind Lively Lucky Mellow Merry Mighty Nimble Noble Patient Plucky Proud Quick Quiet Rapid Silver Sunny Swift Tidy Warm Witty Zesty'.split(
    ' ',
  );

const ANIMALS =
  'Badger Bat Bear Beaver Bison Crane Crow Deer Dolphin Duck Eagle Falcon Ferret Finch Fox Frog Gecko Goose Hare Hawk Hedgehog Heron Ibis Jackdaw Koala Lark Lemur Lynx Magpie Marmot Mole Moose Newt Otter Owl Panda Puffin Quail Raven Robin Seal Sparrow Stork Swan Toad Trout Weasel Wren'.split(
    ' ',
  );

/** @param random uniform in [0, 1) */
export function friendlyName(random: () => number): string {
  const pick = (words: readonly string[]): string => words[Math.floor(random() * words.length)] ?? '';
  return `${pick(ADJECTIVES)} ${pick(ANIMALS)}`;
}
