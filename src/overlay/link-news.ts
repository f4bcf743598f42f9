/**
 * How the map of links is kept: each member tells a record of its own links when they changed, those of others pass
 * along the branches that news of members takes, and what was lost is found by comparing digests. Where a record differs
 * from the one before in a link or two, only these are told: whoever lacks the one before asks for the whole. A record about this
 * member that it did not make itself is answered by a newer one, as routers do (OSPF, RFC 2328 § 13.4).
 * A little over 400 lines: what is told, passed on, asked for and compared turns on the same few times and sequences.
 */

import { handleOf, type Handle, type MemberId } from '../units.js';
import type { ControlMessage } from '../wire/control.js';
import {
  MAX_KNOWN_PER_MESSAGE,
  MAX_MEASURED,
  MAX_RECORDS_PER_MESSAGE,
  quantiseLinkDelay,
  type KnownRecord,
  type LinkChange,
  type LinkRecord,
  type ToldLink,
} from '../wire/link-records.js';
import { chunks, hopTag, type Core } from './core.js';
import { changeOf, differenceOf, following, isShorter, preceding, recordAfter } from './link-changes.js';
import type { LinkMap } from './link-map.js';
import type { Neighbour, Neighbours } from './neighbours.js';
import { draw } from './draw.js';
import { remember } from './remember.js';
import type { Roster } from './roster.js';
import { serialNewer } from './serial.js';

/** A member with hardly any links says so after this, ms. */
const POOR_MS = 120;
/** What the far end of a link tells waits for more to tell here, at most so long, ms. */
const TOLD_ELSEWHERE_MS = 20_000;
/** What comes within so long goes on in one message, ms; longer than most links, so that copies that cross are few; in a very large room, where it is much, longer. */
const SPREAD_MS = 250;
/** A record that has been here for so long will be elsewhere too, ms; where it is not, the next one is asked for whole. */
const LATE_MS = 1500;
/** After a member came whose record is not there, it is asked for so soon, ms; each time in vain twice as late … */
const ASK_MS = 700;
/** … or so soon, once this share of all is there, in a very large room later; … */
const LATE_ASK_MS = 3000;
const MOST_SHARE = 0.8;
/** … up to this. */
const MOST_ASK_MS = 16_000;
/** While news has been coming within so long, digests differ for that alone, ms … */
const CALM_MS = 2500;
/** … and records are compared all the same so often, ms for each member, whom a list takes 5 B: at 200 members 0.2 kbit/s. */
const COMPARE_MS = 200;
/** Who misses members that are there compares records at most so often, ms, in a very large room more rarely. */
const COMPARE_NOW_MS = 2000;

interface News {
  /** What makes the record of the one before. */
  readonly change: LinkChange;
  /** The one before has been here for so long that others will have it. */
  readonly isLate: boolean;
}

export class LinkNews {
  nextMs = Infinity;
  #tellAtMs = Infinity;
  #toldAtMs = -Infinity;
  #sequence = 0;
  /** Whose records are to be passed on; undefined for those told whole. Bounded by the roster. */
  readonly #news = new Map<Handle, News | undefined>();
  /** When a record of each member last came, ms; bounded by the roster. */
  readonly #cameMs = new Map<Handle, number>();
  #spreadAtMs = Infinity;
  #newsAtMs = -Infinity;
  /** Delays of members measured since the last record, by hop tag, ms; at most `MAX_MEASURED`. */
  readonly #measured = new Map<number, number>();
  #comparedAtMs = 0;
  #catchUpUntilMs = -Infinity;
  #askAtMs = Infinity;
  #askPauseMs = ASK_MS;
  #sizeAtAsking = 0;

  constructor(
    readonly core: Core,
    readonly roster: Roster,
    readonly neighbours: Neighbours,
    readonly map: LinkMap,
    /** Another member told how far it is from others. */
    readonly onDelays: (handle: Handle, told: readonly ToldLink[]) => void,
    /** The roster is still coming in. */
    readonly isCatchingUp: () => boolean,
    /** Copies of a voice of others that this member plans to pass on. */
    readonly plannedSlots: () => number,
  ) {}

  /**
   * The own links changed.
   *
   * @param isToldElsewhere the far end of a link tells that it ended, with which it counts no more: this end need not hurry
   */
  changed(isToldElsewhere = false): void {
    const { nowMs, config } = this.core;
    const pauseMs = (isToldElsewhere ? TOLD_ELSEWHERE_MS : config.linkNewsMs) * this.roster.pacing;
    // Who has hardly any links is welcome elsewhere, once that is known.
    const isPoor = this.neighbours.linkCount < config.poorLinks && this.#sequence > 0;
    const atMs = isPoor
      ? nowMs + POOR_MS
      : Math.max(
          nowMs + this.core.jittered(isToldElsewhere ? pauseMs : config.linkNewsMs / 4),
          this.#toldAtMs + pauseMs,
        );
    this.#tellAtMs = Math.min(this.#tellAtMs, atMs);
    this.#wake(this.#tellAtMs);
  }

  /** A member was measured that is no neighbour. */
  measured(peer: MemberId, rttMs: number): void {
    remember(this.#measured, hopTag(peer), rttMs / 2, MAX_MEASURED);
    if (this.#measured.size >= MAX_MEASURED / 2) this.changed();
  }

  tick(): void {
    const { nowMs } = this.core;
    if (nowMs < this.nextMs) return;
    this.nextMs = Infinity;
    if (nowMs >= this.#tellAtMs) this.#tell();
    if (nowMs >= this.#spreadAtMs) this.#spread();
    if (nowMs >= this.#askAtMs) this.#askForLacking();
    this.#wake(this.#askAtMs);
    this.#wake(this.#tellAtMs);
    this.#wake(this.#spreadAtMs);
  }

  #wake(atMs: number): void {
    this.nextMs = Math.min(this.nextMs, atMs);
  }

  #tell(): void {
    this.#tellAtMs = Infinity;
    const { core, roster } = this;
    // In a small room everybody is linked to everybody.
    if (!roster.self || !this.roster.isLarge) return;
    const links = this.neighbours
      .links()
      .filter(({ measured, silent }) => measured && !silent)
      .map(({ tag, rttMs }) => ({ tag, delayMs: quantiseLinkDelay(rttMs / 2) }));
    const slots = this.plannedSlots();
    const handle = core.selfHandle;
    const told = this.map.get(handle);
    const isSame = told !== undefined && told.slots === slots;
    // Who was measured waits for a change of links, or for more of them.
    const isPatient = isSame && this.#measured.size < MAX_MEASURED / 2;
    if (isPatient && !changeOf(told, links, [])) return;
    const measured = [...this.#measured].map(([tag, delayMs]) => ({
      tag,
      delayMs: quantiseLinkDelay(delayMs),
    }));
    this.#measured.clear();
    const change = isSame && told.sequence === this.#sequence ? changeOf(told, links, measured) : undefined;
    const record = change && recordAfter(told as LinkRecord, change);
    if (change && record) {
      this.#sequence = record.sequence;
      this.#publish(record, isShorter(change, record) ? change : undefined);
    } else this.#publish({ handle, sequence: this.#nextSequence(), slots, links, measured }, undefined);
  }

  /** Others took this member for gone, and forgot its links with it. */
  tellAgain(): void {
    const own = this.map.get(this.core.selfHandle);
    if (own && this.roster.isLarge)
      this.#publish({ ...own, measured: [], sequence: this.#nextSequence() }, undefined);
  }

  #nextSequence(): number {
    this.#sequence = following(this.#sequence);
    return this.#sequence;
  }

  #publish(record: LinkRecord, change: LinkChange | undefined): void {
    const isLate = this.core.nowMs - this.#toldAtMs > LATE_MS;
    this.#toldAtMs = this.core.nowMs;
    this.map.note(record, this.core.selfTag);
    this.#pass(record.handle, change && { change, isLate });
  }

  /** Pause before records are asked for: who has most of them can wait for the rest, which is on its way. */
  get #leastAskMs(): number {
    const { entries, pacing } = this.roster;
    return this.map.size >= MOST_SHARE * entries.size ? LATE_ASK_MS * pacing : ASK_MS;
  }

  /** Members came, or a link to ask over: records may be lacking. */
  membersChanged(): void {
    if (!this.roster.isLarge) return;
    this.#askPauseMs = this.#leastAskMs;
    this.#askAtMs = Math.min(this.#askAtMs, this.core.nowMs + this.core.jittered(this.#askPauseMs));
    this.#wake(this.#askAtMs);
  }

  /** Asks neighbours, one after the other, for records of members that are here, until none is lacking. */
  #askForLacking(): void {
    const { core, roster, map } = this;
    this.#askAtMs = Infinity;
    // Records of members that are not known yet would come in vain.
    if (this.isCatchingUp()) {
      this.#askAtMs = core.nowMs + core.jittered(ASK_MS / 2);
      return;
    }
    const lacking = roster.entries.size - map.size;
    if (!roster.isLarge || lacking <= 0) return;
    // A newcomer that knows next to nothing has nothing to tell those around it.
    if (map.size < lacking) this.#catchUpUntilMs = core.nowMs + core.config.newcomerMs;
    this.#askPauseMs =
      map.size > this.#sizeAtAsking ? this.#leastAskMs : Math.min(MOST_ASK_MS, 2 * this.#askPauseMs);
    this.#sizeAtAsking = map.size;
    this.#askAtMs = core.nowMs + core.jittered(this.#askPauseMs);
    this.askNow();
  }

  /** Asks a neighbour for the records that are lacking. */
  askNow(): void {
    const { core, roster, map } = this;
    const somebody = this.#somebody();
    if (!somebody) return;
    // Who has more than it lacks says less by naming that.
    if (map.size < roster.entries.size - map.size) return this.#sendKnown(somebody, false);
    const handles = [...roster.byHandle.keys()].filter((handle) => !map.has(handle));
    if (handles.length > 0) core.send(somebody.peer, { type: 'links-wanted', handles });
  }

  /** Compares the records with a neighbour's, unless that was done lately: some may be out of date. */
  compareNow(): void {
    if (this.core.nowMs - this.#comparedAtMs < COMPARE_NOW_MS * this.roster.pacing) return;
    const somebody = this.#somebody();
    if (somebody) this.#sendKnown(somebody, false);
  }

  #somebody(): Neighbour | undefined {
    const lively = this.neighbours.linked.filter((neighbour) => neighbour.lively);
    return draw(lively, 1, this.core.random)[0];
  }

  /** A neighbour lacks these records. */
  onWanted(from: Neighbour, handles: readonly Handle[]): void {
    const records: LinkRecord[] = [];
    for (const handle of handles) {
      const record = this.map.get(handle);
      if (record) records.push({ ...record, measured: [] });
    }
    this.#sendRecords(from, records, true);
  }

  onRecords(from: Neighbour, records: readonly LinkRecord[], isAnswer: boolean): void {
    const isCatchUp = isAnswer && this.core.nowMs < this.#catchUpUntilMs;
    for (const record of records) {
      if (!this.#isNews(from, record)) continue;
      const { handle, sequence } = record;
      const isNext = this.map.sequenceOf(handle) === preceding(sequence);
      const before = isNext ? this.map.get(handle) : undefined;
      const isLate = this.#isLate(handle);
      // What a newcomer asked for is no news to those around it.
      if (!this.#learn(record) || isCatchUp) continue;
      // Told whole for want of the one before somewhere; from here on that may be there.
      const change = before && differenceOf(before, record);
      this.#pass(handle, change && { change, isLate });
    }
  }

  onChanges(from: Neighbour, changes: readonly LinkChange[]): void {
    const lacking: KnownRecord[] = [];
    for (const change of changes) {
      const { handle, sequence } = change;
      if (!this.#isNews(from, change)) continue;
      const before = this.map.get(handle);
      const record = before && recordAfter(before, change);
      const isLate = this.#isLate(handle);
      // The other delays are known.
      if (record && this.#learn(record, change.set)) this.#pass(handle, { change, isLate });
      else if (!before || serialNewer(sequence, before.sequence))
        lacking.push({ handle, sequence: before?.sequence ?? preceding(sequence) });
    }
    const ask = { type: 'link-records-known', answerExpected: false, isPartial: true } as const;
    if (lacking.length > 0) this.core.send(from.peer, { ...ask, known: lacking });
  }

  /** Whether there may be something to learn from what was told of a member. */
  #isNews(from: Neighbour, { handle, sequence }: KnownRecord): boolean {
    if (handle === this.core.selfHandle) {
      this.#refute(sequence);
      return false;
    }
    const slot = this.#slotOf(handle);
    if (slot < 0) return false;
    from.records.set(slot, sequence + 1);
    if (this.map.sequenceOf(handle) === sequence) return false;
    // Nobody tells of itself so often: who forges records does not set the pace.
    return this.core.nowMs - (this.#cameMs.get(handle) ?? -Infinity) >= POOR_MS / 2;
  }

  /** Whether the record that is here came so long ago that others will have it. */
  #isLate(handle: Handle): boolean {
    return this.core.nowMs - (this.#cameMs.get(handle) ?? -Infinity) > LATE_MS;
  }

  /** A neighbour surely has a record now. */
  #noteKnown({ records }: Neighbour, handle: Handle, sequence: number): void {
    const slot = this.#slotOf(handle);
    if (slot >= 0) records.set(slot, sequence + 1);
  }

  /** What a neighbour has of a member's records, if anything is known of it. */
  #knownTo({ records }: Neighbour, handle: Handle): number | undefined {
    const slot = this.#slotOf(handle);
    const known = slot >= 0 ? records.get(slot) : 0;
    return known > 0 ? known - 1 : undefined;
  }

  #slotOf(handle: Handle): number {
    const entry = this.roster.byHandle.get(handle);
    return entry ? this.roster.slots.of(entry.memberId) : -1;
  }

  /**
   * @param told which of the links are news
   * @returns false when this or a newer record was there
   */
  #learn(record: LinkRecord, told = record.links): boolean {
    const { handle } = record;
    const entry = this.roster.byHandle.get(handle);
    if (!entry || !this.map.note(record, hopTag(entry.memberId))) return false;
    this.#cameMs.set(handle, this.core.nowMs);
    this.onDelays(handle, [...told, ...record.measured]);
    return true;
  }

  #refute(sequence: number): void {
    const own = this.map.get(this.core.selfHandle);
    // An older one was on its way for long.
    if (!own || !serialNewer(sequence, own.sequence)) return;
    this.#sequence = sequence;
    this.#publish({ ...own, sequence: this.#nextSequence() }, undefined);
  }

  /** The digest of a neighbour differs. */
  onDigest(from: Neighbour, linksHash: number): void {
    const { nowMs } = this.core;
    if (linksHash === this.map.hash || !this.roster.isLarge) return;
    const isCalm =
      nowMs - this.#newsAtMs >= CALM_MS || nowMs - this.#comparedAtMs >= COMPARE_MS * this.map.size;
    if (isCalm) this.#sendKnown(from, true);
  }

  onKnown(from: Neighbour, message: ControlMessage & { type: 'link-records-known' }): void {
    const theirs = new Map(message.known.map(({ handle, sequence }) => [handle, sequence]));
    for (const [handle, sequence] of theirs) this.#noteKnown(from, handle, sequence);
    const lacking: LinkRecord[] = [];
    for (const handle of message.isPartial ? [...theirs.keys()] : this.map.handles()) {
      const known = theirs.get(handle);
      theirs.delete(handle);
      if (known === this.map.sequenceOf(handle)) continue;
      const record = this.map.get(handle);
      if (!record) continue;
      // Whom it measured in passing is news, and no part of what everybody must have.
      if (known === undefined || serialNewer(record.sequence, known))
        lacking.push({ ...record, measured: [] });
      else theirs.set(handle, known);
    }
    this.#sendRecords(from, lacking, true);
    if (message.answerExpected && theirs.size > 0) this.#sendKnown(from, false);
  }

  #sendKnown(to: Neighbour, answerExpected: boolean): void {
    this.#comparedAtMs = this.core.nowMs;
    const known = this.map
      .handles()
      .map((handle) => ({ handle, sequence: this.map.sequenceOf(handle) as number }));
    const message = { type: 'link-records-known', answerExpected, isPartial: false } as const;
    this.core.send(to.peer, { ...message, known: known.slice(0, MAX_KNOWN_PER_MESSAGE) });
  }

  memberGone(member: MemberId): void {
    const handle = handleOf(member);
    this.map.forget(handle);
    this.#news.delete(handle);
    this.#cameMs.delete(handle);
  }

  #pass(handle: Handle, news: News | undefined): void {
    this.#newsAtMs = this.core.nowMs;
    // One that follows upon another which was not passed on yet is told whole.
    this.#news.set(handle, this.#news.has(handle) ? undefined : news);
    const pauseMs = this.core.jittered(SPREAD_MS * Math.sqrt(this.roster.pacing));
    this.#spreadAtMs = Math.min(this.#spreadAtMs, this.core.nowMs + pauseMs);
    this.#wake(this.#spreadAtMs);
  }

  #spread(): void {
    this.#spreadAtMs = Infinity;
    for (const link of this.neighbours.linked) {
      if (!link.eagerNews || !link.lively) continue;
      const records: LinkRecord[] = [];
      const changes: LinkChange[] = [];
      for (const [handle, news] of this.#news) {
        const sequence = this.map.sequenceOf(handle);
        const known = this.#knownTo(link, handle);
        if (sequence === undefined || known === sequence || handle === link.handle) continue;
        if (news && (known === preceding(sequence) || news.isLate)) {
          changes.push(news.change);
          this.#noteKnown(link, handle, sequence);
        } else records.push(this.map.get(handle) as LinkRecord);
      }
      this.#sendRecords(link, records, false);
      for (const part of chunks(changes, MAX_RECORDS_PER_MESSAGE))
        this.core.send(link.peer, { type: 'link-changes', changes: part });
    }
    this.#news.clear();
  }

  #sendRecords(to: Neighbour, records: readonly LinkRecord[], isAnswer: boolean): void {
    for (const { handle, sequence } of records) this.#noteKnown(to, handle, sequence);
    for (const part of chunks(records, MAX_RECORDS_PER_MESSAGE))
      this.core.send(to.peer, { type: 'link-records', isAnswer, records: part });
  }
}
