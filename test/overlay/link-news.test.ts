import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { DEFAULT_OVERLAY_CONFIG } from '../../src/overlay/config.js';
import { Core, hopTag } from '../../src/overlay/core.js';
import { LinkMap } from '../../src/overlay/link-map.js';
import { LinkNews } from '../../src/overlay/link-news.js';
import { Neighbours } from '../../src/overlay/neighbours.js';
import type { Roster } from '../../src/overlay/roster.js';
import { handleOf, type MemberId } from '../../src/units.js';
import type { ControlMessage } from '../../src/wire/control.js';
import { quantiseLinkDelay, type LinkRecord } from '../../src/wire/link-records.js';
import { idOf, rosterOf } from './members.js';

const self = idOf(1);
const [left, right, far] = [idOf(2), idOf(3), idOf(4)];

const recordOf = (id: MemberId, sequence: number): LinkRecord => ({
  handle: handleOf(id),
  sequence,
  slots: 32,
  links: [{ tag: hopTag(left), delayMs: 10 }],
  measured: [],
});

describe('news of links', () => {
  let core: Core;
  let neighbours: Neighbours;
  let map: LinkMap;
  let news: LinkNews;
  let roster: Roster;

  beforeEach(() => {
    core = new Core(self, DEFAULT_OVERLAY_CONFIG, () => 0.5, {
      maxLinks: 8,
      uploadSlots: 8,
      uploadKbps: Infinity,
    });
    core.nowMs = 10_000;
    const members = Array.from({ length: 14 }, (_, i) => idOf(i + 1));
    roster = rosterOf(self, members, core.config);
    neighbours = new Neighbours(core.selfTag);
    for (const peer of [left, right]) neighbours.up(peer, 'link', 0).noteRtt(20);
    map = new LinkMap(core.config);
    news = new LinkNews(
      core,
      roster,
      neighbours,
      map,
      () => undefined,
      () => false,
      () => 32,
    );
  });

  const hears = (from: MemberId, records: readonly LinkRecord[], isAnswer = false) =>
    news.onRecords(neighbours.link(from)!, records, isAnswer);

  /** What is told to whom until a moment after which nothing more is due. */
  function told(): { to: MemberId; message: ControlMessage }[] {
    core.nowMs += 2000;
    news.tick();
    core.nowMs += 2000;
    news.tick();
    const messages = core.effects.flatMap((effect) => (effect.type === 'send' ? [effect] : []));
    core.effects = [];
    return messages;
  }

  const recordsTold = () =>
    told().flatMap(({ to, message }) =>
      message.type === 'link-records'
        ? message.records.map(({ handle, sequence }) => ({ to, handle, sequence }))
        : [],
    );

  test('a changed record of one neighbour goes to the other, once', () => {
    hears(left, [recordOf(far, 1)]);
    hears(left, [recordOf(far, 1)]);
    assert.deepEqual(recordsTold(), [{ to: right, handle: handleOf(far), sequence: 1 }]);
    hears(right, [recordOf(far, 1)]);
    assert.deepEqual(recordsTold(), []);
  });

  test('one that both brought goes to neither, and none to whom it is about', () => {
    hears(left, [recordOf(far, 1), recordOf(right, 1)]);
    hears(right, [recordOf(far, 1)]);
    assert.deepEqual(recordsTold(), []);
  });

  test('a newer record of the own links that nobody made here is overruled, an older one is not', () => {
    news.changed();
    assert.deepEqual(
      recordsTold().map(({ sequence }) => sequence),
      [1, 1],
    );
    hears(left, [recordOf(self, 0)]);
    assert.deepEqual(recordsTold(), []);
    hears(left, [recordOf(self, 7)]);
    assert.deepEqual(
      recordsTold().map(({ sequence }) => sequence),
      [8, 8],
    );
    assert.equal(map.get(handleOf(self))?.sequence, 8);
  });

  test('a newcomer asks until hardly a record is lacking, and passes on no answer, but what is news', () => {
    news.membersChanged();
    const asked = () => told().filter(({ message }) => message.type === 'link-records-known').length;
    assert.ok(asked() > 0);
    assert.ok(asked() > 0, 'and again, while nothing came');
    hears(left, [recordOf(far, 1)], true);
    assert.deepEqual(recordsTold(), []);
    hears(left, [recordOf(far, 2)]);
    assert.equal(recordsTold().length, 1);
    for (const { memberId } of roster.entries.values()) {
      core.nowMs += 1000;
      hears(left, [recordOf(memberId, 3)], true);
    }
    news.changed();
    told();
    assert.equal(asked(), 0, 'all are there');
  });

  test('records of strangers and a storm of them are dropped', () => {
    hears(left, [recordOf(idOf(99), 1)]);
    assert.deepEqual([...map.records()], []);
    for (let sequence = 1; sequence <= 50; sequence++) hears(left, [recordOf(far, sequence)]);
    assert.equal(map.get(handleOf(far))?.sequence, 1);
  });

  test('two whose digests differ tell each other what the other lacks', () => {
    map.note(recordOf(far, 5), hopTag(far));
    map.note(recordOf(left, 2), hopTag(left));
    const link = neighbours.link(left)!;
    news.onDigest(link, map.hash);
    assert.deepEqual(told(), []);
    news.onDigest(link, map.hash ^ 1);
    const [asked] = told();
    assert.ok(asked?.message.type === 'link-records-known' && asked.message.answerExpected);
    assert.equal(asked.message.known.length, 2);
    const known = [
      { handle: handleOf(far), sequence: 4 },
      { handle: handleOf(right), sequence: 1 },
    ];
    news.onKnown(link, { type: 'link-records-known', answerExpected: true, isPartial: false, known });
    const answers = told().map(({ message }) => message);
    const [records] = answers;
    assert.ok(records?.type === 'link-records');
    assert.deepEqual(
      records.records.map(({ handle }) => handle),
      [handleOf(far), handleOf(left)],
    );
    assert.ok(
      answers.some(({ type }) => type === 'link-records-known'),
      'it asks for what it lacks itself',
    );
  });

  test('whoever lacks a few records names them, whoever lacks most names what it has', () => {
    const asked = () => {
      news.askNow();
      const [first] = told();
      return first?.message;
    };
    map.note(recordOf(far, 1), hopTag(far));
    assert.equal(asked()?.type, 'link-records-known');
    for (let n = 1; n <= 12; n++) map.note(recordOf(idOf(n), 1), hopTag(idOf(n)));
    assert.deepEqual(asked(), { type: 'links-wanted', handles: [idOf(13), idOf(14)].map(handleOf) });
    news.onWanted(neighbours.link(left)!, [idOf(13), far].map(handleOf));
    assert.deepEqual(recordsTold(), [{ to: left, handle: handleOf(far), sequence: 1 }]);
    for (let n = 13; n <= 14; n++) map.note(recordOf(idOf(n), 1), hopTag(idOf(n)));
    assert.equal(asked(), undefined);
  });

  test('who misses members whose records are there compares all, and not again at once', () => {
    for (let n = 1; n <= 14; n++) map.note(recordOf(idOf(n), 1), hopTag(idOf(n)));
    const compares = () => {
      news.compareNow();
      const sent = core.effects.flatMap((effect) => (effect.type === 'send' ? [effect.message.type] : []));
      core.effects = [];
      return sent;
    };
    assert.deepEqual(compares(), ['link-records-known']);
    assert.deepEqual(compares(), []);
    core.nowMs += 2500;
    assert.deepEqual(compares(), ['link-records-known']);
  });

  test('a link that its far end gave up is told of with the next that changes, or some time later', () => {
    news.changed();
    assert.ok(told().length > 0);
    neighbours.up(idOf(5), 'link', 0).noteRtt(20);
    news.changed();
    assert.ok(told().length > 0);
    neighbours.down(idOf(5), 'link');
    news.changed(true);
    assert.deepEqual(told(), []);
    core.nowMs += 20_000;
    assert.ok(told().length > 0, 'in the end');
    neighbours.up(idOf(5), 'link', 0).noteRtt(20);
    news.changed();
    told();
    neighbours.down(idOf(5), 'link');
    news.changed(true);
    neighbours.up(idOf(6), 'link', 0).noteRtt(20);
    news.changed();
    told();
    assert.deepEqual(
      map.get(handleOf(self))?.links.map(({ tag }) => tag),
      [left, right, idOf(6)].map(hopTag),
    );
  });

  describe('what changed since the record before', () => {
    const change = (sequence: number) => ({
      handle: handleOf(far),
      sequence,
      gone: [],
      set: [{ tag: hopTag(right), delayMs: 20 }],
      measured: [],
    });
    const hearsChange = (from: MemberId, sequence: number) => {
      core.nowMs += 1000;
      news.onChanges(neighbours.link(from)!, [change(sequence)]);
    };
    const said = () => told().map(({ to, message }) => ({ to, type: message.type }));

    test('goes on as it came where that record is there', () => {
      hears(left, [recordOf(far, 1)]);
      told();
      hearsChange(left, 2);
      hearsChange(left, 2);
      assert.deepEqual(said(), [{ to: right, type: 'link-changes' }]);
      assert.deepEqual(
        map.get(handleOf(far))?.links.map(({ tag }) => tag),
        [hopTag(left), hopTag(right)],
      );
    });

    test('goes on as that though the record came whole', () => {
      const links = [left, right, idOf(5), idOf(6)].map((id) => ({
        tag: hopTag(id),
        delayMs: quantiseLinkDelay(10),
      }));
      hears(left, [{ ...recordOf(far, 1), links }]);
      told();
      hears(left, [{ ...recordOf(far, 2), links: links.slice(1) }]);
      const [passed] = told();
      assert.ok(passed?.to === right && passed.message.type === 'link-changes');
      assert.deepEqual(passed.message.changes[0]?.gone, [hopTag(left)]);
      hears(left, [{ ...recordOf(far, 4), links }]);
      assert.deepEqual(said(), [{ to: right, type: 'link-records' }]);
    });

    test('is asked for whole where it is not, and what is old is left alone', () => {
      hearsChange(left, 4);
      const [asked] = told();
      assert.ok(asked?.message.type === 'link-records-known' && asked.message.isPartial);
      assert.deepEqual(asked.message.known, [{ handle: handleOf(far), sequence: 3 }]);
      assert.ok(!map.has(handleOf(far)));
      hears(left, [recordOf(far, 4)], true);
      told();
      hearsChange(left, 3);
      hearsChange(left, 4);
      assert.deepEqual(said(), []);
      hearsChange(left, 7);
      assert.deepEqual(said(), [{ to: left, type: 'link-records-known' }]);
    });

    test('who asks about one record gets that one', () => {
      map.note(recordOf(far, 5), hopTag(far));
      map.note(recordOf(left, 2), hopTag(left));
      const about = (sequence: number) =>
        news.onKnown(neighbours.link(right)!, {
          type: 'link-records-known',
          answerExpected: false,
          isPartial: true,
          known: [{ handle: handleOf(far), sequence }],
        });
      about(5);
      assert.deepEqual(said(), []);
      about(4);
      assert.deepEqual(recordsTold(), [{ to: right, handle: handleOf(far), sequence: 5 }]);
    });

    test('two that come before anything is passed on go on as one record', () => {
      hears(left, [recordOf(far, 1)]);
      core.nowMs += 100;
      news.onChanges(neighbours.link(left)!, [change(2)]);
      assert.deepEqual(recordsTold(), [{ to: right, handle: handleOf(far), sequence: 2 }]);
    });

    test('is all that is told of own links that were exchanged', () => {
      for (let n = 5; n <= 8; n++) neighbours.up(idOf(n), 'link', 0).noteRtt(20);
      news.changed();
      assert.ok(said().every(({ type }) => type === 'link-records'));
      neighbours.down(idOf(8), 'link');
      neighbours.up(idOf(9), 'link', 0).noteRtt(20);
      news.changed();
      const [first] = told();
      assert.ok(first?.message.type === 'link-changes');
      assert.deepEqual(first.message.changes[0]?.gone, [hopTag(idOf(8))]);
      assert.deepEqual(
        first.message.changes[0].set.map(({ tag }) => tag),
        [hopTag(idOf(9))],
      );
    });
  });
});
