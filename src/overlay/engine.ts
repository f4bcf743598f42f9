/**
 * The overlay engine: takes inputs apart, hands them to the part they concern, and collects what is to be done.
 * Order within one call: the input, then whatever is due, then the decisions of the trees, then the own entry.
 * Above 400 lines, because this is where all parts meet; none of them knows the others but through here.
 */

import { handleOf, type MemberId } from '../units.js';
import { decodeControl, encodeControl, type ControlMessage } from '../wire/control.js';
import { MAX_NEIGHBOURS } from '../wire/link-records.js';
import type { RosterEntry } from '../wire/roster-entry.js';
import type { VoiceHeader } from '../wire/voice-packet.js';
import { DEFAULT_OVERLAY_CONFIG, type OverlayConfig } from './config.js';
import { Core } from './core.js';
import { Distances } from './distances.js';
import { Gossip } from './gossip.js';
import { Suspicions } from './suspicions.js';
import { Heartbeats } from './heartbeat.js';
import type {
  Limits,
  OverlayEffect,
  OverlayEngine,
  OverlayInput,
  OverlayView,
  PacketVerdict,
} from './interface.js';
import { Linkage } from './linkage.js';
import { LinkMap } from './link-map.js';
import { LinkNews } from './link-news.js';
import { Neighbours, type Neighbour } from './neighbours.js';
import { OwnEntry } from './own-entry.js';
import { Plan } from './plan.js';
import { Rewiring } from './rewiring.js';
import { isOlder, Roster } from './roster.js';
import { Signalling } from './signalling.js';
import { Trees } from './trees.js';
import { Trials } from './trials.js';

export interface OverlayEngineOptions {
  readonly selfId: MemberId;
  readonly limits: Limits;
  /** Another than the default one must have passed `validateOverlayConfig`, which the browser's bundle does without. */
  readonly config?: OverlayConfig;
  /** Uniform in [0, 1); seeded in simulations. */
  readonly random: () => number;
}

/** After a change of links, neighbours are told whom this member is linked to, ms; later where it has many. */
const ADJACENCY_DELAY_MS = 40;
const ADJACENCY_LATE_MS = 1000;
/** Whoever has been known for so long is known to all, ms. */
const SETTLED_MS = 5000;

export function createOverlayEngine(options: OverlayEngineOptions): OverlayEngine {
  return new Engine(options);
}

class Engine implements OverlayEngine {
  readonly #core: Core;
  readonly #roster: Roster;
  readonly #neighbours: Neighbours;
  readonly #trees: Trees;
  readonly #gossip: Gossip;
  readonly #suspicions: Suspicions;
  readonly #heartbeats: Heartbeats;
  readonly #linkage: Linkage;
  readonly #signalling: Signalling;
  readonly #rewiring: Rewiring;
  readonly #map: LinkMap;
  readonly #linkNews: LinkNews;
  readonly #trials: Trials;
  readonly #ownEntry: OwnEntry;
  #deadlineMs = Infinity;
  #adjacencyAtMs = Infinity;
  #leaving = false;
  #nextLostCheckMs = 0;

  constructor({ selfId, limits, config = DEFAULT_OVERLAY_CONFIG, random }: OverlayEngineOptions) {
    const core = new Core(selfId, config, random, limits);
    this.#core = core;
    this.#neighbours = new Neighbours(core.selfTag);
    this.#roster = new Roster(selfId, core.config);
    this.#map = new LinkMap(core.config);
    const plan = new Plan(core, this.#map, this.#roster, this.#neighbours);
    this.#trees = new Trees(core, this.#roster, this.#neighbours, plan);
    const distances = new Distances(this.#neighbours);
    this.#linkage = new Linkage(core, this.#roster, this.#neighbours, this.#trees, this.#map);
    this.#ownEntry = new OwnEntry(core, this.#roster, this.#neighbours, this.#linkage);
    this.#signalling = new Signalling(
      core,
      this.#neighbours,
      (member) => this.#trees.routesTo(member),
      (handle) => this.#roster.byHandle.get(handle)?.memberId,
      (member) => [member, core.selfId].every((each) => this.#isSettled(each)),
      (from, payload) => this.#takeRouted(from, payload),
    );
    this.#linkNews = new LinkNews(
      core,
      this.#roster,
      this.#neighbours,
      this.#map,
      (handle, told) => {
        distances.learn(handle, told);
        plan.mapChanged();
      },
      () => this.#gossip.isCatchingUp,
      () => this.#trees.budget.plannedEach,
    );
    this.#suspicions = new Suspicions(core, this.#roster, this.#neighbours, {
      memberGone: (member) => this.#departed(member, true),
      refute: (version) => {
        this.#ownEntry.publish(version);
        this.#linkNews.tellAgain();
      },
    });
    this.#gossip = new Gossip(core, this.#roster, this.#neighbours, this.#map, this.#suspicions, {
      isSpeaking: (member) => this.#trees.of(member)?.tree?.speaking === true,
    });
    this.#heartbeats = new Heartbeats(core, this.#neighbours, {
      fellSilent: (neighbour) => {
        this.#trees.neighbourFailing(neighbour.peer);
        this.#suspicions.suspect(neighbour.peer);
      },
      finished: (neighbour) => this.#closeLink(neighbour),
      measured: (neighbour, isFirst) => {
        if (isFirst) {
          this.#trees.linkMeasured(neighbour);
          this.#linkNews.changed();
        }
      },
    });
    this.#trials = new Trials(core, {
      isLink: (peer) => this.#neighbours.link(peer) !== undefined,
      judge: (peer, rttMs) => this.#rewiring.judge(peer, rttMs),
      kept: (peer, rttMs) => this.#linkUp(peer, rttMs),
      dropped: (peer, rttMs) => {
        if (rttMs !== undefined) {
          distances.note(peer, rttMs);
          if (this.#rewiring.tellsMeasured) this.#linkNews.measured(peer, rttMs);
        }
        core.effects.push({ type: 'close-link', peer });
        this.#linkDown(peer, 'closed');
      },
      declined: (peer) => this.#farEndDrops(peer, true),
    });
    this.#rewiring = new Rewiring(
      core,
      this.#roster,
      this.#neighbours,
      this.#trees,
      this.#linkage,
      this.#map,
      distances,
      this.#trials,
      (to, message) => this.#signalling.sendRouted(to, encodeControl(message)),
      () => this.#linkNews.changed(),
    );
    this.#linkage.exchanges = this.#rewiring;
    this.#trees.onLostVoice = (source, isCutOff) => {
      this.#linkage.voiceLost(source, isCutOff);
      this.#rewiring.voiceLost(isCutOff);
    };
  }

  handle(input: OverlayInput, nowMs: number): OverlayEffect[] {
    const core = this.#core;
    core.nowMs = Math.max(core.nowMs, nowMs);
    if (this.#deadlineMs !== Infinity) this.#heartbeats.overslept(core.nowMs - this.#deadlineMs);
    this.#take(input);
    this.#gossip.tick();
    this.#suspicions.tick();
    this.#heartbeats.tick();
    this.#linkage.tick();
    this.#linkNews.tick();
    this.#trials.tick();
    if (!this.#leaving) this.#rewiring.tick();
    this.#lookForTheLost();
    this.#trees.settle();
    if (core.nowMs >= this.#adjacencyAtMs) {
      this.#adjacencyAtMs = Infinity;
      this.#tellAdjacency(this.#neighbours.links());
    }
    this.#ownEntry.refresh();
    core.flush();
    if (core.viewChanged) {
      core.viewChanged = false;
      core.effects.push({ type: 'view-changed' });
    }
    const { effects } = core;
    core.effects = [];
    this.#deadlineMs = Math.min(
      this.#gossip.deadlineMs,
      this.#suspicions.deadlineMs,
      this.#heartbeats.deadlineMs,
      this.#linkNews.nextMs,
      this.#trials.nextMs,
      this.#leaving ? Infinity : Math.min(this.#linkage.nextMs, this.#rewiring.nextMs),
      this.#adjacencyAtMs,
      this.#ownEntry.publishAtMs,
    );
    return effects;
  }

  receivePacket(from: MemberId, header: VoiceHeader, hopLimit: number, nowMs: number): PacketVerdict {
    const core = this.#core;
    if (nowMs > core.nowMs) core.nowMs = nowMs;
    const neighbour = this.#neighbours.get(from);
    if (neighbour) this.#heartbeats.heard(neighbour, core.nowMs);
    return this.#trees.receive(from, header, hopLimit);
  }

  isHeard(): boolean {
    return this.#trees.isHeard();
  }

  sendPacket(header: VoiceHeader, nowMs: number): PacketVerdict {
    if (nowMs > this.#core.nowMs) this.#core.nowMs = nowMs;
    return this.#trees.sendOwn(header.sequence, header.endOfSpurt);
  }

  admits(peer: MemberId, nowMs: number): boolean {
    return this.#linkage.admits(peer, nowMs);
  }

  nextDeadlineMs(): number {
    return Math.min(this.#deadlineMs, this.#trees.nextMs);
  }

  view(mostLookups = Infinity): OverlayView {
    return {
      members: [...this.#roster.entries.values()],
      links: this.#neighbours.links().map(({ peer, rttMs }) => ({ peerId: peer, rttMs })),
      trees: this.#trees.views(mostLookups),
      onDuty: this.#roster.onDuty(),
    };
  }

  /**
   * Whether so few are in reach, as after most neighbours went at once, that nobody may be who stays at the doorbell, nobody of
   * them is, or most members are elsewhere: of those who are in reach the longest-lived ring. A newcomer, whose map is not whole,
   * cannot tell.
   */
  isCastaway(): boolean {
    const { plan } = this.#trees;
    const { dutyMembers } = this.#core.config;
    const roster = this.#roster;
    const own = roster.self;
    if (!own || !roster.isLarge || !plan.isComplete) return false;
    const { ways } = plan;
    const isInReach = (member: MemberId): boolean =>
      member === own.memberId || ways.toMs(handleOf(member)) < Infinity;
    let inReach = 0;
    let older = 0;
    for (const entry of roster.entries.values()) {
      if (!isInReach(entry.memberId)) continue;
      inReach++;
      if (isOlder(entry, own)) older++;
    }
    if (inReach <= dutyMembers) return true;
    const isIsland = 2 * inReach < roster.entries.size || !roster.onDuty().some(isInReach);
    return isIsland && older < dutyMembers;
  }

  #take(input: OverlayInput): void {
    const core = this.#core;
    switch (input.type) {
      case 'self':
        this.#takeOwnEntry(input.entry);
        break;
      case 'limits':
        core.limits = input.limits;
        this.#linkNews.changed();
        this.#trees.limitsChanged();
        this.#linkage.wake();
        break;
      case 'pipe-up':
        this.#gossip.greet(this.#neighbours.up(input.peer, 'pipe', core.nowMs));
        if (this.isCastaway()) this.#linkage.requests.askAnew();
        this.#linkage.wake();
        break;
      case 'pipe-down':
        this.#neighbours.down(input.peer, 'pipe');
        break;
      case 'link-up':
        if (!this.#rewiring.tries(input.peer)) this.#linkUp(input.peer);
        break;
      case 'link-down':
        this.#linkDown(input.peer, input.cause);
        break;
      case 'message':
        this.#takeMessage(input.from, input.message);
        break;
      case 'signal':
        this.#signalling.originate(input.to, input.payload);
        break;
      case 'entries':
        this.#takeEntries(input.from, input.entries);
        break;
      case 'queue': {
        const neighbour = this.#neighbours.get(input.peer);
        if (neighbour && Number.isFinite(input.queueMs)) neighbour.queueMs = Math.max(0, input.queueMs);
        break;
      }
      case 'block':
        if (input.identity !== this.#roster.self?.identity) this.#trees.setBlocked(input.identity, true);
        break;
      case 'unblock':
        this.#trees.setBlocked(input.identity, false);
        break;
      case 'shed':
        this.#trees.setShed(input.shed);
        break;
      case 'leave':
        this.#leave();
        break;
      case 'tick':
        break;
    }
  }

  #takeOwnEntry(entry: RosterEntry): void {
    if (entry.memberId !== this.#core.selfId) return;
    const outcome = this.#roster.apply(entry, this.#core.nowMs);
    this.#ownEntry.signed(entry, outcome === 'new');
    if (outcome === 'new') {
      this.#trees.add(entry.memberId);
      this.#linkage.wake();
    }
    if (outcome === 'stale') return;
    this.#gossip.spread(entry, 0);
    if (outcome === 'left')
      for (const link of this.#neighbours.links()) this.#linkage.drop(link.peer, 'leaving');
    this.#core.viewChanged = true;
  }

  /** @param rttMs of the link, where it was measured before it counted as one; else Infinity */
  #linkUp(peer: MemberId, rttMs = Infinity): void {
    const core = this.#core;
    if (peer === core.selfId || this.#neighbours.link(peer)) return;
    const neighbour = this.#neighbours.up(peer, 'link', core.nowMs);
    if (Number.isFinite(rttMs)) neighbour.noteRtt(rttMs);
    this.#gossip.greet(neighbour);
    this.#trees.linkUp(neighbour);
    this.#rewiring.linkUp(peer);
    this.#linkage.linkUp(peer);
    this.#linkNews.membersChanged();
    this.#tellAdjacency([neighbour]);
    this.#adjacencyChanged(0);
    core.viewChanged = true;
  }

  #linkDown(peer: MemberId, cause: 'closed' | 'failed' | 'refused'): void {
    const core = this.#core;
    const neighbour = this.#neighbours.link(peer);
    this.#trials.forget(peer);
    this.#linkage.linkDown(peer, cause);
    const ageMs = neighbour ? core.nowMs - neighbour.linkedAtMs : Infinity;
    this.#rewiring.linkDown(peer, neighbour?.measured ? neighbour.rttMs : undefined, ageMs);
    if (!neighbour) return;
    // A link that ended without goodbye: the member most likely vanished. If not, it will refute.
    const surprise = !neighbour.retiring && !this.#leaving;
    this.#gossip.linkDown(neighbour);
    this.#neighbours.down(peer, 'link');
    this.#trees.linkDown(peer);
    if (surprise) this.#suspicions.suspect(peer);
    this.#adjacencyChanged(ADJACENCY_DELAY_MS);
    this.#linkNews.changed(neighbour.endsElsewhere);
    core.viewChanged = true;
  }

  /**
   * A link that its far end is about to close: that it ends is no reason to think of a crash.
   *
   * @param tellsSo the far end goes on without the link and tells of that; where it is gone others must hear of the place that is
   * free now
   */
  #farEndDrops(peer: MemberId, tellsSo: boolean): void {
    const link = this.#neighbours.link(peer);
    if (!link) return;
    link.endsElsewhere ||= tellsSo && !link.retiring;
    this.#linkage.retire(link, 2 * this.#core.config.retireMs);
  }

  #closeLink(neighbour: Neighbour): void {
    const { peer } = neighbour;
    this.#core.effects.push({ type: 'close-link', peer });
    neighbour.retiring = true;
    this.#linkDown(peer, 'closed');
  }

  #takeEntries(from: MemberId, entries: readonly RosterEntry[]): void {
    const core = this.#core;
    const neighbour = this.#neighbours.get(from);
    if (neighbour) this.#heartbeats.heard(neighbour, core.nowMs);
    let fresh = 0;
    for (const entry of entries) {
      const { memberId } = entry;
      if (memberId === core.selfId) {
        // Somebody holds a newer entry of ours than we do: speak again, louder.
        if (entry.version > (this.#roster.self?.version ?? 0)) this.#ownEntry.publish(entry.version);
        continue;
      }
      const outcome = this.#roster.apply(entry, core.nowMs);
      if (neighbour) this.#gossip.noteKnown(neighbour, memberId, entry.version);
      if (outcome === 'stale') continue;
      fresh++;
      this.#gossip.spread(entry, core.config.gossipDelayMs);
      core.viewChanged = true;
      this.#rewiring.roomChanged();
      this.#linkNews.membersChanged();
      if (outcome === 'new') {
        if (from !== memberId) this.#signalling.noteReturnRoute(memberId, from);
        this.#trees.add(memberId);
        this.#linkage.wake(core.jittered(30));
      } else if (outcome === 'left') this.#departed(memberId, false);
      else this.#linkage.wake(core.jittered(core.config.linkCheckMs));
    }
    if (neighbour && entries.length > 0) this.#gossip.received(neighbour, fresh, entries.length - fresh);
  }

  #departed(member: MemberId, lost: boolean): void {
    this.#suspicions.forget(member);
    this.#linkNews.memberGone(member);
    this.#trees.remove(member, lost);
    this.#linkage.memberGone(member);
    const slot = this.#roster.slots.of(member);
    for (const { known, records } of this.#neighbours.all.values()) {
      known.set(slot, 0);
      records.set(slot, 0);
    }
    this.#roster.slots.release(member);
    const link = this.#neighbours.link(member);
    if (link && lost) {
      this.#core.send(member, { type: 'link-drop', reason: 'gone' });
      this.#closeLink(link);
    } else this.#farEndDrops(member, false);
    this.#core.viewChanged = true;
  }

  #takeMessage(from: MemberId, message: ControlMessage): void {
    if (message.type === 'trial') return this.#trials.onMessage(from, message);
    // What is said over links like others only; the rest may come over the doorbell.
    if (message.type === 'neighbours' || message.type === 'heartbeat') this.#trials.keep(from);
    const neighbour = this.#neighbours.get(from);
    if (!neighbour) return;
    this.#heartbeats.heard(neighbour, this.#core.nowMs);
    switch (message.type) {
      case 'digest':
        this.#linkNews.onDigest(neighbour, message.linksHash);
        return this.#gossip.onDigest(neighbour, message);
      case 'versions':
        return this.#gossip.onVersions(neighbour, message);
      case 'want':
        return this.#gossip.onWant(neighbour, message);
      case 'news-mode':
        return this.#gossip.onMode(neighbour, message);
      case 'suspect':
        return this.#suspicions.onSuspect(from, message.member, message.version, message.gone);
      case 'signal':
        return this.#signalling.onSignal(from, message);
      case 'routed':
        return this.#signalling.onRouted(from, message);
      default:
        if (neighbour.linked) this.#takeLinkMessage(neighbour, message);
    }
  }

  #takeLinkMessage(neighbour: Neighbour, message: ControlMessage): void {
    const trees = this.#trees;
    const from = neighbour.peer;
    switch (message.type) {
      case 'heartbeat':
        return this.#heartbeats.onHeartbeat(neighbour, message);
      case 'neighbours':
        neighbour.adjacent = new Map(message.members.map(({ handle, tag }) => [handle, tag]));
        neighbour.adjacencyKnown = true;
        return this.#linkage.splices.adjacencyChanged(neighbour);
      case 'link-records':
        this.#rewiring.offersChanged();
        return this.#linkNews.onRecords(neighbour, message.records, message.isAnswer);
      case 'link-changes':
        this.#rewiring.offersChanged();
        return this.#linkNews.onChanges(neighbour, message.changes);
      case 'links-wanted':
        return this.#linkNews.onWanted(neighbour, message.handles);
      case 'link-records-known':
        return this.#linkNews.onKnown(neighbour, message);
      case 'advertise':
        this.#rewiring.offersChanged();
        return trees.onOffers(neighbour, message.offers);
      case 'subscribe':
        return trees.onSubscribe(from, message.requests);
      case 'stakes':
        return trees.onStakes(from, message.stakes);
      case 'unsubscribe':
        return trees.onUnsubscribe(from, message.sources);
      case 'dormant':
        return trees.dormancy.onDormant(neighbour, message.sources);
      case 'unwanted':
        return trees.dormancy.onUnwanted(neighbour, message.sources);
      case 'accept':
        return trees.onAccept(from, message.acceptances);
      case 'reject':
        return trees.onReject(from, message.rejections);
      case 'epoch-request':
        return trees.onEpochRequest(from, message.source, message.epoch);
      case 'replay': {
        const tree = trees.byHandle.get(message.source)?.tree;
        if (!tree?.children.has(from)) return;
        this.#core.effects.push({
          type: 'replay',
          to: from,
          source: message.source,
          fromSequence: message.fromSequence,
        });
        return;
      }
      case 'link-drop':
        return this.#farEndDrops(from, message.reason !== 'leaving');
      case 'appraisal':
        return this.#rewiring.onAppraisal(neighbour, message);
      case 'splice':
        return this.#linkage.splices.onSplice(from, message.peer, message.instead);
      default:
        // The rest was taken before: it may come from members without a link.
        return;
    }
  }

  /** Whether a member has been known here so long that others know it too. */
  #isSettled(member: MemberId): boolean {
    const source = this.#trees.of(member);
    return source !== undefined && this.#core.nowMs - source.addedAtMs >= SETTLED_MS;
  }

  /** What another member's overlay says across several links. */
  #takeRouted(from: MemberId, payload: Uint8Array): void {
    const message = decodeControl(payload);
    if (message?.type === 'costs-request') this.#rewiring.onRequest(from, message);
    else if (message?.type === 'costs') this.#rewiring.onCosts(from, message);
    else if (message?.type === 'reject') {
      this.#trees.onPointed(from, message.rejections);
      this.#linkage.wake();
    }
  }

  /** Who has few links, or sits in a small room, may be needed or spared at once: the others can wait for company. */
  #adjacencyChanged(delayMs: number): void {
    const { config, nowMs } = this.#core;
    const isSpared = this.#roster.isLarge && this.#neighbours.linkCount > config.poorLinks;
    this.#adjacencyAtMs = Math.min(this.#adjacencyAtMs, nowMs + (isSpared ? ADJACENCY_LATE_MS : delayMs));
  }

  #tellAdjacency(to: readonly Neighbour[]): void {
    const members = this.#neighbours
      .links()
      .map(({ handle, tag }) => ({ handle, tag }))
      .slice(0, MAX_NEIGHBOURS);
    for (const link of to) this.#core.send(link.peer, { type: 'neighbours', members });
  }

  #leave(): void {
    this.#leaving = true;
    this.#linkage.leaving = true;
    this.#trees.leave();
    this.#ownEntry.leaving = true;
    this.#ownEntry.publish();
  }

  /** Members no tree reaches: they leave duty here, and are asked whether they still live. */
  #lookForTheLost(): void {
    const core = this.#core;
    if (core.nowMs < this.#nextLostCheckMs) return;
    this.#nextLostCheckMs = core.nowMs + core.jittered(core.config.lostMs / 3);
    const lost = this.#trees.unserved(core.config.lostMs).filter((source) => !this.#trees.isOffered(source));
    this.#roster.setUnreachable(lost.map(({ memberId }) => memberId));
    if (lost.length === 0 || this.#neighbours.all.size === 0) return;
    // In a large room its links, or what leads there, may only be unknown here.
    if (this.#roster.isLarge) {
      this.#linkNews.askNow();
      this.#linkNews.compareNow();
    }
    const sinceMs = core.nowMs - core.config.lostMs * (this.#roster.isLarge ? 2 * this.#roster.pacing : 1);
    for (const { memberId, unservedSinceMs } of lost)
      if (!this.#neighbours.link(memberId) && (unservedSinceMs ?? Infinity) <= sinceMs)
        this.#suspicions.suspect(memberId);
  }
}
