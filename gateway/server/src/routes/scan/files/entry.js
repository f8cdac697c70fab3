// What a device is told: `entry-1`, signed. Follows engine/tickets/src/entry (snapshot.rs, changes.rs, settings.rs); docs/tickets.md has the
// format. No DOM: node tests this file.

import { concat, hex, keyId, sha256 } from "./ticket.js";

/** What is signed of a snapshot, or of changes, begins with this. */
const CONTEXT = new TextEncoder().encode("tessera entry v1\n");
/** How long a snapshot is fresh, in milliseconds. */
export const SNAPSHOT_MS = 6 * 60 * 60 * 1000;
/** First bytes of a snapshot and of changes. */
const SNAPSHOT = 1;
const CHANGES = 2;
/** Bytes of an exception among others. */
const EXCEPTION_BYTES = 16;

/** The position that stands for every ticket of an order. */
export const WHOLE_ORDER = 255;

/** Bits of an exception. */
export const REFUNDED = 1;
export const IN_DISPUTE = 2;
export const IN = 4;
export const OUT = 16;

/** Thrown for bytes that are neither a snapshot nor changes. */
export class Unreadable extends Error {}

/** Takes big-endian fields off the front. */
class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }
  left() {
    return this.bytes.length - this.at;
  }
  take(count) {
    if (this.left() < count) throw new Unreadable("it ends too early");
    this.at += count;
    return this.bytes.slice(this.at - count, this.at);
  }
  /** An unsigned number; those of eight bytes are rounded above 2^53, where no sequence and no time is. */
  number(bytes) {
    return this.take(bytes).reduce((value, byte) => value * 256 + byte, 0);
  }
  flag() {
    const byte = this.number(1);
    if (byte > 1) throw new Unreadable("a flag is 0 or 1");
    return byte === 1;
  }
  text() {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.take(this.number(1)));
    } catch {
      throw new Unreadable("a text is UTF-8");
    }
  }
  list(each) {
    return Array.from({ length: this.number(2) }, () => each(this));
  }
  /** Milliseconds since 1970, or null. */
  instant() {
    const [isThere, at] = [this.flag(), this.number(8)];
    if (!isThere && at !== 0) throw new Unreadable("an instant that is not there has a time");
    return isThere ? at : null;
  }
  end() {
    if (this.left() > 0) throw new Unreadable("something follows");
  }
}

/** How a ticket is named: its order has 40 bits and its position 8, so that a number holds both exactly. */
export const ticketName = (order, index) => order * 256 + index;

/** Columns: each field of all of them, then the next field. */
function readExceptions(reader) {
  const count = reader.number(4);
  if (reader.left() < count * EXCEPTION_BYTES) throw new Unreadable("fewer tickets than it says");
  const column = (bytes) => Array.from({ length: count }, () => reader.number(bytes));
  const [orders, indexes, generations, bits, since, gates] = [5, 1, 1, 1, 6, 2].map(column);
  const all = orders.map((order, at) => ({
    ticket: ticketName(order, indexes[at]),
    generation: generations[at],
    bits: bits[at],
    sinceMs: since[at],
    gate: gates[at],
  }));
  if (all.some((one, at) => at > 0 && all[at - 1].ticket > one.ticket)) throw new Unreadable("not ascending");
  return all;
}

function readSettings(reader) {
  const open = reader.flag();
  const keys = reader.list((from) => ({ publicKey: from.take(32), revoked: from.flag() }));
  const types = reader.list((from) => ({ name: from.text(), admits: from.flag() }));
  const lists = reader.list((from) => ({
    name: from.text(),
    gates: from.list((gate) => gate.number(2)),
    types: from.list((type) => type.number(2)),
    reEntry: from.flag(),
    opensAtMs: from.instant(),
    closesAtMs: from.instant(),
  }));
  return { open, keys, types, lists };
}

/** The snapshot of these bytes. Throws `Unreadable`. */
export async function readSnapshot(bytes) {
  const reader = new Reader(bytes);
  if (reader.number(1) !== SNAPSHOT) throw new Unreadable("not a snapshot");
  const event = hex(reader.take(16));
  const [sequence, madeAtMs, validUntilMs] = [reader.number(8), reader.number(8), reader.number(8)];
  const begin = reader.at;
  const settings = readSettings(reader);
  const mark = hex((await sha256(bytes.slice(begin, reader.at))).slice(0, 8));
  const exceptions = readExceptions(reader);
  reader.end();
  if (validUntilMs !== madeAtMs + SNAPSHOT_MS) throw new Unreadable("valid for another time");
  return { event, sequence, madeAtMs, settings, mark, exceptions };
}

/** The changes of these bytes. Throws `Unreadable`. */
export function readChanges(bytes) {
  const reader = new Reader(bytes);
  if (reader.number(1) !== CHANGES) throw new Unreadable("not changes");
  const changes = {
    event: hex(reader.take(16)),
    after: reader.number(8),
    sequence: reader.number(8),
    madeAtMs: reader.number(8),
    mark: hex(reader.take(8)),
    more: reader.flag(),
    exceptions: readExceptions(reader),
  };
  reader.end();
  return changes;
}

/**
 * Whether one of these keys, not revoked, has signed. `sealed` is `{key, bytes, signature}`, `keys` are `{publicKey, revoked}`, `verify` is
 * of ed25519.js.
 */
export async function isGenuine(sealed, keys, verify) {
  const message = concat(CONTEXT, sealed.bytes);
  for (const { publicKey, revoked } of keys) {
    if (revoked || (await keyId(publicKey)) !== sealed.key) continue;
    if (await verify(publicKey, sealed.signature, message)) return true;
  }
  return false;
}
