/** A BitTorrent WebSocket tracker on loopback: the real server, as public trackers run it. */
import { once } from 'node:events';

/**
 * @typedef {object} RunningServer
 * @property {string} url where to reach it
 * @property {number} port
 * @property {() => Promise<void>} close ends it and every connection to it
 */

/** One message carries up to ten offers of some 2 kB each; anything far above is no announcement. */
const MAX_MESSAGE_BYTES = 1 << 20;

/** The server answers WebSocket members with a fifth of its interval. */
const WEBSOCKET_INTERVAL_SHARE = 5;

/**
 * @param {object} [options]
 * @param {number} [options.port] 0 or none = any free one; rejects with EADDRINUSE when taken
 * @param {number} [options.intervalMs] how often members are told to announce again; public trackers say 2 minutes
 * @returns {Promise<RunningServer>}
 */
export async function startTracker({ port = 0, intervalMs = 120_000 } = {}) {
  const { default: Server } = await import('bittorrent-tracker/server');
  const server = new Server({
    udp: false,
    http: false,
    ws: { clientTracking: true, maxPayload: MAX_MESSAGE_BYTES },
    stats: false,
    interval: intervalMs * WEBSOCKET_INTERVAL_SHARE,
  });
  // A member that breaks off or sends nonsense is worth a line when somebody looks for it, not more.
  server.on('warning', (error) => {
    if (process.env['DEBUG']) console.debug('tracker:', error.message);
  });
  // A failure to start rejects below (and is emitted twice); a socket that breaks later must not end the process.
  server.on('error', (error) => {
    if (server.listening) console.error('tracker:', error.message);
  });
  const listening = once(server, 'listening');
  server.listen(port, '127.0.0.1');
  await listening;
  const address = server.ws.address();
  return {
    url: `ws://127.0.0.1:${address.port}`,
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        for (const client of server.ws.clients) client.terminate();
        server.close(() => resolve());
      }),
  };
}
