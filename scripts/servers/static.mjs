/** Serves folders on loopback, with the headers a test asks for. Nothing here needs an installed package. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';

const TYPES = /** @type {Record<string, string>} */ ({
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
});

/**
 * @typedef {object} StaticOptions
 * @property {Record<string, string>} mounts URL prefix → folder; the longest matching prefix wins, `/` is required
 * @property {number} [port] 0 or none = any free one; rejects with EADDRINUSE when taken
 * @property {Record<string, string>} [headers] sent with every answer, for example a Content-Security-Policy
 * @property {(html: string) => string} [transformHtml] applied to every HTML file
 * @property {Record<string, string>} [files] path → text of files that lie nowhere
 */

/**
 * @param {StaticOptions} options
 * @returns {Promise<import('./tracker.mjs').RunningServer & {requests: string[]}>} `requests` are the paths asked for
 *   so far, newest last, at most 1000
 */
export async function startStaticServer({
  mounts,
  port = 0,
  headers = {},
  transformHtml = (html) => html,
  files = {},
}) {
  const prefixes = Object.keys(mounts).sort((a, b) => b.length - a.length);
  /** @type {string[]} */
  const requests = [];

  /** @param {string} pathname @returns {string | undefined} the file, never outside its mount */
  const fileOf = (pathname) => {
    const prefix = prefixes.find((candidate) => pathname.startsWith(candidate));
    if (prefix === undefined) return undefined;
    const folder = path.resolve(mounts[prefix] ?? '.');
    const rest = pathname.slice(prefix.length);
    const file = path.resolve(folder, `./${rest === '' || rest.endsWith('/') ? `${rest}index.html` : rest}`);
    return file.startsWith(folder + path.sep) ? file : undefined;
  };

  const server = createServer(async (request, response) => {
    /** @param {number} status @param {string | Buffer} body @param {string} type */
    const answer = (status, body, type) => {
      response.writeHead(status, {
        'content-type': type,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        ...headers,
      });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, 'GET only', 'text/plain');
    let pathname;
    try {
      pathname = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    } catch {
      return answer(400, 'bad path', 'text/plain');
    }
    requests.push(pathname);
    if (requests.length > 1000) requests.shift();
    const file = fileOf(pathname);
    const type =
      TYPES[path.extname(pathname.endsWith('/') ? 'index.html' : pathname)] ?? 'application/octet-stream';
    const text = files[pathname];
    if (text !== undefined) return answer(200, text, type);
    try {
      if (file === undefined) return answer(404, 'not found', 'text/plain');
      const body = await readFile(file);
      answer(200, type.startsWith('text/html') ? transformHtml(body.toString('utf8')) : body, type);
    } catch (error) {
      const code = /** @type {NodeJS.ErrnoException} */ (error).code;
      if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR')
        answer(404, 'not found', 'text/plain');
      else answer(500, String(code), 'text/plain');
    }
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const bound = /** @type {import('node:net').AddressInfo} */ (server.address()).port;
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
