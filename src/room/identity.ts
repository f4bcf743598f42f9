/**
 * Who this person is: an Ed25519 key per browser profile, non-extractable, kept in IndexedDB. Where storage is
 * refused (private windows, sandboxed frames) the key lives as long as the page.
 */

import { toHex, type Identity } from '../units.js';

export interface PersonalKey {
  readonly privateKey: CryptoKey;
  /** 32 bytes, lower-case hex. */
  readonly publicKey: string;
  readonly identity: Identity;
  /** False when the key will be forgotten with the page. */
  readonly stored: boolean;
}

const DATABASE = 'p2p-voice-room';
const STORE = 'keys';
const KEY_NAME = 'identity';
/**
 * IndexedDB may never answer (blocked upgrade, broken profile): then the key lives in memory. Long enough that a busy
 * machine costs nobody their key, and with it what others keep for them.
 */
const STORAGE_PATIENCE_MS = 6000;

let inMemory: Promise<CryptoKeyPair> | undefined;

/** The public-key fingerprint shown to scripts: first 16 bytes of SHA-256, hex. */
export async function identityOf(publicKey: Uint8Array<ArrayBuffer>): Promise<Identity> {
  const digest = await crypto.subtle.digest('SHA-256', publicKey);
  return toHex(new Uint8Array(digest, 0, 16)) as Identity;
}

/** This profile's key, made on first use. @throws DOMException when the browser has no Ed25519. */
export async function loadPersonalKey(): Promise<PersonalKey> {
  let pair: CryptoKeyPair;
  let stored = true;
  try {
    pair = await withPatience(loadStoredPair());
  } catch (error) {
    // Storage refused: one key for the visit, shared by every room on the page.
    console.debug('p2p-voice-room: identity kept in memory', error);
    pair = await (inMemory ??= generatePair());
    stored = false;
  }
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  return { privateKey: pair.privateKey, publicKey: toHex(raw), identity: await identityOf(raw), stored };
}

function generatePair(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey({ name: 'Ed25519' }, false, ['sign', 'verify']) as Promise<CryptoKeyPair>;
}

async function loadStoredPair(): Promise<CryptoKeyPair> {
  const database = await openDatabase();
  try {
    const existing = await readPair(database);
    if (existing) return existing;
    const fresh = await generatePair();
    // Two tabs may make a first key at once: `add` lets only one win, and both then use what is stored.
    await addPair(database, fresh);
    return (await readPair(database)) ?? fresh;
  } finally {
    database.close();
  }
}

function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('blocked by another version'));
  });
}

function readPair(database: IDBDatabase): Promise<CryptoKeyPair | undefined> {
  return new Promise((resolve, reject) => {
    const request = database.transaction(STORE).objectStore(STORE).get(KEY_NAME);
    request.onsuccess = () => resolve(request.result as CryptoKeyPair | undefined);
    request.onerror = () => reject(request.error);
  });
}

function addPair(database: IDBDatabase, pair: CryptoKeyPair): Promise<void> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, 'readwrite');
    const request = transaction.objectStore(STORE).add(pair, KEY_NAME);
    request.onerror = (event) => {
      event.preventDefault(); // Somebody was faster: theirs is read next.
      event.stopPropagation();
    };
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

function withPatience<Value>(promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('storage did not answer')), STORAGE_PATIENCE_MS);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
