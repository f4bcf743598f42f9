/**
 * How the map of links is kept: each member tells a record of its own links when they changed, those of others pass
 * along the branches that news of members takes, and what was lost is found by comparing digests. A record about this
 * member that it did not make itself is answered by a newer one, as routers do (OSPF, RFC 2328 § 13.4).
 */

import { handleOf, type Handle, type MemberId } from '../units.js';
import {
  MAX_MEASURED,
  MAX_RECORDS_PER_MESSAGE,
  MAX_VERSIONS_PER_MESSAGE,
  quantiseLinkDelay,
  type ControlMessage,
  type LinkRecord,
  type ToldLink,
} from '../wire/control.js';
import { chunks, hopTag, type Core } from './core.js';
import type { LinkMap } from './link-map.js';
import type { Neighbour, Neighbours } from './neighbours.js';
import { draw } from './draw.js';
import { remember } from './remember.js';
import type { Roster } from './roster.js';
import { serialNewer } from './serial.js';

/** A link whose delay moved by less than this share … */
const MOVED_SHARE = 0.15;
/** … or less than this is not told anew, ms. */
const MOVED_MS = 1;
/** A member with hardly any links says so after this, ms. */
const POOR_MS = 120;
/** What comes within so long goes on in one message, ms; longer than most links, so that copies that cross are few. */
const SPREAD_MS = 250;
/** After a member came whose record is not there, it is asked for so soon, ms; each time in vain twice as late … */
const ASK_MS = 700;
/** … up to this. */
const MOST_ASK_MS = 16_000;
/** Share of the members whose records may be lacking: they are on their way, or those members have no link yet. */
const LACKING_SHARE = 0.02;
/** While news has been coming within so long, digests differ for that alone, ms … */
const CALM_MS = 2500;
/** … and records are compared all the same so often, ms. */
const COMPARE_MS = 20_000;

export class LinkNews {
  nextMs = Infinity;
  #tellAtMs = Infinity;
  #toldAtMs = -Infinity;
  #sequence = 0;
  /** Whose records are to be passed on, and who needs none: bounded by the roster and the neighbours. */
  readonly #news = new Map<Handle, Set<MemberId>>();
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
    /** Another member told of its links. */
    readonly onRecord: (record: LinkRecord) => void,
    /** The roster is still coming in. */
    readonly isCatchingUp: () => boolean,
    /** Copies of a voice of others that this member plans to pass on. */
    readonly plannedSlots: () => number,
  ) {}

  /** The own links changed. */
  changed(): void {
    const { nowMs, config } = this.core;
    // Who has hardly any links is welcome elsewhere, once that is known.
    const isPoor = this.neighbours.linkCount < config.poorLinks && this.#sequence > 0;
    const atMs = isPoor
      ? nowMs + POOR_MS
      : Math.max(nowMs + this.core.jittered(config.linkNewsMs / 4), this.#toldAtMs + config.linkNewsMs);
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
    const handle = handleOf(core.selfId);
    const told = this.map.get(handle);
    if (told && told.slots === slots && !differ(told.links, links) && this.#measured.size < MAX_MEASURED / 2)
      return;
    const measured = [...this.#measured].map(([tag, delayMs]) => ({
      tag,
      delayMs: quantiseLinkDelay(delayMs),
    }));
    this.#measured.clear();
    this.#publish({ handle, sequence: this.#nextSequence(), slots, links, measured });
  }

  #nextSequence(): number {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    return this.#sequence;
  }

  #publish(record: LinkRecord): void {
    this.#toldAtMs = this.core.nowMs;
    this.map.note(record, this.core.selfTag);
    this.#pass(record.handle, undefined);
  }

  /** Members came, or a link to ask over: records may be lacking. */
  membersChanged(): void {
    if (!this.roster.isLarge) return;
    this.#askPauseMs = ASK_MS;
    this.#askAtMs = Math.min(this.#askAtMs, this.core.nowMs + this.core.jittered(ASK_MS));
    this.#wake(this.#askAtMs);
  }

  /** Asks neighbours, one after the other, for records of members that are here, until hardly one is lacking. */
  #askForLacking(): void {
    const { core, roster, map } = this;
    this.#askAtMs = Infinity;
    // Records of members that are not known yet would come in vain.
    if (this.isCatchingUp()) {
      this.#askAtMs = core.nowMs + core.jittered(ASK_MS / 2);
      return;
    }
    const lacking = roster.entries.size - map.size;
    if (!roster.isLarge || lacking <= LACKING_SHARE * roster.entries.size) return;
    // A newcomer that knows next to nothing has nothing to tell those around it.
    if (map.size < lacking) this.#catchUpUntilMs = core.nowMs + core.config.newcomerMs;
    this.#askPauseMs = map.size > this.#sizeAtAsking ? ASK_MS : Math.min(MOST_ASK_MS, 2 * this.#askPauseMs);
    this.#sizeAtAsking = map.size;
    this.#askAtMs = core.nowMs + core.jittered(this.#askPauseMs);
    const [somebody] = draw(
      this.neighbours.linked.filter(({ lively }) => lively),
      1,
      core.random,
    );
    if (somebody) this.#sendKnown(somebody, false);
  }

  onRecords(from: Neighbour, records: readonly LinkRecord[], isAnswer: boolean): void {
    const { core, roster, map } = this;
    for (const record of records) {
      const { handle } = record;
      if (handle === handleOf(core.selfId)) {
        this.#refute(record);
        continue;
      }
      const entry = roster.byHandle.get(handle);
      if (!entry) continue;
      if (map.sequenceOf(handle) === record.sequence) {
        this.#news.get(handle)?.add(from.peer);
        continue;
      }
      // Nobody tells of itself so often: who forges records does not set the pace.
      if (core.nowMs - (this.#cameMs.get(handle) ?? -Infinity) < POOR_MS / 2) continue;
      const isCatchUp = isAnswer && core.nowMs < this.#catchUpUntilMs;
      if (map.note(record, hopTag(entry.memberId))) {
        this.#cameMs.set(handle, core.nowMs);
        this.onRecord(record);
        // What a newcomer asked for is no news to those around it.
        if (!isCatchUp) this.#pass(handle, from.peer);
      }
    }
  }

  #refute({ sequence }: LinkRecord): void {
    const own = this.map.get(handleOf(this.core.selfId));
    // An older one was on its way for long.
    if (!own || !serialNewer(sequence, own.sequence)) return;
    this.#sequence = sequence;
    this.#publish({ ...own, sequence: this.#nextSequence() });
  }

  /** The digest of a neighbour differs. */
  onDigest(from: Neighbour, linksHash: number): void {
    const { nowMs } = this.core;
    if (linksHash === this.map.hash || !this.roster.isLarge) return;
    const isCalm = nowMs - this.#newsAtMs >= CALM_MS || nowMs - this.#comparedAtMs >= COMPARE_MS;
    if (isCalm) this.#sendKnown(from, true);
  }

  onKnown(from: Neighbour, message: ControlMessage & { type: 'link-records-known' }): void {
    const theirs = new Map(message.known.map(({ handle, sequence }) => [handle, sequence]));
    const lacking: LinkRecord[] = [];
    for (const handle of this.map.handles()) {
      const known = theirs.get(handle);
      theirs.delete(handle);
      if (known === this.map.sequenceOf(handle)) continue;
      const record = this.map.get(handle) as LinkRecord;
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
    const message = { type: 'link-records-known', answerExpected } as const;
    this.core.send(to.peer, { ...message, known: known.slice(0, MAX_VERSIONS_PER_MESSAGE) });
  }

  memberGone(member: MemberId): void {
    const handle = handleOf(member);
    this.map.forget(handle);
    this.#news.delete(handle);
    this.#cameMs.delete(handle);
  }

  #pass(handle: Handle, from: MemberId | undefined): void {
    this.#newsAtMs = this.core.nowMs;
    this.#news.set(handle, new Set(from === undefined ? [] : [from]));
    this.#spreadAtMs = Math.min(this.#spreadAtMs, this.core.nowMs + this.core.jittered(SPREAD_MS));
    this.#wake(this.#spreadAtMs);
  }

  #spread(): void {
    this.#spreadAtMs = Infinity;
    for (const link of this.neighbours.linked) {
      if (!link.eagerNews || !link.lively) continue;
      const records: LinkRecord[] = [];
      for (const [handle, known] of this.#news) {
        const record = this.map.get(handle);
        if (record && !known.has(link.peer) && handle !== handleOf(link.peer)) records.push(record);
      }
      this.#sendRecords(link, records, false);
    }
    this.#news.clear();
  }

  #sendRecords(to: Neighbour, records: readonly LinkRecord[], isAnswer: boolean): void {
    for (const part of chunks(records, MAX_RECORDS_PER_MESSAGE))
      this.core.send(to.peer, { type: 'link-records', isAnswer, records: part });
  }
}

function differ(a: readonly ToldLink[], b: readonly ToldLink[]): boolean {
  if (a.length !== b.length) return true;
  return b.some(({ tag, delayMs }) => {
    const before = a.find((link) => link.tag === tag);
    if (!before) return true;
    const movedMs = Math.abs(before.delayMs - delayMs);
    return movedMs > MOVED_MS && movedMs > MOVED_SHARE * before.delayMs;
  });
}
