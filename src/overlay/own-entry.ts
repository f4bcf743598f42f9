/** The own roster entry: when it is told anew. Signing is the driver's; it comes back as the input `self`. */

import type { MemberId } from '../units.js';
import type { RosterEntry } from '../wire/roster-entry.js';
import type { Core } from './core.js';
import type { Limits, OwnEntryChanges } from './interface.js';
import type { Linkage } from './linkage.js';
import type { Neighbours } from './neighbours.js';
import type { Roster } from './roster.js';

/** Changed numbers in the own entry that somebody may be waiting for are published after this, ms. */
const PUBLISH_SOON_MS = 120;
/** An asked-for entry that never came back signed is asked for again after this, ms. */
const PUBLISH_TIMEOUT_MS = 2000;

interface Basis {
  readonly own: RosterEntry;
  readonly duty: readonly MemberId[];
  readonly limits: Limits;
  readonly members: number;
  readonly links: number;
  readonly settled: boolean;
}

export class OwnEntry {
  /** When the next one is due. */
  publishAtMs = Infinity;
  leaving = false;
  #lastPublishMs = -Infinity;
  /** Version asked of the driver and not yet seen signed. */
  #publishingVersion = 0;
  /** When the first one stood. */
  #startedMs = 0;
  /** What the last look at the own entry was based on: while nothing of it changes, its result stands. */
  #looked: Basis | undefined = undefined;

  constructor(
    readonly core: Core,
    readonly roster: Roster,
    readonly neighbours: Neighbours,
    readonly linkage: Linkage,
  ) {}

  /** It came back signed. */
  signed(entry: RosterEntry, isFirst: boolean): void {
    if (isFirst) this.#startedMs = this.core.nowMs;
    if (entry.version < this.#publishingVersion) return;
    this.#publishingVersion = 0;
    this.#looked = undefined;
    this.publishAtMs = Infinity;
  }

  /** Sees to it that the own entry tells the truth, without talking about every link. */
  refresh(): void {
    const core = this.core;
    const own = this.roster.self;
    if (!own) {
      this.publishAtMs = Infinity;
      return;
    }
    // While a new one is being signed its time-out stands; otherwise the time first set does, as long as there is a need.
    if (this.#publishingVersion === 0 && this.#basisChanged(own)) {
      const dueMs = this.#publishDueMs(own);
      this.publishAtMs = dueMs === Infinity ? Infinity : Math.min(this.publishAtMs, dueMs);
    }
    if (core.nowMs >= this.publishAtMs) this.publish();
  }

  #basisChanged(own: RosterEntry): boolean {
    const { core, roster, neighbours } = this;
    const duty = roster.onDuty();
    const members = roster.entries.size;
    const links = neighbours.linkCount;
    const settled = core.nowMs - this.#startedMs >= core.config.publishIntervalMs;
    const last = this.#looked;
    if (
      last?.own === own &&
      last.links === links &&
      last.members === members &&
      last.duty === duty &&
      last.limits === core.limits &&
      last.settled === settled
    )
      return false;
    this.#looked = { own, duty, limits: core.limits, members, links, settled };
    return true;
  }

  /**
   * When the own entry should be told anew; Infinity while it is true enough. In a small room every change matters to
   * those who look for a link; in a large one telling costs everybody a copy, and links show on the map.
   */
  #publishDueMs(own: RosterEntry): number {
    const { nowMs, config } = this.core;
    const { full, links, onDuty } = this.#ownState();
    const large = this.roster.isLarge;
    const poor = config.poorLinks;
    // Who has just come does not know all the older ones yet.
    const settled = nowMs - this.#startedMs >= config.publishIntervalMs;
    const crucial =
      (own.onDuty !== onDuty && settled) ||
      (large
        ? own.links >= poor && links < poor
        : Math.min(own.links, poor) !== Math.min(links, poor) || own.full !== full);
    const soonMs = Math.max(nowMs, this.#lastPublishMs) + PUBLISH_SOON_MS;
    if (crucial) return soonMs;
    if (large) return Infinity;
    const isOutdated = own.full !== full || own.links !== links;
    return isOutdated ? Math.max(soonMs, this.#lastPublishMs + config.publishIntervalMs) : Infinity;
  }

  #ownState(): Pick<OwnEntryChanges, 'full' | 'links' | 'onDuty'> {
    return {
      full: this.linkage.full,
      links: Math.min(255, this.neighbours.linkCount),
      onDuty: this.roster.onDuty().includes(this.core.selfId),
    };
  }

  /** Asks the driver for a newly signed entry with a version above `above`. */
  publish(above = this.roster.ownVersion): void {
    const core = this.core;
    const own = this.roster.self;
    if (!own && !this.leaving) return;
    const version = Math.max(above, this.roster.ownVersion, this.#publishingVersion) + 1;
    this.#publishingVersion = version;
    this.#lastPublishMs = core.nowMs;
    this.publishAtMs = core.nowMs + PUBLISH_TIMEOUT_MS;
    core.effects.push({
      type: 'publish',
      changes: { ...this.#ownState(), version, left: this.leaving },
    });
  }
}
