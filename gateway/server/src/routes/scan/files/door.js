// A device at a gate: what it knows, and what it decides without a network. Follows engine/tickets/src/entry/door.rs and verify.rs; the same
// vectors are decided by both (engine/tickets/golden/door.json). No DOM: node tests this file.

import { IN, IN_DISPUTE, OUT, REFUNDED, SNAPSHOT_MS, WHOLE_ORDER, ticketName } from "./entry.js";
import { eventMark, keyId, readTicket } from "./ticket.js";

const HOUR_MS = 3_600_000;

/** Whether the first passage is earlier than the second: by time, then device, then number. */
function isEarlier(one, other) {
  const [a, b] = [one, other].map(({ atMs, device, number }) => [atMs, device, number]);
  const at = a.findIndex((value, index) => value !== b[index]);
  return at >= 0 && a[at] < b[at];
}

const isFor = (list, type) => list.types.length === 0 || list.types.includes(type);
const isAt = (list, gate) => list.gates.length === 0 || list.gates.includes(gate);
const isOpen = (list, atMs) =>
  (list.opensAtMs === null || list.opensAtMs <= atMs) && (list.closesAtMs === null || atMs < list.closesAtMs);

/** What a device knows. A passage is `{atMs, device, number, gate, inward}`. */
export class Door {
  /** A device that has read a genuine snapshot. `verify` is of ed25519.js. */
  static async open(snapshot, verify) {
    const door = new Door();
    door.verify = verify;
    door.event = snapshot.event;
    door.eventMark = await eventMark(snapshot.event);
    door.settings = snapshot.settings;
    door.mark = snapshot.mark;
    door.sequence = snapshot.sequence;
    door.heardAtMs = snapshot.madeAtMs;
    door.keys = await Promise.all(
      snapshot.settings.keys.map(async (key) => ({ ...key, id: await keyId(key.publicKey) })),
    );
    door.exceptions = new Map(snapshot.exceptions.map((one) => [one.ticket, one]));
    door.own = new Map();
    return door;
  }

  /** Takes genuine changes. False: they are of another event, leave something out, or the settings are others: it needs a snapshot. */
  take(changes) {
    if (changes.event !== this.event || changes.after > this.sequence || changes.mark !== this.mark) return false;
    // Older ones than it has heard of say nothing new.
    if (changes.sequence >= this.sequence) {
      for (const one of changes.exceptions) this.exceptions.set(one.ticket, one);
      this.sequence = changes.sequence;
      this.heardAtMs = Math.max(this.heardAtMs, changes.madeAtMs);
    }
    return true;
  }

  /** Whether what it goes by is older than it should be. */
  isStale(nowMs) {
    return nowMs >= this.heardAtMs + SNAPSHOT_MS;
  }

  /**
   * Whether the ticket of this text may pass, by what the device knows: `{admitted: true, printed, isStale}`, or
   * `{admitted: false, why, …}` with `printed` where the signature is genuine and of this event. Staff may let the holder pass all the same.
   */
  async decide(text, gate, inward, nowMs) {
    const printed = readTicket(text);
    const unbelieved = await this.#disbelieve(printed, nowMs);
    if (unbelieved) return { admitted: false, why: unbelieved };
    const turned = this.#turnAway(printed, gate, inward, nowMs);
    if (turned) return { admitted: false, printed, ...turned };
    return { admitted: true, printed, isStale: this.isStale(nowMs) };
  }

  /** Writes down what passed. */
  passed({ order, index }, passage) {
    const ticket = ticketName(order, index);
    const own = this.own.get(ticket);
    if (!own || isEarlier(own, passage)) this.own.set(ticket, passage);
  }

  /** Shown to people; the position where the snapshot has no such type. */
  typeName(ticketType) {
    return this.settings.types[ticketType]?.name ?? `#${ticketType}`;
  }

  async #disbelieve(printed, nowMs) {
    if (!printed) return "not_a_ticket";
    const named = this.keys.filter((key) => key.id === printed.key);
    if (named.length === 0) return "unknown_key";
    // Four bytes may name two keys.
    let signer = null;
    for (const key of named) {
      if (!signer && (await this.verify(key.publicKey, printed.signature, printed.message))) signer = key;
    }
    if (!signer) return "forged";
    if (signer.revoked) return "revoked_key";
    if (printed.event !== this.eventMark) return "other_event";
    if (printed.validUntilH > 0 && nowMs >= printed.validUntilH * HOUR_MS) return "expired";
    return null;
  }

  #turnAway(printed, gate, inward, nowMs) {
    if (!this.settings.open) return { why: "cancelled" };
    const known = this.exceptions.get(ticketName(printed.order, printed.index));
    // A higher one than it knows is good: a transfer that it has not heard of.
    if (known && printed.generation < known.generation) return { why: "old_code" };
    const last = this.#last(printed);
    if (inward) return this.#checkIn(printed, known, last, gate, nowMs);
    return last?.inward ? null : { why: "not_in" };
  }

  #checkIn({ order, ticketType }, known, last, gate, nowMs) {
    const { types, lists } = this.settings;
    if (types[ticketType] && !types[ticketType].admits) return { why: "voucher" };
    if (known && known.bits & REFUNDED) return { why: "refunded" };
    if (last?.inward) return { why: "in", sinceMs: last.atMs, gate: last.gate };
    const whole = this.exceptions.get(ticketName(order, WHOLE_ORDER));
    if (whole && whole.bits & IN_DISPUTE) return { why: "in_dispute" };
    if (lists.length === 0) return null;
    const ofType = lists.filter((list) => isFor(list, ticketType));
    const here = ofType.filter((list) => isAt(list, gate) && isOpen(list, nowMs));
    if (here.length === 0) {
      const gates = [...new Set(ofType.flatMap((list) => list.gates))].sort((a, b) => a - b);
      return { why: "not_here", gates };
    }
    if (last && !here.some((list) => list.reEntry)) return { why: "no_re_entry" };
    return null;
  }

  /** The later one of what it saw and what it heard of. */
  #last({ order, index }) {
    const ticket = ticketName(order, index);
    const own = this.own.get(ticket);
    const one = this.exceptions.get(ticket);
    if (!one || !(one.bits & (IN | OUT))) return own ?? null;
    const heard = { atMs: one.sinceMs, device: 0, number: 0, gate: one.gate, inward: (one.bits & IN) !== 0 };
    return own && !isEarlier(own, heard) ? own : heard;
  }
}
