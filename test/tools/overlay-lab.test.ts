/** The room behind `demo/overlay-lab.html`, without its page. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Laboratory } from '../../demo/overlay-lab/laboratory.js';
import { layOut } from '../../demo/overlay-lab/layout.js';
import { FLIGHT_FIELDS, type MemberPicture, type Picture } from '../../demo/overlay-lab/protocol.js';

const MEMBERS = 16;

function formed(seed = 3): Laboratory {
  const laboratory = new Laboratory(seed, MEMBERS);
  laboratory.advance(15_000, false);
  laboratory.picture(0);
  return laboratory;
}

/** The room as soon as so many hear the speaker at once: a young room still moves its voices to better ways. */
function onceHeardBy(laboratory: Laboratory, hearing: number): Picture {
  for (let waitedMs = 0; ; waitedMs += 100) {
    laboratory.advance(100);
    const picture = laboratory.picture(0);
    if (picture.figures.hearing === hearing) return picture;
    assert.ok(waitedMs < 8000, `${picture.figures.hearing} hear the speaker, not ${hearing}`);
  }
}

const relaying = ({ members, speaker }: Picture): MemberPicture =>
  members.filter(({ index }) => index !== speaker).sort((a, b) => b.below - a.below)[0]!;

const find = ({ members }: Picture, index: number): MemberPicture | undefined =>
  members.find((member) => member.index === index);

describe('the laboratory', () => {
  test('everybody hears the speaker, each through the member drawn as its parent', () => {
    const laboratory = formed();
    const picture = onceHeardBy(laboratory, MEMBERS - 1);
    assert.equal(picture.figures.members, MEMBERS);
    const flights = new Set<string>();
    for (let at = 0; at < picture.flights.length; at += FLIGHT_FIELDS)
      flights.add(`${picture.flights[at]} ${picture.flights[at + 1]}`);
    for (const { index, parent, hearing } of picture.members)
      if (hearing === 'hears') assert.ok(flights.has(`${parent} ${index}`), `no copy flew to ${index}`);
  });

  test('same seed, same room', () => {
    assert.deepEqual(formed(5).picture(0), formed(5).picture(0));
  });

  test('after the busiest relay crashed all others hear again, and the repair is told', () => {
    const laboratory = formed();
    const before = laboratory.picture(0);
    const busiest = relaying(before);
    assert.ok(busiest.below > 0, 'nobody relays: the room is too small for this test');
    laboratory.crashBusiestRelay();
    assert.equal(find(laboratory.picture(0), busiest.index), undefined);
    laboratory.advance(3000);
    const after = onceHeardBy(laboratory, MEMBERS - 2);
    assert.equal(after.figures.silent, 0);
    // At least them: somebody may have been moving in that very moment.
    assert.ok(after.figures.repair && after.figures.repair.members >= busiest.below);
    assert.ok(after.figures.repair.medianMs <= after.figures.repair.longestMs);
    assert.ok(after.notes.some(({ kind }) => kind === 'repair'));
  });

  test('no copy goes to or comes from who blocks the speaker, until it unblocks', () => {
    const laboratory = formed();
    const { index } = relaying(laboratory.picture(0));
    laboratory.block(index, true);
    // A hand-over of its children may take a round trip.
    laboratory.advance(1500);
    laboratory.picture(0);
    laboratory.advance(1000);
    const blocked = laboratory.picture(0);
    assert.equal(find(blocked, index)?.hearing, 'blocks');
    assert.ok(find(blocked, index)!.untouchedMs >= 1000);
    assert.equal(blocked.figures.hearing, MEMBERS - 2);
    for (let at = 0; at < blocked.flights.length; at += FLIGHT_FIELDS)
      assert.ok(blocked.flights[at] !== index && blocked.flights[at + 1] !== index);
    laboratory.block(index, false);
    laboratory.advance(3000);
    assert.equal(find(laboratory.picture(0), index)?.hearing, 'hears');
  });

  test('halves of a cut network do not hear each other, and meet again', () => {
    const laboratory = formed();
    laboratory.setPartition(true);
    laboratory.advance(5000, false);
    const cut = laboratory.picture(0);
    assert.equal(cut.figures.apart + cut.figures.hearing, MEMBERS - 1);
    assert.ok(cut.figures.apart >= MEMBERS / 2 - 1);
    laboratory.setPartition(false);
    laboratory.advance(30_000, false);
    assert.equal(laboratory.picture(0).figures.hearing, MEMBERS - 1);
  });

  test('members come, a phone among them, and go until the size fits; the speaker stays', () => {
    const laboratory = formed();
    laboratory.addPhone();
    laboratory.setSize(MEMBERS + 4);
    const more = onceHeardBy(laboratory, MEMBERS + 3);
    assert.deepEqual(
      more.members.filter(({ phone }) => phone).map(({ below }) => below),
      [0],
    );
    const places = more.members.map(({ place }) => place);
    assert.equal(new Set(places).size, places.length);
    laboratory.setSize(8);
    const fewer = onceHeardBy(laboratory, 7);
    assert.equal(fewer.speaker, more.speaker);
  });

  test('another speaker is heard by all, the old one falls silent', () => {
    const laboratory = formed();
    const { speaker } = laboratory.picture(0);
    const next = relaying(laboratory.picture(0)).index;
    laboratory.speakFrom(next);
    laboratory.advance(2000);
    laboratory.picture(0);
    laboratory.advance(500);
    const picture = laboratory.picture(0);
    assert.equal(picture.speaker, next);
    assert.equal(picture.figures.hearing, MEMBERS - 1);
    assert.equal(find(picture, speaker)?.hearing, 'hears');
  });
});

test('the map puts near together what is near, and nothing on top of anything', () => {
  // Two towns, 100 ms apart, 5 ms inside.
  const town = (place: number): number => (place < 5 ? 0 : 1);
  const { x, y } = layOut(10, (a, b) => (town(a) === town(b) ? 5 : 100));
  const distance = (a: number, b: number): number => Math.hypot(x[a]! - x[b]!, y[a]! - y[b]!);
  for (let a = 0; a < 10; a++)
    for (let b = 0; b < a; b++) {
      assert.ok(distance(a, b) > 0.03, `${a} and ${b} collide`);
      assert.equal(distance(a, b) < 0.5, town(a) === town(b), `${a} and ${b}: ${distance(a, b)}`);
    }
});
