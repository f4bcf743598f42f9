/**
 * Trees laid by a planner and kept by their members: each member is told its parent (one message, the one-way delay from
 * the planner's place), opens the link, attaches there and only then leaves the old parent. Heartbeats on tree links;
 * who misses three reports its neighbour to the planner, which lays what hung below anew.
 */

import type { MemberId } from '../../../../src/units.js';
import type { OverlayEngineOptions } from '../../../../src/overlay/engine.js';
import type { VoiceHeader } from '../../../../src/wire/voice-packet.js';
import { Baseline, HEARTBEAT_MS, SMALL_MESSAGE_BYTES, type Rendezvous } from './baseline.js';

/** One tree as the planner laid it. `undefined` = waits for a place, and the root's parent. */
export interface PlannedTree {
  readonly root: MemberId;
  readonly parents: ReadonlyMap<MemberId, MemberId | undefined>;
}

/** Lays trees. What it returns are the trees that changed. */
export interface Planner {
  /** One tree for all sources, or one each. */
  readonly shared: boolean;
  join(member: TreeMember): void;
  remove(member: MemberId): void;
  /** Trees changed since the last call. */
  changed(): readonly PlannedTree[];
  /** Called once per heartbeat: time to plan better. */
  improve(): void;
}

/** A link that no tree has used for so long is closed, ms. */
const UNUSED_MS = 5000;

interface Place {
  parent: MemberId | undefined;
  /** Told by the planner; attached to as soon as the link is there. */
  wanted: MemberId | undefined;
  readonly children: Set<MemberId>;
}

export class TreeMember extends Baseline {
  /** By the tree's root, or by '' where all share one. */
  readonly #places = new Map<MemberId | '', Place>();
  readonly #unusedSinceMs = new Map<MemberId, number>();
  readonly #told = new Map<MemberId | '', Map<MemberId, MemberId | undefined>>();

  constructor(
    options: OverlayEngineOptions,
    rendezvous: Rendezvous,
    readonly planner: Planner,
  ) {
    super(options, rendezvous);
  }

  protected targets(header: VoiceHeader): readonly MemberId[] {
    const source = this.rendezvous.simulation.handles.get(header.source);
    const place = this.#places.get(this.planner.shared ? '' : (source?.id ?? ''));
    if (!place) return [];
    return place.parent !== undefined && this.planner.shared
      ? [place.parent, ...place.children]
      : [...place.children];
  }

  protected joined(): void {
    this.planner.join(this);
    this.#publish();
  }

  protected override left(): void {
    this.planner.remove(this.selfId);
    this.#publish();
  }

  protected override linkUp(peer: MemberId): void {
    for (const [key, place] of this.#places) if (place.wanted === peer) this.#attach(key, place, peer);
  }

  protected override linkLost(peer: MemberId): void {
    let used = false;
    for (const place of this.#places.values()) {
      if (place.parent === peer) {
        place.parent = undefined;
        used = true;
      }
      if (place.children.delete(peer)) used = true;
    }
    const gone = this.rendezvous.engines.get(peer);
    if (!used || !gone) return;
    // Only one that is really dead is taken out: the planner would hear from it otherwise.
    this.#atPlanner(() => {
      if (gone.member.alive) return;
      this.planner.remove(peer);
      this.#publish();
    });
  }

  protected override beat(): void {
    this.planner.improve();
    this.#publish();
    for (const [key, place] of this.#places) {
      if (place.wanted === undefined || place.wanted === place.parent) continue;
      if (this.links.has(place.wanted)) this.#attach(key, place, place.wanted);
      else this.open(place.wanted);
    }
    this.#dropUnused();
  }

  /** A report reaches whoever plans after the way to the root of the first tree. */
  #atPlanner(run: () => void): void {
    const { simulation } = this.rendezvous;
    const root = [...this.#places.keys()][0];
    const planner = root ? this.rendezvous.engines.get(root) : this.rendezvous.alive()[0];
    this.member.controlBytes += SMALL_MESSAGE_BYTES;
    simulation.controlBytes += SMALL_MESSAGE_BYTES;
    simulation.after(planner ? simulation.oneWayMs(this.member, planner.member) : 0, run);
  }

  /** Tells every member whose parent changed, from the root's place. */
  #publish(): void {
    for (const { root, parents } of this.planner.changed()) {
      const key = this.planner.shared ? '' : root;
      const from = this.rendezvous.engines.get(root);
      if (!(from instanceof TreeMember)) continue;
      const told = from.#told.get(key) ?? new Map<MemberId, MemberId | undefined>();
      from.#told.set(key, told);
      for (const [id, parent] of parents) {
        if (told.has(id) && told.get(id) === parent) continue;
        told.set(id, parent);
        const member = this.rendezvous.engines.get(id);
        if (member instanceof TreeMember && member.member.alive)
          this.rendezvous.tell(from, member, 2 * SMALL_MESSAGE_BYTES, () => member.#assign(key, parent));
      }
    }
  }

  #assign(key: MemberId | '', parent: MemberId | undefined): void {
    const place = this.#place(key);
    place.wanted = parent;
    if (parent === undefined) this.#detach(key, place);
    else if (this.links.has(parent)) this.#attach(key, place, parent);
    else this.open(parent);
  }

  #attach(key: MemberId | '', place: Place, parent: MemberId): void {
    if (place.parent === parent) return;
    this.#detach(key, place);
    place.parent = parent;
    this.#tellParent(key, parent, true);
  }

  #detach(key: MemberId | '', place: Place): void {
    if (place.parent === undefined) return;
    this.#tellParent(key, place.parent, false);
    place.parent = undefined;
  }

  #tellParent(key: MemberId | '', parentId: MemberId, attach: boolean): void {
    const parent = this.rendezvous.engines.get(parentId);
    if (!(parent instanceof TreeMember)) return;
    this.rendezvous.tell(this, parent, SMALL_MESSAGE_BYTES, () => {
      const { children } = parent.#place(key);
      if (attach && parent.links.has(this.selfId)) children.add(this.selfId);
      else children.delete(this.selfId);
    });
  }

  #place(key: MemberId | ''): Place {
    let place = this.#places.get(key);
    if (!place)
      this.#places.set(key, (place = { parent: undefined, wanted: undefined, children: new Set() }));
    return place;
  }

  #dropUnused(): void {
    const used = new Set<MemberId>();
    for (const { parent, wanted, children } of this.#places.values()) {
      if (parent !== undefined) used.add(parent);
      if (wanted !== undefined) used.add(wanted);
      for (const child of children) used.add(child);
    }
    for (const peer of [...this.links]) {
      const since = this.#unusedSinceMs.get(peer) ?? this.nowMs;
      if (used.has(peer)) this.#unusedSinceMs.delete(peer);
      else if (this.nowMs - since < UNUSED_MS + HEARTBEAT_MS) this.#unusedSinceMs.set(peer, since);
      else {
        this.#unusedSinceMs.delete(peer);
        this.close(peer);
      }
    }
  }
}
