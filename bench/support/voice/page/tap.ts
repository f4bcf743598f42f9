/**
 * Lets a probe hear what a context plays: whatever is connected to a destination is also connected to a node at which
 * the probe listens. The same for both systems. Import before anything that makes sound.
 */

const entrances = new WeakMap<BaseAudioContext, GainNode>();
const nativeConnect = AudioNode.prototype.connect as (
  this: AudioNode,
  ...args: unknown[]
) => AudioNode | undefined;

/** Where everything that this context plays arrives. */
export function playedBy(context: BaseAudioContext): GainNode {
  let entrance = entrances.get(context);
  if (!entrance) entrances.set(context, (entrance = new GainNode(context)));
  return entrance;
}

AudioNode.prototype.connect = function (this: AudioNode, ...args: unknown[]) {
  if (args[0] instanceof AudioDestinationNode) nativeConnect.call(this, playedBy(this.context));
  return nativeConnect.apply(this, args);
} as typeof AudioNode.prototype.connect;

/** Every context this page made, in order: a room keeps its own to itself. */
export const contexts: AudioContext[] = [];

globalThis.AudioContext = class extends globalThis.AudioContext {
  constructor(options?: AudioContextOptions) {
    super(options);
    contexts.push(this);
  }
};
