/** The part of the tracker we use; the package has no types of its own. */
declare module 'bittorrent-tracker/server' {
  import type { EventEmitter } from 'node:events';
  import type { AddressInfo } from 'node:net';
  import type { ServerOptions, WebSocketServer } from 'ws';

  export default class Server extends EventEmitter<{ warning: [Error]; error: [Error]; listening: [] }> {
    constructor(options: {
      udp: boolean;
      http: boolean;
      ws: boolean | ServerOptions;
      stats: boolean;
      interval?: number;
    });
    readonly listening: boolean;
    readonly ws: Omit<WebSocketServer, 'address'> & { address(): AddressInfo };
    listen(port: number, hostname: string): void;
    close(done: () => void): void;
  }
}
