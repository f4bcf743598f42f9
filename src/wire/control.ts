/** One control message, as the control channel, a doorbell pipe or (unreliably) the voice channel carries it. */
export type ControlMessage = { readonly type: string };
