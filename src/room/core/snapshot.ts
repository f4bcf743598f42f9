/** What the page may show: engine view, links and voices in one plain object. */

import type { OverlayView, TreeView } from '../../overlay/interface.js';
import { handleOf } from '../../units.js';
import type { CorePeer, CoreSnapshot, CoreStart } from '../protocol.js';
import type { LinkStats, Quality, RoomStats, SourceStats } from '../types.js';
import type { LinkTable } from './link-table.js';
import type { VoiceDesk } from './voice-desk.js';

/** Share of concealed frames up to which a voice counts as good, and as fair. */
const GOOD_CONCEALED = 0.01;
const FAIR_CONCEALED = 0.05;

export function buildSnapshot(
  start: CoreStart,
  view: OverlayView,
  links: LinkTable,
  voice: VoiceDesk,
  malformedEntries: number,
): Omit<CoreSnapshot, 'reconnecting'> {
  const others = view.members.filter(({ memberId }) => memberId !== start.memberId);
  const rttMs = new Map(view.links.map((link) => [link.peerId, link.rttMs]));
  const trees = new Map(view.trees.map((tree) => [tree.sourceId, tree]));
  const sources = others.map(({ memberId }) => voice.statsOf(memberId, handleOf(memberId)));
  const peers = others.map((entry, i): CorePeer => {
    const handle = handleOf(entry.memberId);
    const tree = trees.get(entry.memberId);
    return {
      id: entry.memberId,
      identity: entry.identity,
      name: entry.name,
      speaking: voice.speakingOf(handle),
      muted: entry.muted,
      level: levelOf(voice.levelOf(handle)),
      rttMs: rttMs.get(entry.memberId),
      hops: tree?.hops,
      parentId: tree?.parentId,
      quality: qualityOf(sources[i]),
      own: entry.identity === start.identity,
    };
  });
  return {
    type: 'snapshot',
    peers,
    overlay: { links: view.links, trees: view.trees.map(publicTree) },
    stats: buildStats(view, sources, links, rttMs, voice.malformed + malformedEntries),
    speaking: voice.ownSpeaking,
    level: levelOf(voice.ownLevel),
    inputLevel: levelOf(voice.inputLevel),
    talkingWhileMuted: voice.talkingWhileMuted,
  };
}

/** −60…0 dBFS as 0…1. */
export function levelOf(belowFullScaleDb: number): number {
  return Math.max(0, Math.min(1, 1 - belowFullScaleDb / 60));
}

/** @param stats of one source; undefined before it spoke */
export function qualityOf(stats: SourceStats | undefined): Quality {
  if (!stats || stats.framesReceived < 25) return 'unknown';
  const concealed = stats.framesConcealed / stats.framesReceived;
  return concealed < GOOD_CONCEALED ? 'good' : concealed < FAIR_CONCEALED ? 'fair' : 'poor';
}

function publicTree({
  sourceId,
  parentId,
  childIds,
  backupIds,
}: TreeView): CoreSnapshot['overlay']['trees'][number] {
  return { sourceId, parentId, childIds, backupIds };
}

function buildStats(
  view: OverlayView,
  sources: readonly SourceStats[],
  links: LinkTable,
  rttMs: ReadonlyMap<string, number>,
  malformed: number,
): RoomStats {
  const memberOf = new Map(view.members.map(({ memberId }) => [handleOf(memberId), memberId]));
  const linkStats = [...links.open()].map(([peerId, link]): LinkStats => ({
    peerId,
    bytesSent: link.bytesSent,
    bytesReceived: link.bytesReceived,
    rttMs: rttMs.get(peerId) ?? 0,
    loss: link.loss,
    malformed: link.malformed,
    framesSentBySource: Object.fromEntries(
      [...link.framesSentBySource].map(([source, frames]) => [
        memberOf.get(source) ?? String(source),
        frames,
      ]),
    ),
  }));
  const sum = <Item>(items: readonly Item[], value: (item: Item) => number) =>
    items.reduce((total, item) => total + value(item), 0);
  const closed = links.closedCounters;
  return {
    framesReceived: sum(sources, (source) => source.framesReceived),
    framesLost: sum(sources, (source) => source.framesLost),
    framesRecovered: sum(sources, (source) => source.framesRecovered),
    framesConcealed: sum(sources, (source) => source.framesConcealed),
    framesDuplicate: sum(sources, (source) => source.framesDuplicate),
    framesForwarded: sum(sources, (source) => source.framesForwarded),
    framesForged: sum(sources, (source) => source.framesForged),
    bytesSent: closed.bytesSent + sum(linkStats, (link) => link.bytesSent),
    bytesReceived: closed.bytesReceived + sum(linkStats, (link) => link.bytesReceived),
    malformed: malformed + closed.malformed + links.refusedSignals + sum(linkStats, (link) => link.malformed),
    sources,
    links: linkStats,
  };
}
