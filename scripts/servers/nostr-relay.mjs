/** A Nostr relay on loopback: a real relay core over WebSockets, with a small store in memory. */
import { once } from 'node:events';

/** Events kept in memory, oldest forgotten first: about 2 MB at Trystero's event sizes. */
const MAX_STORED_EVENTS = 2000;

/** NIP-01 messages of a room are a few kB; anything far above is no event of ours. */
const MAX_MESSAGE_BYTES = 1 << 18;

/** Trystero subscribes to a topic or two per peer and room. */
const MAX_SUBSCRIPTIONS_PER_CLIENT = 500;

/**
 * @param {object} [options]
 * @param {number} [options.port] 0 or none = any free one; rejects with EADDRINUSE when taken
 * @returns {Promise<import('./tracker.mjs').RunningServer>}
 */
export async function startNostrRelay({ port = 0 } = {}) {
  const [{ NostrRelay }, { EventRepository, EventUtils, LogLevel }, { Validator }, { WebSocketServer }] =
    await Promise.all([
      import('@nostr-relay/core'),
      import('@nostr-relay/common'),
      import('@nostr-relay/validator'),
      import('ws'),
    ]);

  /** @typedef {import('@nostr-relay/common').Event} NostrEvent */

  /** Newest last; bounded by MAX_STORED_EVENTS. */
  class MemoryRepository extends EventRepository {
    /** @type {Map<string, NostrEvent>} */
    #events = new Map();

    isSearchSupported() {
      return false;
    }

    /** @param {NostrEvent} event */
    upsert(event) {
      if (this.#events.has(event.id)) return { isDuplicate: true };
      this.#events.set(event.id, event);
      for (const oldest of this.#events.keys()) {
        if (this.#events.size <= MAX_STORED_EVENTS) break;
        this.#events.delete(oldest);
      }
      return { isDuplicate: false };
    }

    /** @param {import('@nostr-relay/common').Filter} filter */
    find(filter) {
      return [...this.#events.values()]
        .filter((event) => EventUtils.isMatchingFilter(event, filter))
        .reverse()
        .slice(0, filter.limit ?? 500);
    }

    async destroy() {
      this.#events.clear();
    }
  }

  const relay = new NostrRelay(new MemoryRepository(), {
    logLevel: LogLevel.ERROR,
    maxSubscriptionsPerClient: MAX_SUBSCRIPTIONS_PER_CLIENT,
  });
  const validator = new Validator({ maxFilterGenericTagsLength: 1024 });
  const server = new WebSocketServer({ host: '127.0.0.1', port, maxPayload: MAX_MESSAGE_BYTES });
  server.on('connection', (socket) => {
    relay.handleConnection(socket, '127.0.0.1');
    socket.on('message', async (data) => {
      try {
        const message = await validator.validateIncomingMessage(/** @type {Buffer} */ (data));
        await relay.handleMessage(socket, message);
      } catch (error) {
        socket.send(JSON.stringify(['NOTICE', error instanceof Error ? error.message : 'invalid message']));
      }
    });
    socket.on('close', () => relay.handleDisconnect(socket));
    socket.on('error', (error) => {
      if (process.env['DEBUG']) console.debug('nostr relay:', error.message);
    });
  });
  await once(server, 'listening');
  server.on('error', (error) => console.error('nostr relay:', error.message));
  const bound = /** @type {import('node:net').AddressInfo} */ (server.address()).port;
  return {
    url: `ws://127.0.0.1:${bound}`,
    port: bound,
    async close() {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
      await relay.destroy();
    },
  };
}
