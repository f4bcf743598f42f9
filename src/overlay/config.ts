/** Every tunable of the overlay, with its unit, its reason and what it must stand in relation to. */

import { MAX_SAMPLE } from '../wire/control.js';

export interface OverlayConfig {
  /** Members up to which everybody links to everybody: below it a bounded graph saves nothing. Issue of upload is the trees', not the links'. */
  readonly fullMeshMembers: number;
  /** Links aimed at in larger rooms, when `maxLinks` allows more: beyond it delay hardly falls and heartbeats cost. */
  readonly linksInLargeRooms: number;
  /** Links a newcomer of a large room takes at random; the rest are chosen by what they save. */
  readonly firstLinks: number;
  /** Between two rounds of looking for better links, ms; what came of one is settled before the next begins. */
  readonly rewireMs: number;
  /** Longest such pause, ms, while nothing improves; in a very large room as many times as long as it is large. */
  readonly rewireMaxMs: number;
  /** By which factor the pause grows per round without improvement. */
  readonly rewireSlowing: number;
  /** The pause is at least this share of the time since the room last changed noticeably. */
  readonly rewireAging: number;
  /** When the room has been what it is for so long, ms, the first pause begins to grow by the square of that time: all hear of every exchange. In a very large room sooner. */
  readonly rewireSettledMs: number;
  /** After a larger room grew noticeably rounds wait so long, ms: whoever comes next changes what pays. */
  readonly rewireGrowthMs: number;
  /** Members from which on rounds come more rarely, and what concerns all is told and waited for longer, the more there are: all must hear of every exchange. */
  readonly pacedMembers: number;
  /** By which power of how many times as many members there are rounds come more rarely: each hears of as many times more exchanges, and looks for more ways anew … */
  readonly rewirePacing: number;
  /** … and by which such a room counts as settled sooner. */
  readonly settledPacing: number;
  /** After such a room changed noticeably all hear for so long, ms, of distances that trials measured: later estimates gain less by it than it costs. */
  readonly measuredToldMs: number;
  /** Members weighed per round … */
  readonly rewireCandidates: number;
  /** … and how many of them at random. */
  readonly rewireRandom: number;
  /** Share of the rounds in which estimates are doubted, for each share of them that proved wrong by more than twice. */
  readonly rewireDoubt: number;
  /** Links one member tries at the same time, beside those that count: each takes a second or so, and what is not measured is not found. */
  readonly trialsAtOnce: number;
  /** Sources of which a link would save most that its far end is asked about: whether it offers what the map promises. */
  readonly rewireSample: number;
  /** How long a member is left alone whose link disappointed, ms; twice as long each time … */
  readonly regretMs: number;
  /** … and at most so long, ms: round trips change. */
  readonly regretMaxMs: number;
  /** By which share an exchange must exceed its price, or links wander … */
  readonly rewireMargin: number;
  /** … and by how many ms a source for each member: all hear of it … */
  readonly rewireLeastMs: number;
  /** … in a very large room more, the longer it has been what it is: this share of how many times over it would have settled … */
  readonly settledLeast: number;
  /** … up to so many times. */
  readonly settledLeastMost: number;
  /** Links below which a member counts as poorly connected and others make room for it: one link is a single point of failure. */
  readonly poorLinks: number;
  /** How long a place promised by `admits` is kept, ms: a WebRTC link opens well within it. */
  readonly admissionMs: number;
  /** When an `open-link` without an answer is forgotten, ms; above the ICE failure time of browsers (15 s) plus signalling. */
  readonly openLinkTimeoutMs: number;
  /** Links one member opens at the same time: browsers slow down badly with many connections in setup. */
  readonly maxPendingLinks: number;
  /** First pause after a link was refused or failed, ms; doubles up to `backoffMaxMs`, jittered by ±50 %. */
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  /** How long a member may hold one link more than its limit, ms: the hand-over that admits a newcomer. */
  readonly overrunMs: number;
  /** How often links are reconsidered while something is missing, ms. */
  readonly linkCheckMs: number;
  /** How often links are reconsidered when nothing is missing, ms. */
  readonly linkReviewMs: number;
  /** How long a voice that was being heard may be missed, with nobody around left to ask, before a link to its source is tried, ms: a round trip, in which others may have found a way. */
  readonly cutOffMs: number;
  /** How long all neighbours may be too full to pass a voice on before a link to one of those they point to is opened, ms. */
  readonly hintMs: number;
  /** How long a member may be without any route before a link across the gap is tried, ms; above a gossip round. */
  readonly unreachableMs: number;
  /** How long a member may be without any route before it is suspected, ms: it and all its neighbours may have gone. Twice as long in a large room, where maps may differ. */
  readonly lostMs: number;

  /** Between heartbeats on a link, ms. Three fit into `linkSilenceMs`, so that two may be lost. */
  readonly heartbeatMs: number;
  /** Silence after which a neighbour is suspected, ms: 2 s to everybody's notice leaves ~1 s here. */
  readonly linkSilenceMs: number;
  /** Time a suspected member has to refute, ms: a flood there and back over a wide room (~2 × 150 ms). */
  readonly suspicionMs: number;

  /** Between roster digests to one neighbour, ms. */
  readonly digestMs: number;
  /** Delay before news of others is passed on, ms: bundles news and lets copies that cross be suppressed. */
  readonly gossipDelayMs: number;
  /** Delay before those who are not sent news whole are told of it, ms: by then it has usually come another way. */
  readonly headlineMs: number;
  /** Least time between two records of the own links, ms: in a room that forms they change every second or two. */
  readonly linkNewsMs: number;
  /** Least time between two own entries that only refresh numbers, ms. */
  readonly publishIntervalMs: number;
  /** How long the departed are remembered, ms; longer than any entry can still be in flight. */
  readonly tombstoneMs: number;
  /** How many of the departed are remembered. */
  readonly maxTombstones: number;
  /** Most members a roster holds; more are ignored. */
  readonly maxMembers: number;
  /** How many longest-lived members stay at the doorbell. */
  readonly dutyMembers: number;

  /** What one relay adds to a path, ms. */
  readonly relayMs: number;
  /** Members from which on a deep tree counts as a burden: … */
  readonly deepMembers: number;
  /** … each relay counts so much more than it takes, ms … */
  readonly deepRelayMs: number;
  /** … and one that is so many links from the source, one less than any member should be, … */
  readonly deepestHops: number;
  /** … so much more, ms, and an eighth of it one link sooner: it is left to those who have no other way, by and large. */
  readonly deepestMs: number;
  /** Voice of one copy with its headers, kbit/s; turns an upload budget into copies. */
  readonly copyKbps: number;
  /** Voices at once among which a member's upload is shared when trees are planned. More may speak: shares shrink then. */
  readonly plannedSpeakers: number;
  /** How long after its last frame a voice counts among those that speak at once, ms: a pause between words. */
  readonly speakerHoldMs: number;
  /** How long nothing is said until a tree in a large room lies dormant, ms: conversations keep theirs. */
  readonly dormantMs: number;
  /** Copies of a voice that members plan to pass on in the mean below which a greedy plan leaves some out: trees of those who say nothing are kept awake … */
  readonly negotiatedFanOut: number;
  /** … up to so many members: 100 would tell each other 700 kbit/s of them while they join. */
  readonly negotiatedMembers: number;
  /** Where trees are planned and uploads are short, links for each copy of a voice that is planned: they give trees no other chance to choose whom to serve. */
  readonly linksPerCopy: number;
  /** A new parent must be this much better, as a share of the present cost … */
  readonly switchGain: number;
  /** … and by this many ms, or RTT noise moves trees. */
  readonly switchGainMs: number;
  /** The same while the source speaks: every move costs a moment of two copies. */
  readonly speakingSwitchGain: number;
  readonly speakingSwitchGainMs: number;
  /** Delay before a silent tree tells changed costs, ms: changes come in waves, and nothing is being said. */
  readonly advertDelayMs: number;
  /** The same while the source speaks, or a route appears or vanishes, ms. */
  readonly advertUrgentMs: number;
  /** A cost change below this share is not told … */
  readonly advertChange: number;
  /** … nor one below this many ms. */
  readonly advertChangeMs: number;
  /** How long a member that comes into a large room counts as new, ms: it gets to know the others and their links. */
  readonly newcomerMs: number;
  /** What a doubled capacity of a child is worth to those below it, as delay, ms … */
  readonly capacityWorthMs: number;
  /** … the same in a tree grown from the map where uploads are short, ms … */
  readonly plannedWorthMs: number;
  /** … and by how many ms one must be a lesser burden to take the place of another. */
  readonly burdenMarginMs: number;
  /** Between two children that give way in one silent tree at first, ms; longer each time, or trees never come to rest … */
  readonly yieldPauseMs: number;
  /** … up to this, ms. */
  readonly yieldPauseMaxMs: number;
  /** A place goes to another while words are said when it gains more than whoever has it loses: by this share … */
  readonly priceShare: number;
  /** … and so much, ms · members. */
  readonly priceMarginMs: number;
  /** What moves while a source speaks must gain where uploads are short: slots free up all the time, as a share … */
  readonly scarceSwitchGain: number;
  /** … and in ms. */
  readonly scarceSwitchGainMs: number;
  /** Between two looks at what the own place is worth to those below while a source speaks, ms. */
  readonly stakeMs: number;
  /** A child is sent away from a place while words are said only where it hears them so much later at most, ms: longer is a stall. */
  readonly yieldMostMs: number;
  /** When a subscription without an answer counts as refused, ms. */
  readonly answerTimeoutMs: number;
  /** How long a parent that refused is not asked again unless it offers anew, ms. */
  readonly refusalMs: number;
  /** How long a neighbour that took voices and did not pass them on is not asked, ms; twice as long each time … */
  readonly distrustMs: number;
  /** … up to this, ms. */
  readonly distrustMaxMs: number;
  /** Least time between two improving moves in one tree, ms, jittered by ±50 %. */
  readonly improveIntervalMs: number;
  /** How long an old parent is kept beside the new one, and a displaced child served, ms. */
  readonly handoverMs: number;
  /** How long a link still delivers after its goodbye, ms: trees move one after the other, each in a hand-over. */
  readonly retireMs: number;
  /** Backup parents remembered per source. */
  readonly backups: number;
  /** From this capacity on, one slot is kept for children in need. */
  readonly reserveFromSlots: number;
  /** 60 ms: three 20 ms frames; below it one lost frame looks like a dead parent. */
  readonly stallMs: number;
  /** How long a stalled source is searched before it counts as silent, ms. */
  readonly stallGiveUpMs: number;
  /** Between two rounds of asking further parents while stalled, ms: about one round trip. */
  readonly stallRetryMs: number;
  /** Parents asked at once when speech is missing. */
  readonly stallAsks: number;
  /** Least time between two route epochs of one source, ms. */
  readonly epochIntervalMs: number;

  /** Relays a packet may pass. Chains of one-slot members need depth; dedupe bounds what a loop could cost. */
  readonly hopLimit: number;
  /** Hops of a signal along known routes. */
  readonly signalHops: number;
  /** Hops of a signal that nobody has a route for: links of a bounded graph of 200 span it in four or five. */
  readonly floodHops: number;
  /** Signals remembered for duplicate suppression, and return routes kept. */
  readonly maxSignalsRemembered: number;
}

export const DEFAULT_OVERLAY_CONFIG: OverlayConfig = {
  fullMeshMembers: 12,
  linksInLargeRooms: 8,
  firstLinks: 4,
  rewireMs: 500,
  rewireMaxMs: 120_000,
  rewireSlowing: 1.15,
  rewireAging: 0.02,
  rewireSettledMs: 60_000,
  rewireGrowthMs: 3000,
  pacedMembers: 200,
  rewirePacing: 1.5,
  settledPacing: 0.95,
  measuredToldMs: 35_000,
  rewireCandidates: 4,
  rewireRandom: 2,
  rewireDoubt: 2,
  trialsAtOnce: 2,
  rewireSample: 8,
  regretMs: 60_000,
  regretMaxMs: 600_000,
  rewireMargin: 0.12,
  rewireLeastMs: 0.002,
  settledLeast: 0.4,
  settledLeastMost: 3,
  poorLinks: 2,
  admissionMs: 4000,
  openLinkTimeoutMs: 20_000,
  maxPendingLinks: 4,
  backoffMs: 400,
  backoffMaxMs: 30_000,
  overrunMs: 2000,
  linkCheckMs: 250,
  linkReviewMs: 2000,
  cutOffMs: 150,
  hintMs: 400,
  unreachableMs: 2500,
  lostMs: 6000,

  heartbeatMs: 320,
  linkSilenceMs: 1000,
  suspicionMs: 450,

  digestMs: 5000,
  gossipDelayMs: 30,
  headlineMs: 2500,
  linkNewsMs: 1000,
  publishIntervalMs: 2000,
  tombstoneMs: 120_000,
  maxTombstones: 512,
  maxMembers: 1024,
  dutyMembers: 3,

  relayMs: 1,
  deepMembers: 400,
  deepRelayMs: 2,
  deepestHops: 7,
  deepestMs: 300,
  copyKbps: 40,
  plannedSpeakers: 4,
  speakerHoldMs: 2000,
  dormantMs: 20_000,
  negotiatedFanOut: 1.2,
  negotiatedMembers: 64,
  linksPerCopy: 3,
  switchGain: 0.01,
  switchGainMs: 0.5,
  speakingSwitchGain: 0.1,
  speakingSwitchGainMs: 5,
  advertDelayMs: 300,
  advertUrgentMs: 15,
  advertChange: 0.03,
  advertChangeMs: 1.5,
  newcomerMs: 3000,
  capacityWorthMs: 10,
  plannedWorthMs: 20,
  burdenMarginMs: 12,
  yieldPauseMs: 2000,
  yieldPauseMaxMs: 60_000,
  priceShare: 0.2,
  priceMarginMs: 20,
  scarceSwitchGain: 0.03,
  scarceSwitchGainMs: 1.5,
  stakeMs: 500,
  yieldMostMs: 40,
  answerTimeoutMs: 1500,
  refusalMs: 1000,
  distrustMs: 2000,
  distrustMaxMs: 60_000,
  improveIntervalMs: 1500,
  handoverMs: 600,
  retireMs: 1500,
  backups: 2,
  reserveFromSlots: 4,
  stallMs: 60,
  stallGiveUpMs: 1500,
  stallRetryMs: 120,
  stallAsks: 2,
  epochIntervalMs: 3000,

  hopLimit: 31,
  signalHops: 32,
  floodHops: 8,
  maxSignalsRemembered: 512,
};

/** @throws RangeError naming the first field that is out of range or out of relation. */
export function validateOverlayConfig(config: OverlayConfig): OverlayConfig {
  for (const [name, value] of Object.entries(config)) {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      throw new RangeError(`overlay config: ${name} must be a number ≥ 0, not ${String(value)}`);
    }
  }
  const require = (condition: boolean, rule: string): void => {
    if (!condition) throw new RangeError(`overlay config: ${rule}`);
  };
  require(config.linkSilenceMs >= 3 * config.heartbeatMs, 'linkSilenceMs must span three heartbeats');
  require(config.linkSilenceMs + config.suspicionMs <= 2000, 'a crash must be noticed within 2 s');
  require(config.stallMs >= 40, 'stallMs below two frames takes one lost frame for a dead parent');
  require(config.stallRetryMs <= config.stallGiveUpMs, 'stallRetryMs must not exceed stallGiveUpMs');
  require(config.backoffMs > 0 &&
    config.backoffMs <= config.backoffMaxMs, 'backoffMs must be in (0, backoffMaxMs]');
  require(config.advertUrgentMs <= config.advertDelayMs, 'advertUrgentMs must not exceed advertDelayMs');
  require(config.cutOffMs >= config.stallMs, 'cutOffMs below stallMs takes a lost frame for a block');
  require(config.cutOffMs <=
    config.hintMs, 'cutOffMs must not exceed hintMs: whoever is cut off is looked at first');
  require(config.hintMs <= config.unreachableMs, 'hintMs must not exceed unreachableMs');
  require(config.regretMs <= config.regretMaxMs, 'regretMs must not exceed regretMaxMs');
  require(config.distrustMs <= config.distrustMaxMs, 'distrustMs must not exceed distrustMaxMs');
  require(config.lostMs > config.unreachableMs, 'lostMs must leave time to bridge a gap first');
  require(config.deepestHops <= config.hopLimit, 'deepestHops must not exceed hopLimit');
  require(config.deepMembers > config.fullMeshMembers, 'deepMembers must be a large room');
  require(config.negotiatedFanOut >= 1, 'negotiatedFanOut must be at least 1: a tree takes a copy a member');
  require(config.negotiatedMembers >=
    config.fullMeshMembers, 'negotiatedMembers must not be below fullMeshMembers');
  require(config.linksPerCopy >= 1, 'linksPerCopy must be at least 1: a copy takes a link');
  require(config.yieldPauseMs <= config.yieldPauseMaxMs, 'yieldPauseMs must not exceed yieldPauseMaxMs');
  require(config.yieldMostMs <= config.stallMs, 'yieldMostMs must not be heard as a stall');
  require(config.retireMs >= config.handoverMs, 'retireMs must span a hand-over');
  require(config.overrunMs <= 5000, 'overrunMs is a hand-over, not a state');
  require(config.hopLimit >= 1 &&
    config.hopLimit <= 31, 'hopLimit must be 1–31, the longest path on the wire');
  require(config.floodHops <= config.signalHops && config.signalHops <= 127, 'floodHops ≤ signalHops ≤ 127');
  require(config.maxMembers <= 2048, 'maxMembers must fit one versions message');
  require(config.poorLinks >= 1 && config.poorLinks <= 2, 'poorLinks must be 1 or 2: maxLinks may be 2');
  require(config.firstLinks >= config.poorLinks, 'firstLinks must not leave newcomers poor');
  require(config.rewireSample >= 1 &&
    config.rewireSample <= MAX_SAMPLE, `rewireSample must be 1–${MAX_SAMPLE}`);
  require(config.rewireMs >= 300 &&
    config.rewireMs <= config.rewireMaxMs, 'rewireMs must be in 300–rewireMaxMs');
  require(config.rewireSettledMs > config.rewireGrowthMs, 'rewireSettledMs must leave time to rewire');
  require(config.rewireRandom <= config.rewireCandidates, 'rewireRandom must not exceed rewireCandidates');
  require(config.pacedMembers > config.fullMeshMembers, 'pacedMembers must be a large room');
  require(config.rewirePacing >= 1, 'rewirePacing below 1 lets what all hear of grow with the room');
  require(config.settledPacing <=
    config.rewirePacing, 'settledPacing must leave rounds before a room settles');
  require(config.settledLeastMost >=
    1, 'settledLeastMost below 1 lets settled rooms exchange links for less');
  require(config.trialsAtOnce >= 1 &&
    config.trialsAtOnce <= config.maxPendingLinks, 'trialsAtOnce must be in 1–maxPendingLinks');
  require(config.rewireSlowing >= 1, 'rewireSlowing must be at least 1');
  require(config.dormantMs >= 10 * config.advertDelayMs, 'dormantMs must outlast what is told of a tree');
  require(config.plannedSpeakers >= 1, 'plannedSpeakers must be at least 1');
  require(config.maxPendingLinks >= 1, 'maxPendingLinks must be at least 1');
  return config;
}
