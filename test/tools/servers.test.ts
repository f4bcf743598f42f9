/** The servers that `npm start`, the tests and the benchmarks run on. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { startNostrRelay } from '../../scripts/servers/nostr-relay.mjs';
import { startStaticServer } from '../../scripts/servers/static.mjs';
import { startTracker } from '../../scripts/servers/tracker.mjs';

const folder = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Asks for a path exactly as written: `fetch` would tidy it up. */
function status(port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on('error', reject);
    asked.end();
  });
}

describe('static server', () => {
  test('serves files with their types, headers and replaced texts, and nothing outside its folders', async () => {
    const server = await startStaticServer({
      mounts: { '/': folder('test/e2e/fixtures'), '/support/': folder('test/support') },
      headers: { 'content-security-policy': "default-src 'none'" },
      transformHtml: (html) => html.replace('Plain tones', 'Replaced'),
      files: { '/made-up.js': 'export {};' },
    });
    after(() => server.close());

    const page = await fetch(`${server.url}/tones.html`);
    assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
    assert.equal(page.headers.get('content-security-policy'), "default-src 'none'");
    assert.match(await page.text(), /Replaced/);
    assert.equal(await (await fetch(`${server.url}/made-up.js`)).text(), 'export {};');
    assert.equal((await fetch(`${server.url}/support/browser.ts`)).status, 200);
    assert.equal((await fetch(`${server.url}/tones.html`, { method: 'POST', body: '' })).status, 405);
    for (const path of [
      '/missing',
      '/../harness.e2e.ts',
      '/%2e%2e/harness.e2e.ts',
      '/..%2fharness.e2e.ts',
      '/',
    ])
      assert.equal(await status(server.port, path), 404, path);
    assert.equal(await status(server.port, '/%'), 400);
    assert.ok(server.requests.includes('/tones.html'));
  });
});

describe('busy ports', () => {
  test('each server rejects with EADDRINUSE, and frees its port when closed', async () => {
    const starts = [
      (port?: number) => startTracker(port === undefined ? {} : { port }),
      (port?: number) => startNostrRelay(port === undefined ? {} : { port }),
      (port?: number) =>
        startStaticServer({ mounts: { '/': folder('demo') }, ...(port === undefined ? {} : { port }) }),
    ];
    for (const start of starts) {
      const first = await start();
      await assert.rejects(start(first.port), { code: 'EADDRINUSE' });
      await first.close();
      await (await start(first.port)).close();
    }
  });
});

/** Sends one message and awaits one answer. */
async function ask(socket: WebSocket, message: string): Promise<unknown> {
  const answered = once(socket, 'message');
  socket.send(message);
  const [data] = (await answered) as [Buffer];
  return JSON.parse(data.toString());
}

describe('Nostr relay', () => {
  test('answers nonsense with a notice and a subscription with the end of what is stored', async () => {
    const relay = await startNostrRelay();
    after(() => relay.close());
    const socket = new WebSocket(relay.url);
    await once(socket, 'open');
    const notice = (await ask(socket, 'nonsense')) as unknown[];
    assert.equal(notice[0], 'NOTICE');
    assert.deepEqual(await ask(socket, JSON.stringify(['REQ', 'all', { kinds: [1] }])), ['EOSE', 'all']);
  });
});

describe('tracker', () => {
  test('passes an offer on to whoever announced before', async () => {
    const tracker = await startTracker();
    after(() => tracker.close());
    const announce = (peer: string, offers: object[]): string =>
      JSON.stringify({
        action: 'announce',
        info_hash: 'a'.repeat(20),
        peer_id: peer.repeat(20),
        numwant: offers.length,
        offers,
        uploaded: 0,
        downloaded: 0,
        left: 1,
      });
    const [first, second] = [new WebSocket(tracker.url), new WebSocket(tracker.url)];
    await Promise.all([once(first, 'open'), once(second, 'open')]);
    const answer = (await ask(first, announce('1', []))) as { interval: number };
    assert.equal(answer.interval, 120, 'members announce every two minutes, as with public trackers');

    const offered = once(first, 'message');
    second.send(announce('2', [{ offer: { type: 'offer', sdp: 'v=0' }, offer_id: 'o'.repeat(20) }]));
    const [data] = (await offered) as [Buffer];
    const { offer, peer_id } = JSON.parse(data.toString()) as { offer: { sdp: string }; peer_id: string };
    assert.deepEqual([offer.sdp, peer_id], ['v=0', '2'.repeat(20)]);
  });
});
