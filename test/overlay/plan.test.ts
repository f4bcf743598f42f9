import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { DEFAULT_OVERLAY_CONFIG } from '../../src/overlay/config.js';
import { Core, hopTag } from '../../src/overlay/core.js';
import { LinkMap } from '../../src/overlay/link-map.js';
import { Neighbours } from '../../src/overlay/neighbours.js';
import { Plan } from '../../src/overlay/plan.js';
import { handleOf, type MemberId } from '../../src/units.js';
import { idOf, rosterOf } from './members.js';

const [self, left, right, far] = [idOf(1), idOf(2), idOf(3), idOf(4)];

describe('ways by the plan', () => {
  let core: Core;
  let neighbours: Neighbours;
  let map: LinkMap;
  let plan: Plan;

  const tells = (member: MemberId, sequence: number, ...links: MemberId[]) =>
    map.note(
      {
        handle: handleOf(member),
        sequence,
        slots: 8,
        links: links.map((link) => ({ tag: hopTag(link), delayMs: 10 })),
        measured: [],
      },
      hopTag(member),
    );

  beforeEach(() => {
    core = new Core(self, DEFAULT_OVERLAY_CONFIG, () => 0.5, {
      maxLinks: 8,
      uploadSlots: 8,
      uploadKbps: Infinity,
    });
    core.nowMs = 10_000;
    neighbours = new Neighbours(core.selfTag);
    map = new LinkMap(core.config);
    const roster = rosterOf(self, [self, left, right, far], core.config);
    plan = new Plan(core, map, roster, neighbours);
    tells(left, 1, self, far);
    tells(right, 1, self, far);
    tells(far, 1, left, right);
    neighbours.up(left, 'link', 0).noteRtt(20);
    plan.linksChanged();
  });

  test('are looked for anew when news came, after a pause', () => {
    const before = plan.ways;
    tells(far, 2, right);
    assert.equal(plan.ways, before);
    core.nowMs += 100;
    assert.equal(plan.costMs(handleOf(far)), Infinity);
  });

  test('are looked for anew when they begin with another link, or a longer one', () => {
    const before = plan.ways;
    assert.equal(plan.parentOf(handleOf(far)), left);
    const link = neighbours.up(right, 'link', 0);
    plan.linksChanged();
    assert.equal(plan.ways, before, 'nobody knows yet how long it is');
    link.noteRtt(4);
    plan.linksChanged();
    assert.notEqual(plan.ways, before);
    assert.equal(plan.parentOf(handleOf(far)), right);
    link.retiring = true;
    plan.linksChanged();
    const without = plan.ways;
    assert.equal(plan.parentOf(handleOf(far)), left);
    neighbours.down(right, 'link');
    plan.linksChanged();
    assert.equal(plan.ways, without, 'it was given up already');
    neighbours.link(left)!.rttMs = 20.2;
    plan.linksChanged();
    assert.equal(plan.ways, without);
    neighbours.link(left)!.rttMs = 60;
    plan.linksChanged();
    assert.ok(plan.costMs(handleOf(far)) > 39);
  });
});
