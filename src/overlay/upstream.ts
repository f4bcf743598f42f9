/**
 * The upper half of a tree: finding, keeping, improving and replacing the parent. Above 400 lines: one parent and
 * its replacements go through all of it, and whom to choose is in `routes.ts`.
 */

import type { MemberId } from '../units.js';
import { MAX_PATH_HOPS, type Rejection } from '../wire/control.js';
import type { Core } from './core.js';
import type { Downstream } from './downstream.js';
import type { Neighbour, Neighbours } from './neighbours.js';
import {
  chooseBackups,
  chooseBetterParent,
  chooseFirstParent,
  isFeasible,
  type Candidate,
} from './routes.js';
import { serialNewer } from './serial.js';
import type { Tree } from './tree.js';

/** First pause between rounds of asking when nobody takes us, ms; doubles up to the second. */
const RETRY_MS = 120;
const RETRY_MAX_MS = 2000;
/** How long a tree that woke moves for as little as a silent one, ms. */
const SETTLING_MS = 4000;
/** What changes by less of what a place is worth is not told, ms · members. */
const STAKE_CHANGE = 1;
/** How long a voice that nobody around has is searched before its source counts as silent, ms: a link to it opens in a second or two. */
const CUT_OFF_GIVE_UP_MS = 5000;
/** How long a silent tree keeps its old parent, ms: a first word on its way may have passed the new one already. */
const SILENT_OVERLAP_MS = 150;

export class Upstream {
  constructor(
    readonly core: Core,
    readonly neighbours: Neighbours,
    /** The lower half: what can be offered to those who are asked. */
    readonly downstream: Downstream,
  ) {}

  /** Takes every decision about the parent that is due. */
  service(tree: Tree): void {
    const { core, neighbours } = this;
    const { nowMs, config } = core;
    if (tree.blocked) return;
    this.#settleRace(tree);
    this.#expireUpstream(tree);

    if (tree.parent !== undefined && !neighbours.lively(tree.parent)) {
      // One that said goodbye still delivers while another is found.
      if (neighbours.link(tree.parent)?.retiring) tree.feeds.set(tree.parent, nowMs + config.retireMs);
      else core.unsubscribe(tree.parent, tree.handle);
      tree.parent = undefined;
      tree.retryAtMs = nowMs;
    }
    if (tree.parent !== undefined) this.#followParent(tree, tree.parent);
    if (tree.parent === undefined) this.#promoteFeed(tree);

    const giveUpMs = tree.isCutOff ? CUT_OFF_GIVE_UP_MS : config.stallGiveUpMs;
    if (tree.speaking && nowMs >= tree.lastFrameMs + giveUpMs) this.#endStall(tree);
    const stalledNow = tree.speaking && nowMs >= tree.lastFrameMs + config.stallMs;
    if (stalledNow && !tree.stalled) {
      tree.stalled = true;
      tree.nextRaceMs = nowMs;
      tree.raceTried.clear();
    }
    if (tree.parent === undefined || tree.isStarving) tree.root.unservedSinceMs ??= nowMs;
    else tree.root.unservedSinceMs = undefined;
    if (tree.parent === undefined) {
      if (nowMs >= tree.retryAtMs) this.#findParent(tree);
      tree.dueMs = Math.min(tree.dueMs, Math.max(tree.retryAtMs, nowMs + 1));
    } else if (tree.stalled) {
      if (nowMs >= tree.nextRaceMs) this.#race(tree);
      tree.dueMs = Math.min(tree.dueMs, tree.nextRaceMs);
    } else if (nowMs < tree.sentAwayUntilMs) this.#leave(tree, tree.parent);
    else {
      this.#improve(tree, tree.parent);
      if (tree.asked.size === 0) this.#tellStake(tree, tree.parent);
    }
    if (tree.stalled) tree.dueMs = Math.min(tree.dueMs, tree.lastFrameMs + giveUpMs);
  }

  /** First words come from a neighbour: it is the parent. Nothing is offered before it offered its cost and path. */
  begin(tree: Tree, parent: MemberId): void {
    this.#setParent(tree, parent);
    if (this.neighbours.link(parent)?.offers.has(tree.slot)) return;
    tree.costMs = Infinity;
    tree.path = [];
  }

  /** The parent has nothing to send any more. */
  lose(tree: Tree): void {
    tree.parent = undefined;
    tree.retryAtMs = this.core.nowMs;
  }

  /** The neighbour takes us; `adopt` is a child it sends our way with that. @returns false when nobody asked it. */
  onAccept(tree: Tree, from: MemberId, adopt: MemberId | undefined): boolean {
    const { core } = this;
    const ask = tree.asked.get(from);
    const isParent = !ask && from === tree.parent;
    if ((!ask && !isParent) || tree.blocked) {
      if (!tree.expects(from)) core.unsubscribe(from, tree.handle);
      return false;
    }
    tree.asked.delete(from);
    // Several may have been asked, and each reckoned with the same free slot.
    if (adopt !== undefined && adopt !== core.selfId) this.downstream.adopt(tree, adopt, from);
    if (isParent) tree.sentAwayUntilMs = -Infinity;
    if (!ask) return true;
    if (tree.parent === undefined) this.#setParent(tree, from);
    else if (ask.improving) {
      const old = tree.parent;
      this.#setParent(tree, from);
      tree.isContinued = ask.replays;
      if (this.neighbours.lively(old))
        tree.feeds.set(old, core.nowMs + (tree.speaking ? core.config.handoverMs : SILENT_OVERLAP_MS));
      else core.unsubscribe(old, tree.handle);
    } else if (tree.stalled || tree.winner === from)
      tree.feeds.set(from, core.nowMs + core.config.stallGiveUpMs);
    else if (from !== tree.parent) core.unsubscribe(from, tree.handle);
    return true;
  }

  /** The neighbour does not take us, or sends us away; `redirects` may. */
  onReject(tree: Tree, from: MemberId, reason: Rejection['reason'], redirects: readonly MemberId[]): void {
    const { core } = this;
    if (reason === 'moved') {
      if (from !== tree.parent) return;
      tree.hints = [...redirects];
      tree.sentAwayUntilMs = core.nowMs + core.config.handoverMs;
      tree.refusedUntilMs.set(from, tree.sentAwayUntilMs);
      tree.retryAtMs = core.nowMs;
      this.#leave(tree, from);
      return;
    }
    const ask = tree.asked.get(from);
    tree.asked.delete(from);
    tree.feeds.delete(from);
    // Being sent down by a parent that makes room, or meeting a loop, deserves a quick second question; and while words
    // are missed, two that found their places taken by each other must not wait for the refusal to be forgotten.
    const isMissing = tree.speaking && (tree.parent === undefined || tree.parent === from);
    const pauseMs = core.jittered(ask?.improving || isMissing ? RETRY_MS : core.config.refusalMs);
    tree.refusedUntilMs.set(from, core.nowMs + pauseMs);
    tree.refusedMs.set(from, core.nowMs);
    // It offers anew when it has something to pass on.
    if (reason === 'leaf') this.neighbours.link(from)?.offers.delete(tree.slot);
    if (redirects.length > 0) tree.hints = [...redirects];
    if (from === tree.parent) tree.parent = undefined;
  }

  /** Sent away: asks whom the parent pointed to, or somebody else, again when an answer was no or a request crossed. */
  #leave(tree: Tree, parent: MemberId): void {
    const { core } = this;
    if (tree.asked.size > 0 || tree.feeds.size > 0) return;
    if (core.nowMs >= tree.retryAtMs) {
      tree.retryAtMs = core.nowMs + RETRY_MS;
      const target =
        tree.hints.find((peer) => peer !== parent && peer !== core.selfId && this.neighbours.lively(peer)) ??
        this.#elsewhere(tree, parent)?.peer;
      tree.hints = tree.hints.filter((peer) => peer !== target);
      if (target !== undefined) this.#ask(tree, target, true);
    }
    tree.dueMs = Math.min(tree.dueMs, tree.retryAtMs);
  }

  /** Whom a child turns to that its parent cannot keep: with room, and not below it as far as is known. */
  #elsewhere(tree: Tree, parent: MemberId): Candidate | undefined {
    const others = this.candidates(tree).filter(({ peer, freeSlots }) => peer !== parent && freeSlots > 0);
    const feasible = others.filter((candidate) => isFeasible(candidate, tree.feasibleMs));
    return chooseFirstParent(feasible.length > 0 ? feasible : others, []);
  }

  /** Lets go of everybody who sends or was asked to. */
  abandon(tree: Tree): void {
    for (const peer of [tree.parent, ...tree.feeds.keys(), ...tree.asked.keys()]) {
      if (peer !== undefined) this.core.unsubscribe(peer, tree.handle);
    }
    tree.parent = undefined;
    tree.feeds.clear();
    tree.asked.clear();
    tree.speaking = tree.stalled = false;
    tree.winner = undefined;
    tree.root.unservedSinceMs = undefined;
  }

  /** Whoever delivered first after a stall, or proved to deliver after a hand-over, is the parent; the rest may stop. */
  #settleRace(tree: Tree): void {
    const { winner } = tree;
    if (winner === undefined) return;
    tree.winner = undefined;
    if (winner !== tree.parent) {
      if (!tree.feeds.has(winner) && !tree.asked.has(winner)) return;
      tree.asked.delete(winner);
      if (tree.parent !== undefined) {
        this.core.unsubscribe(tree.parent, tree.handle);
        this.#failed(tree, tree.parent, false);
      }
      this.#setParent(tree, winner);
    }
    for (const peer of tree.feeds.keys()) this.core.unsubscribe(peer, tree.handle);
    tree.feeds.clear();
    for (const [peer, ask] of tree.asked) {
      if (ask.improving) continue;
      tree.asked.delete(peer);
      this.core.unsubscribe(peer, tree.handle);
    }
  }

  #expireUpstream(tree: Tree): void {
    const { nowMs, config } = this.core;
    for (const [peer, untilMs] of tree.feeds) {
      if (nowMs >= untilMs) {
        tree.feeds.delete(peer);
        // Words still come, and not from the parent that was to take over: the old one stays.
        const { parent } = tree;
        const isCarrying = tree.speaking && !tree.stalled && nowMs < tree.lastFrameMs + config.stallMs;
        if (
          parent !== undefined &&
          isCarrying &&
          tree.beganAt === undefined &&
          this.neighbours.lively(peer)
        ) {
          this.core.unsubscribe(parent, tree.handle);
          this.#failed(tree, parent, true);
          this.#setParent(tree, peer);
        } else this.core.unsubscribe(peer, tree.handle);
      } else tree.dueMs = Math.min(tree.dueMs, untilMs);
    }
    for (const [peer, ask] of tree.asked) {
      const untilMs = ask.atMs + config.answerTimeoutMs;
      if (nowMs >= untilMs || !this.neighbours.lively(peer)) {
        tree.asked.delete(peer);
        this.core.unsubscribe(peer, tree.handle);
        tree.refusedUntilMs.set(peer, nowMs + config.refusalMs);
      } else tree.dueMs = Math.min(tree.dueMs, untilMs);
    }
    if (tree.refusedUntilMs.size === 0) return;
    for (const [peer, untilMs] of tree.refusedUntilMs) {
      if (nowMs >= untilMs) tree.refusedUntilMs.delete(peer);
      else tree.dueMs = Math.min(tree.dueMs, untilMs);
    }
  }

  /** Takes over the parent's present cost and path; lets go of a parent that lost its own route or runs through here. */
  #followParent(tree: Tree, parent: MemberId): void {
    const { core } = this;
    const link = this.neighbours.link(parent);
    if (!link?.offers.has(tree.slot)) {
      if (core.nowMs >= tree.provisionalUntilMs) {
        core.unsubscribe(parent, tree.handle);
        tree.parent = undefined;
      } else tree.dueMs = Math.min(tree.dueMs, tree.provisionalUntilMs);
      return;
    }
    const { offers } = link;
    if (offers.usableCostMs(tree.slot) === Infinity) {
      core.unsubscribe(parent, tree.handle);
      tree.refusedUntilMs.set(parent, core.nowMs + core.jittered(core.config.refusalMs));
      tree.parent = undefined;
      return;
    }
    tree.costMs = offers.costMs(tree.slot) + link.costMs;
    if (!this.#isPathThrough(tree.path, link, tree.slot)) tree.path = [...offers.path(tree.slot), link.tag];
    const epoch = offers.epoch(tree.slot);
    if (serialNewer(epoch, tree.root.epoch)) {
      tree.root.epoch = epoch;
      tree.feasibleMs = tree.costMs;
    }
  }

  /** Whether the path is what the neighbour offers, and then the neighbour. */
  #isPathThrough(path: readonly number[], { offers, tag }: Neighbour, slot: number): boolean {
    const hops = offers.pathHops(slot);
    if (path.length !== hops + 1 || path[hops] !== tag) return false;
    for (let i = 0; i < hops; i++) if (offers.hop(slot, i) !== path[i]) return false;
    return true;
  }

  /** A second parent that is still sending becomes the parent at once. */
  #promoteFeed(tree: Tree): void {
    for (const peer of tree.feeds.keys()) {
      const link = this.neighbours.lively(peer);
      if (!link || link.offers.usableCostMs(tree.slot) === Infinity) continue;
      tree.feeds.delete(peer);
      this.#setParent(tree, peer);
      return;
    }
  }

  #setParent(tree: Tree, peer: MemberId): void {
    const { core } = this;
    tree.parent = peer;
    tree.isContinued = true;
    tree.beganAt = undefined;
    tree.sentAwayUntilMs = -Infinity;
    tree.feeds.delete(peer);
    tree.retryDelayMs = 0;
    tree.refusedMs.clear();
    tree.hints = [];
    tree.improveAtMs = core.nowMs + core.jittered(core.config.advertDelayMs);
    core.viewChanged = true;
    const link = this.neighbours.link(peer);
    if (link?.offers.has(tree.slot)) this.#followParent(tree, peer);
    else {
      // A parent that was only just told to take us offers in a moment; until then guess one hop below the old place.
      tree.provisionalUntilMs = core.nowMs + core.config.handoverMs;
      tree.path = [...tree.path.slice(0, MAX_PATH_HOPS - 1), link?.tag ?? 0];
      tree.costMs = (Number.isFinite(tree.costMs) ? tree.costMs : 0) + (link?.costMs ?? 0);
    }
  }

  /** Neighbours that offer the tree without a loop. */
  candidates(tree: Tree, refusedToo = false): Candidate[] {
    const { neighbours } = this;
    const candidates: Candidate[] = [];
    const doubtful: Candidate[] = [];
    const { nowMs } = this.core;
    const { slot } = tree;
    const rank = this.downstream.rank(tree);
    for (const link of neighbours.linked) {
      const { peer, offers } = link;
      const reportedMs = link.lively ? offers.usableCostMs(slot) : Infinity;
      if (reportedMs === Infinity) continue;
      if (!refusedToo && tree.refusedUntilMs.has(peer)) continue;
      // A child whose way does not lead through here is leaving: good for who has none, but not to be waited for.
      if (!refusedToo && tree.parent !== undefined && tree.children.has(peer)) continue;
      (link.distrustedUntilMs > nowMs ? doubtful : candidates).push({
        peer,
        totalMs: reportedMs + link.costMs,
        noiseMs: link.noiseMs,
        reportedMs,
        newerEpoch: serialNewer(offers.epoch(slot), tree.root.epoch),
        olderEpoch: serialNewer(tree.root.epoch, offers.epoch(slot)),
        freeSlots: offers.freeSlots(slot),
        takes: this.takes(tree, link, rank),
        refusedMs: tree.refusedMs.get(peer) ?? -Infinity,
        path: offers.path(slot),
      });
    }
    return candidates.length > 0 ? candidates : doubtful;
  }

  /**
   * It was to deliver and did not while others did. Once may be somebody else's fault further up, unless it offered
   * itself as the better parent at that very moment.
   */
  #failed(tree: Tree, peer: MemberId, offeredItself: boolean): void {
    const { nowMs, config } = this.core;
    tree.refusedUntilMs.set(peer, nowMs + config.distrustMs);
    const link = this.neighbours.link(peer);
    if (!link) return;
    if (nowMs > link.distrustedUntilMs + config.distrustMaxMs) link.failures = 0;
    if (offeredItself) link.failures = Math.max(1, link.failures);
    const pauseMs = link.failures === 0 ? 0 : config.distrustMs * 2 ** link.failures;
    link.failures++;
    link.distrustedUntilMs = nowMs + Math.min(config.distrustMaxMs, pauseMs);
  }

  /** Who would take over from the parent, best first. */
  backups(tree: Tree): MemberId[] {
    const candidates = this.candidates(tree).filter((candidate) => !tree.asked.has(candidate.peer));
    const parentTag = tree.path.at(-1) ?? 0;
    return chooseBackups(
      candidates,
      { parent: tree.parent, parentTag, path: tree.path },
      this.core.config.backups,
    );
  }

  /** Asks the source, up the tree, for a new route epoch: it makes every offer feasible again. */
  requestEpoch(tree: Tree): void {
    const { core } = this;
    if (tree.parent === undefined || core.nowMs - tree.epochRequestedMs < 2 * core.config.epochIntervalMs)
      return;
    tree.epochRequestedMs = core.nowMs;
    core.send(tree.parent, { type: 'epoch-request', source: tree.handle, epoch: tree.root.epoch });
  }

  /** @param costMs what it will cost there, where the place may have to be taken from another, ms */
  #ask(tree: Tree, peer: MemberId, improving: boolean, costMs = Infinity): void {
    const { core } = this;
    // It may be the old parent of a hand-over that is about to end: letting go of it then would undo this.
    tree.feeds.delete(peer);
    const fromSequence = tree.replayFrom;
    tree.asked.set(peer, { atMs: core.nowMs, improving, replays: fromSequence !== undefined });
    core.subscribe(peer, {
      source: tree.handle,
      urgent: tree.speaking && !improving,
      unserved: tree.parent === undefined,
      capacity: this.downstream.rank(tree),
      freeSlots: this.downstream.roomUnder(tree, peer),
      fromSequence,
      gainMs: tree.speaking ? this.#gainMs(tree, costMs) : 0,
    });
    tree.dueMs = Math.min(tree.dueMs, core.nowMs + core.config.answerTimeoutMs);
  }

  #findParent(tree: Tree): void {
    const { core } = this;
    const wanted = tree.speaking ? core.config.stallAsks : 1;
    if (tree.asked.size >= wanted) {
      tree.retryAtMs = core.nowMs + RETRY_MS;
      return;
    }
    const candidates = this.candidates(tree).filter((candidate) => !tree.asked.has(candidate.peer));
    const chosen = chooseFirstParent(candidates, tree.hints);
    if (chosen) {
      this.#ask(tree, chosen.peer, false);
      // While speech is being missed a second one is asked along: the first to deliver wins.
      const second = tree.speaking && candidates.filter((candidate) => candidate !== chosen);
      if (second && second.length > 0 && tree.asked.size < wanted) {
        const backup = chooseFirstParent(second, []);
        if (backup && backup.freeSlots > 0) this.#ask(tree, backup.peer, false);
      }
    }
    tree.hints = tree.hints.filter((hint) => hint !== chosen?.peer);
    tree.retryDelayMs = Math.min(RETRY_MAX_MS, Math.max(RETRY_MS, tree.retryDelayMs * 2));
    tree.retryAtMs = core.nowMs + (tree.speaking ? RETRY_MS : core.jittered(tree.retryDelayMs));
  }

  /** Speech is due and missing: backups are asked for it, the parent is kept in case it only hiccups. */
  #race(tree: Tree): void {
    const { core } = this;
    tree.nextRaceMs = core.nowMs + core.config.stallRetryMs;
    const parentTag = tree.path.at(-1) ?? 0;
    const candidates = this.candidates(tree).filter(
      ({ peer }) => !tree.raceTried.has(peer) && !tree.asked.has(peer) && !tree.feeds.has(peer),
    );
    for (const peer of chooseBackups(
      candidates,
      { parent: tree.parent, parentTag, path: tree.path },
      core.config.stallAsks,
    )) {
      tree.raceTried.set(peer, true);
      this.#ask(tree, peer, false);
    }
  }

  /** Nobody has more: the source itself fell silent without saying so. */
  #endStall(tree: Tree): void {
    tree.speaking = false;
    tree.stalled = false;
    for (const peer of [...tree.feeds.keys(), ...tree.asked.keys()]) {
      if (peer !== tree.parent) this.core.unsubscribe(peer, tree.handle);
    }
    tree.feeds.clear();
    tree.asked.clear();
  }

  #improve(tree: Tree, parent: MemberId): void {
    const { core } = this;
    if (tree.asked.size > 0 || tree.feeds.size > 0) return;
    if (core.nowMs < tree.improveAtMs) {
      tree.dueMs = Math.min(tree.dueMs, tree.improveAtMs);
      return;
    }
    const { config } = core;
    // A silent tree may risk a loop for a round trip: paths end it, and nothing is carried meanwhile.
    const feasibleMs = tree.speaking ? tree.feasibleMs : Infinity;
    const noiseMs = this.neighbours.link(parent)?.noiseMs ?? 0;
    const present = { parent, costMs: tree.costMs, noiseMs, feasibleMs };
    // One that just woke has a parent by the map, whose delays are rounded; but where uploads are short all moves fill the lines.
    const isSettled = tree.speaking && core.nowMs - tree.wokeAtMs >= SETTLING_MS;
    const least =
      tree.speaking && this.downstream.plan.isScarce
        ? { switchGain: config.scarceSwitchGain, switchGainMs: config.scarceSwitchGainMs }
        : isSettled
          ? { switchGain: config.speakingSwitchGain, switchGainMs: config.speakingSwitchGainMs }
          : config;
    const wantedMs = tree.costMs - Math.max(least.switchGainMs, least.switchGain * tree.costMs);
    if (!this.#mayImprove(tree, parent, wantedMs)) return;
    const candidates = this.candidates(tree);
    const better = chooseBetterParent(candidates, present, least);
    if (better) {
      this.#ask(tree, better.peer, true, better.totalMs);
      tree.improveAtMs = core.nowMs + core.jittered(core.config.improveIntervalMs);
      return;
    }
    const barred =
      tree.speaking && chooseBetterParent(candidates, { ...present, feasibleMs: Infinity }, least);
    if (barred) {
      this.requestEpoch(tree);
      tree.improveAtMs = core.nowMs + core.jittered(core.config.improveIntervalMs);
    }
  }

  /** What all who hear the source through here gain together when it comes here so soon, ms · members. */
  #gainMs(tree: Tree, costMs: number): number {
    return tree.parent === undefined ? 0 : Math.max(0, tree.members * (tree.costMs - costMs));
  }

  /** Tells the parent what the place is worth, where places are dear. */
  #tellStake(tree: Tree, parent: MemberId): void {
    const { core } = this;
    const { config, nowMs } = core;
    if (!tree.speaking || !this.downstream.plan.isScarce) return;
    if (nowMs >= tree.stakeAtMs) {
      tree.stakeAtMs = nowMs + core.jittered(config.stakeMs);
      const { members } = tree;
      const other = this.#elsewhere(tree, parent);
      const laterMs = other ? other.totalMs - tree.costMs : Infinity;
      const lossMs = laterMs > config.yieldMostMs ? Infinity : Math.max(0, laterMs * members);
      const told = tree.stake?.to === parent ? tree.stake : { to: parent, members: 1, lossMs: Infinity };
      if (isOtherStake(told.members, members) || isOtherStake(told.lossMs, lossMs)) {
        tree.stake = { to: parent, members, lossMs };
        core.stake(parent, { source: tree.handle, members, lossMs });
      }
    }
    tree.dueMs = Math.min(tree.dueMs, tree.stakeAtMs);
  }

  /** Whether a neighbour would take this member, that can serve so many, for a child. */
  takes(tree: Tree, { peer, offers, costMs }: Neighbour, capacity: number): boolean {
    if (offers.freeSlots(tree.slot) > 0) return true;
    if (tree.speaking)
      return offers.sells(tree.slot, this.#gainMs(tree, offers.usableCostMs(tree.slot) + costMs));
    // Whom it sends away for this member must find room below it.
    return (
      this.downstream.roomUnder(tree, peer) > 0 &&
      offers.givesWay(
        tree.slot,
        this.downstream.burdenMs(tree, costMs, peer === tree.source, this.core.selfId, capacity),
      )
    );
  }

  /** Whether anybody offers so little that the candidates are worth a closer look: mostly nobody does. */
  #mayImprove(tree: Tree, parent: MemberId, wantedMs: number): boolean {
    const rank = this.downstream.rank(tree);
    for (const link of this.neighbours.linked) {
      const totalMs = link.offers.costMs(tree.slot) + link.costMs;
      if (totalMs <= wantedMs && link.peer !== parent && link.lively && this.takes(tree, link, rank))
        return true;
    }
    return false;
  }
}

/** Whether a number told is off by more than a quarter. */
function isOtherStake(told: number, now: number): boolean {
  return (
    Math.abs(told - now) >
    0.25 * Math.min(told, now) + (told === Infinity || now === Infinity ? 0 : STAKE_CHANGE)
  );
}
