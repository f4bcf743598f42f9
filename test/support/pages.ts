/** The web server of the tests: the built package, the fixtures, and the tap's worklet on every origin. */

import { fileURLToPath } from 'node:url';
import { startStaticServer } from '../../scripts/servers/static.mjs';
import { TAP_WORKLET_PATH, injectedScripts } from './injected-scripts.js';

const folder = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** @param headers sent with every answer, for example a Content-Security-Policy */
export async function startPages(
  headers: Record<string, string> = {},
): Promise<Awaited<ReturnType<typeof startStaticServer>>> {
  return startStaticServer({
    mounts: { '/': folder('test/e2e/fixtures'), '/dist/': folder('dist') },
    files: { [TAP_WORKLET_PATH]: (await injectedScripts()).worklet },
    headers,
  });
}
