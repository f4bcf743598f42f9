/**
 * Session descriptions of data-only connections as short text. All that two of them differ in is who opens DTLS, the
 * ICE credentials and the certificate; the certificate's fingerprint is in the sender's signed roster entry, so the far
 * end builds the description around that one, and DTLS refuses whoever holds another certificate. A description of about
 * 600 B becomes 40 B, and nothing in it but these credentials ever reaches a browser's parser.
 *
 * The text: the `setup` role (RFC 8842), the ICE user fragment and password (RFC 8839), with spaces between them.
 */

/** Who opens DTLS. */
const SETUP = /^a=setup:(actpass|active|passive)\s*$/m;
/** 4–256 and 22–256 of ALPHA / DIGIT / "+" / "/" (RFC 8839, section 5.4). */
const USER_FRAGMENT = /^a=ice-ufrag:([A-Za-z0-9+/]{4,256})\s*$/m;
const PASSWORD = /^a=ice-pwd:([A-Za-z0-9+/]{22,256})\s*$/m;
const SUMMARY = /^(actpass|active|passive) ([A-Za-z0-9+/]{4,256}) ([A-Za-z0-9+/]{22,256})$/;

/** The text for an offer's or answer's SDP; undefined when it is not that of a data-only connection. */
export function summarizeDescription(sdp: string): string | undefined {
  const parts = [SETUP, USER_FRAGMENT, PASSWORD].map((pattern) => pattern.exec(sdp)?.[1]);
  return parts.every((part) => part !== undefined) ? parts.join(' ') : undefined;
}

/**
 * The SDP to give to a browser; undefined when the text is anything else than a summary.
 * @param fingerprint SHA-256 of the sender's certificate, lower-case hex, from its signed entry
 */
export function expandDescription(summary: string, fingerprint: string): string | undefined {
  const [, setup, userFragment, password] = SUMMARY.exec(summary) ?? [];
  if (!setup || !/^[0-9a-f]{64}$/.test(fingerprint)) return undefined;
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    `a=ice-ufrag:${userFragment}`,
    `a=ice-pwd:${password}`,
    'a=ice-options:trickle',
    `a=fingerprint:sha-256 ${fingerprint.toUpperCase().replaceAll(/..(?!$)/g, '$&:')}`,
    `a=setup:${setup}`,
    'a=mid:0',
    'a=sctp-port:5000',
    'a=max-message-size:262144',
    '',
  ].join('\r\n');
}
