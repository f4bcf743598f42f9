/**
 * Where the browsers are and how they are started: the same for element tests, end-to-end tests and benchmarks.
 * Nothing here needs an installed package.
 */
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** @param {string[]} names @returns {string | undefined} the first that is executable on PATH */
function onPath(names) {
  for (const name of names)
    for (const directory of (process.env['PATH'] ?? '').split(path.delimiter)) {
      const file = path.join(directory, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EACCES') continue;
      }
    }
  return undefined;
}

/** @returns {string | undefined} CHROMIUM_PATH, or the Chromium or Chrome on PATH */
export const chromiumPath = () =>
  process.env['CHROMIUM_PATH'] ??
  onPath(['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']);

/** @returns {string | undefined} FIREFOX_PATH, or the Firefox on PATH */
export const firefoxPath = () => process.env['FIREFOX_PATH'] ?? onPath(['firefox-esr', 'firefox']);

/** No traffic of the browser's own, a microphone without a prompt, sound without a gesture. */
export const CHROMIUM_ARGS = [
  // As root the sandbox cannot start; tests only open pages of their own.
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--mute-audio',
  '--autoplay-policy=no-user-gesture-required',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  // Pages of a test share one window: none of them may count as hidden and be slowed down.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  // Tests reach this machine alone, whatever a page has for STUN servers; one name of it is no secure context.
  '--host-resolver-rules=MAP insecure.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
  // Host candidates by address: mDNS names do not resolve without a network service.
  '--disable-features=WebRtcHideLocalIpsWithMdns',
];

/** The same for Firefox, as preferences. */
export const FIREFOX_PREFS = {
  'media.navigator.permission.disabled': true,
  'media.navigator.streams.fake': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.peerconnection.ice.loopback': true,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'dom.min_background_timeout_value': 4,
  'dom.timeout.enable_budget_timer_throttling': false,
};
