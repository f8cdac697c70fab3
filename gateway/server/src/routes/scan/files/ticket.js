// What the QR of a ticket says. Follows engine/tickets/src/printed.rs; docs/tickets.md has the format. No DOM: node tests this file.

/** Characters of base45 (RFC 9285), by value. */
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const PREFIX = "T1:";
const FORMAT = 1;
/** Bytes that are signed; the signature has 64 more. */
const STATEMENT_BYTES = 26;
const SIGNED_BYTES = STATEMENT_BYTES + 64;
/** Characters of a ticket: the prefix, and three for two bytes. */
const TEXT_LENGTH = PREFIX.length + (SIGNED_BYTES / 2) * 3;
/** What is signed of a ticket begins with this. */
const CONTEXT = new TextEncoder().encode("tessera ticket v1\n");
/** What is hashed for an event's mark begins with this. */
const EVENT_CONTEXT = new TextEncoder().encode("tessera event v1");

/** The bytes of a base45 text of three characters for two bytes each; null for any other. */
export function base45(text) {
  if (text.length % 3 !== 0) return null;
  const bytes = new Uint8Array((text.length / 3) * 2);
  for (let at = 0, to = 0; at < text.length; at += 3, to += 2) {
    const [low, middle, high] = [text[at], text[at + 1], text[at + 2]].map((one) => ALPHABET.indexOf(one));
    const value = low + middle * 45 + high * 45 * 45;
    if (low < 0 || middle < 0 || high < 0 || value > 0xffff) return null;
    bytes[to] = value >> 8;
    bytes[to + 1] = value & 0xff;
  }
  return bytes;
}

/** Lower-case hexadecimal digits. */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The bytes of hexadecimal digits. */
export function unhex(digits) {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Several arrays of bytes, one after the other. */
export function concat(...parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}

/** SHA-256. */
export async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** How tickets name the event with this id (32 hexadecimal digits), in hexadecimal digits. */
export async function eventMark(event) {
  return hex((await sha256(concat(EVENT_CONTEXT, unhex(event)))).slice(0, 8));
}

/** How tickets name the key with these bytes, in hexadecimal digits. */
export async function keyId(publicKey) {
  return hex((await sha256(publicKey)).slice(0, 4));
}

/** What a text says, with the message and signature that would prove it; null: it is no ticket of ours. Nothing is verified. */
export function readTicket(text) {
  if (text.length !== TEXT_LENGTH || !text.startsWith(PREFIX)) return null;
  const bytes = base45(text.slice(PREFIX.length));
  if (!bytes || bytes[0] !== FORMAT) return null;
  const view = new DataView(bytes.buffer);
  return {
    key: hex(bytes.slice(1, 5)),
    event: hex(bytes.slice(5, 13)),
    // 40 bits: a number holds them exactly.
    order: view.getUint8(13) * 2 ** 32 + view.getUint32(14),
    index: bytes[18],
    generation: bytes[19],
    ticketType: view.getUint16(20),
    validUntilH: view.getUint32(22),
    message: concat(CONTEXT, bytes.slice(0, STATEMENT_BYTES)),
    signature: bytes.slice(STATEMENT_BYTES),
  };
}

/** Digits of identifiers of the API (TypeID: Crockford's base32), by value. */
const ID_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";

/** The event that an identifier of the API names, in 32 hexadecimal digits; null: it names none. */
export function eventOf(id) {
  if (!/^evt_[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(id)) return null;
  const value = [...id.slice(4)].reduce((sum, digit) => sum * 32n + BigInt(ID_DIGITS.indexOf(digit)), 0n);
  return value.toString(16).padStart(32, "0");
}
