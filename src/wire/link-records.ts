/**
 * What a member tells everybody about its links: whole, or what changed since it last did. The bytes stand in the table of
 * `control.ts`, whose messages these are.
 */

import type { Handle } from '../units.js';
import { bounded, byte, list, type ByteReader, type ByteWriter } from './bytes.js';

export const MAX_RECORDS_PER_MESSAGE = 127;
/** Records that one message lists as known. */
export const MAX_KNOWN_PER_MESSAGE = 2048;
export const MAX_NEIGHBOURS = 64;
/** Members a link record tells of that were measured lately. */
export const MAX_MEASURED = 16;
/** Links that ended, and links that are new or changed, in one change; more are told as a whole record. */
export const MAX_CHANGED = 15;

const IS_ANSWER = 0x80;
const ANSWER_EXPECTED = 1;
const IS_PARTIAL = 2;
const LEAST_LINK_DELAY_MS = 0.25;
const LINK_DELAY_STEP = Math.log(1.03);

/** Whom a member is linked to, by its own word, for everybody. */
export interface LinkRecord {
  readonly handle: Handle;
  /** Counted up by the member; a 16-bit serial number. */
  readonly sequence: number;
  /** Copies of a voice of others that it plans to pass on. */
  readonly slots: number;
  readonly links: readonly ToldLink[];
  /** Members it measured lately without being linked to them now. */
  readonly measured: readonly ToldLink[];
}

export interface ToldLink {
  /** Hop tag of the far end. */
  readonly tag: number;
  /** One-way delay, ms, quantised to 3 % (`quantiseLinkDelay`). */
  readonly delayMs: number;
}

/** How a member's record differs from the one before it. */
export interface LinkChange {
  readonly handle: Handle;
  /** Of the record that it leads to; that of the one before is one less. */
  readonly sequence: number;
  /** Hop tags of links that ended. */
  readonly gone: readonly number[];
  /** Links that are new, or whose delay is. */
  readonly set: readonly ToldLink[];
  readonly measured: readonly ToldLink[];
}

export interface KnownRecord {
  readonly handle: Handle;
  readonly sequence: number;
}

interface Records {
  readonly isAnswer: boolean;
  readonly records: readonly LinkRecord[];
}

interface Known {
  readonly answerExpected: boolean;
  readonly isPartial: boolean;
  readonly known: readonly KnownRecord[];
}

export function writeRecords(writer: ByteWriter, { isAnswer, records }: Records): void {
  bounded(records.length, MAX_RECORDS_PER_MESSAGE);
  writer.u8(records.length | (isAnswer ? IS_ANSWER : 0));
  for (const { handle, sequence, slots, links, measured } of records) {
    bounded(links.length, MAX_NEIGHBOURS);
    writer.u32(handle).u16(sequence).u8(byte(slots)).u8(links.length);
    writeLinks(writer, links);
    bounded(measured.length, MAX_MEASURED);
    writeLinks(writer.u8(measured.length), measured);
  }
}

export function readRecords(reader: ByteReader): Records {
  const count = reader.u8();
  const isAnswer = (count & IS_ANSWER) !== 0;
  return { isAnswer, records: list(reader, count & ~IS_ANSWER, MAX_RECORDS_PER_MESSAGE, record) };
}

function record(reader: ByteReader): LinkRecord {
  const handle = reader.u32() as Handle;
  const sequence = reader.u16();
  const slots = reader.u8();
  const links = list(reader, reader.u8(), MAX_NEIGHBOURS, toldLink);
  return { handle, sequence, slots, links, measured: list(reader, reader.u8(), MAX_MEASURED, toldLink) };
}

export function writeChanges(writer: ByteWriter, changes: readonly LinkChange[]): void {
  bounded(changes.length, MAX_RECORDS_PER_MESSAGE);
  writer.u8(changes.length);
  for (const { handle, sequence, gone, set, measured } of changes) {
    bounded(gone.length, MAX_CHANGED);
    bounded(set.length, MAX_CHANGED);
    bounded(measured.length, MAX_MEASURED);
    writer
      .u32(handle)
      .u16(sequence)
      .u8((gone.length << 4) | set.length)
      .u8(measured.length);
    for (const tag of gone) writer.u16(tag);
    writeLinks(writer, set);
    writeLinks(writer, measured);
  }
}

export function readChanges(reader: ByteReader): LinkChange[] {
  return list(reader, reader.u8(), MAX_RECORDS_PER_MESSAGE, change);
}

function change(reader: ByteReader): LinkChange {
  const handle = reader.u32() as Handle;
  const sequence = reader.u16();
  const counts = reader.u8();
  const measured = reader.u8();
  return {
    handle,
    sequence,
    gone: list(reader, counts >> 4, MAX_CHANGED, (r) => r.u16()),
    set: list(reader, counts & 15, MAX_CHANGED, toldLink),
    measured: list(reader, measured, MAX_MEASURED, toldLink),
  };
}

export function writeKnown(writer: ByteWriter, { answerExpected, isPartial, known }: Known): void {
  bounded(known.length, MAX_KNOWN_PER_MESSAGE);
  writer.u8((answerExpected ? ANSWER_EXPECTED : 0) | (isPartial ? IS_PARTIAL : 0)).u16(known.length);
  for (const { handle, sequence } of known) writer.u32(handle).u16(sequence);
}

export function readKnown(reader: ByteReader): Known {
  const flags = reader.u8();
  reader.check(flags <= (ANSWER_EXPECTED | IS_PARTIAL));
  const read = (r: ByteReader): KnownRecord => ({ handle: r.u32() as Handle, sequence: r.u16() });
  return {
    answerExpected: (flags & ANSWER_EXPECTED) !== 0,
    isPartial: (flags & IS_PARTIAL) !== 0,
    known: list(reader, reader.u16(), MAX_KNOWN_PER_MESSAGE, read),
  };
}

function writeLinks(writer: ByteWriter, links: readonly ToldLink[]): void {
  for (const { tag, delayMs } of links) writer.u16(tag).u8(linkDelayToWire(delayMs));
}

function toldLink(reader: ByteReader): ToldLink {
  return { tag: reader.u16(), delayMs: linkDelayFromWire(reader.u8()) };
}

/** The delay of a link as everybody learns it. */
export function quantiseLinkDelay(delayMs: number): number {
  return linkDelayFromWire(linkDelayToWire(delayMs));
}

function linkDelayToWire(delayMs: number): number {
  return byte(
    Math.round(Math.log(Math.max(LEAST_LINK_DELAY_MS, delayMs) / LEAST_LINK_DELAY_MS) / LINK_DELAY_STEP),
  );
}

function linkDelayFromWire(steps: number): number {
  return LEAST_LINK_DELAY_MS * Math.exp(steps * LINK_DELAY_STEP);
}
