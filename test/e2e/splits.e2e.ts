/** Members that were lost by mistake: a machine that slept, a room that fell apart. Both heal by themselves. */

import { after, afterEach, before, describe, test } from 'node:test';
import { allHearAll, joinAll, type RoomPage } from '../support/room-page.js';
import { Stage } from '../support/stage.js';
import { TONES_HZ } from '../support/injected-scripts.js';

describe('splits', { timeout: 300_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start();
  });
  afterEach(() => stage.clear());
  after(() => stage?.close());

  test('a machine that slept five seconds is missed, and comes back', { timeout: 120_000 }, async () => {
    const awake = await stage.openAll(3);
    // In a browser of its own: all its processes sleep.
    const other = await Stage.start();
    try {
      const sleeper = await other.open({
        name: 'S',
        toneHz: TONES_HZ[3]!,
        attributes: stage.attributes({ 'display-name': 'S' }),
      });
      const cast = [...awake, sleeper];
      await joinAll(cast);
      await allHearAll(cast);
      const wake = other.browser().sleep();
      await Promise.all(awake.map((member) => member.sees(othersOf(awake, member), 4000)));
      wake();
      await allHearAll(cast, 40_000);
    } finally {
      await other.close();
    }
  });

  test('two halves that lost each other find each other', { timeout: 180_000 }, async () => {
    const [left, right] = [await Stage.start(), await Stage.start()];
    try {
      const attributes = (name: string) => stage.attributes({ 'display-name': name });
      const halves: RoomPage[][] = [[], []];
      for (let i = 0; i < 4; i++) {
        const name = 'ABCD'[i]!;
        const half = i < 2 ? left : right;
        halves[i < 2 ? 0 : 1]!.push(
          await half.open({ name, toneHz: TONES_HZ[i]!, attributes: attributes(name) }),
        );
      }
      const cast = halves.flat();
      await joinAll(cast);
      await allHearAll(cast);

      // While one half sleeps the other gives it up; awake again it gives up the first, whose links are closed.
      const wake = right.browser().sleep();
      await Promise.all(halves[0]!.map((member) => member.sees(othersOf(halves[0]!, member), 5000)));
      wake();
      await allHearAll(cast, 60_000);
    } finally {
      await left.close();
      await right.close();
    }
  });
});

function othersOf(cast: readonly RoomPage[], member: RoomPage): string[] {
  return cast.filter((one) => one !== member).map(({ name }) => name);
}
