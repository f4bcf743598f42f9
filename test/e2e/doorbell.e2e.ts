/** Who stays at the doorbell: three, and the next one when somebody of them goes. */

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { allHearAll, type RoomPage } from '../support/room-page.js';
import { Stage } from '../support/stage.js';
import { TONES_HZ } from '../support/injected-scripts.js';
import { waitFor } from '../support/tones.js';

/** Waits until a page holds exactly this many sockets, and no connection but its links. */
async function settlesAtDoorbell(member: RoomPage, sockets: number): Promise<void> {
  await waitFor(
    member.page,
    (wanted) => {
      const live = globalThis.__live();
      const links = globalThis.rooms[0]!.overlay.links.length;
      return live.sockets === wanted && live.connections === links && links > 0;
    },
    [sockets] as [number],
    {
      timeoutMs: 30_000,
      message: async () =>
        `${member.name} should hold ${sockets} sockets, has ${JSON.stringify(await member.live())}`,
    },
  );
}

describe('the doorbell', { timeout: 240_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start();
  });
  afterEach(() => stage.clear());
  after(() => stage?.close());

  test('three stay on duty, the others leave it, and the next takes over', { timeout: 200_000 }, async () => {
    // One speaks and the others listen: who is at the doorbell has nothing to do with how many voices there are.
    const cast: RoomPage[] = [];
    const open = (name: string) =>
      name === 'B'
        ? stage.open({ name, toneHz: TONES_HZ[0] })
        : stage.open({ name, toneHz: null, attributes: { 'listen-only': '' } });
    const allHearB = (listeners: readonly RoomPage[]) =>
      Promise.all(
        listeners.map((one) => (one.name === 'B' ? one.hears([]) : one.hears([TONES_HZ[0]], 20_000))),
      );
    for (const name of ['A', 'B', 'C', 'D', 'E']) {
      const member = await open(name);
      await member.join();
      cast.push(member);
      await Promise.all(
        cast.map((one) =>
          one.sees(
            cast.filter((o) => o !== one).map((o) => o.name),
            20_000,
          ),
        ),
      );
    }
    await allHearB(cast);
    const [a, , , d, e] = cast as [RoomPage, RoomPage, RoomPage, RoomPage, RoomPage];
    // One tracker and one relay: two sockets for those on duty, none for the rest, and no spare connection anywhere.
    await Promise.all(cast.map((member, i) => settlesAtDoorbell(member, i < 3 ? 2 : 0)));

    await a.leave();
    await settlesAtDoorbell(d, 2);
    await settlesAtDoorbell(e, 0);

    const late = await open('L');
    await late.join();
    const present = [...cast.slice(1), late];
    await Promise.all(
      present.map((one) =>
        one.sees(
          present.filter((o) => o !== one).map((o) => o.name),
          20_000,
        ),
      ),
    );
    await allHearB(present);
  });

  test('a member that meets only one of two finds the other', { timeout: 90_000 }, async () => {
    // One rings on torrent only, one on Nostr only: they can meet only through the third.
    const torrent = await stage.open({
      name: 'T',
      toneHz: TONES_HZ[0],
      attributes: { signaling: 'torrent' },
    });
    const nostr = await stage.open({ name: 'N', toneHz: TONES_HZ[1], attributes: { signaling: 'nostr' } });
    const both = await stage.open({ name: 'B', toneHz: TONES_HZ[2] });
    const cast = [torrent, nostr, both];
    await Promise.all(cast.map((member) => member.join()));
    await allHearAll(cast, 45_000);
    const ids = await Promise.all(cast.map((member) => member.selfId()));
    assert.equal(new Set(ids).size, 3);
    // They may hear each other through the third first.
    await waitFor(torrent.page, () => globalThis.rooms[0]!.overlay.links.length === 2, [], {
      message: 'the two did not link',
    });
  });
});
