// A door with a memory: what the phone knows of one event, and the scans that it made there. Each scan is written down before it is shown.

import { Door } from "./door.js";
import { isGenuine, readChanges, readSnapshot, Unreadable } from "./entry.js";
import { eventOf } from "./ticket.js";

/** After so many pages of changes a snapshot is taken anew, so that a start does not read them all. */
const CHANGES_MAX = 200;
/** So old may be what is kept of how fresh it is, in milliseconds. */
const KEPT_FRESH_MS = 10 * 60_000;

/** Thrown for bytes that no key of tickets signed. */
export class NotGenuine extends Error {}

/** The guard of a gate. */
export class Guard {
  /** Opens what is known of an event; null: there is no snapshot yet. */
  static async open({ store, verify, device, event }) {
    const kept = await store.get("snapshots", event);
    if (!kept) return null;
    const guard = new Guard();
    Object.assign(guard, { store, verify, device, event });
    const changes = await store.below("changes", event);
    try {
      guard.door = await Door.open(await readSnapshot(kept.bytes), verify);
      guard.keptAtMs = guard.door.heardAtMs;
      changes.forEach((page) => guard.door.take(readChanges(page.bytes)));
    } catch (error) {
      // An older version of the page kept it in a form that this one does not know.
      if (error instanceof Unreadable) return null;
      throw error;
    }
    guard.pages = changes.length;
    guard.keptSequence = guard.door.sequence;
    const told = (await store.all("scans")).filter((scan) => scan.event === event);
    told.forEach((scan) => guard.#pass(scan));
    guard.scans = told.filter((scan) => scan.device === device);
    guard.clockOffsetMs = (await store.get("things", "clock")) ?? 0;
    return guard;
  }

  /** Keeps a snapshot that one of these keys signed. */
  static async keepSnapshot({ store, verify, event }, sealed, keys) {
    if (!(await isGenuine(sealed, keys, verify))) throw new NotGenuine();
    const { key, bytes, signature } = sealed;
    if ((await readSnapshot(bytes)).event !== eventOf(event)) throw new NotGenuine();
    await store.replaceSnapshot({ event, key, bytes, signature });
  }

  /** Takes changes: `{more}` where it did, null where it needs a snapshot. */
  async take(sealed) {
    if (!(await isGenuine(sealed, this.door.settings.keys, this.verify))) return null;
    const changes = readChanges(sealed.bytes);
    if (this.pages >= CHANGES_MAX || !this.door.take(changes)) return null;
    // Where nothing changed, what is kept says as much; only how fresh it is, it does not.
    const isOld = changes.madeAtMs - this.keptAtMs > KEPT_FRESH_MS;
    if (changes.exceptions.length > 0 || changes.more || isOld) {
      this.pages += 1;
      this.keptAtMs = changes.madeAtMs;
      this.keptSequence = changes.sequence;
      await this.store.put("changes", { event: this.event, number: this.pages, bytes: sealed.bytes });
    }
    return { more: changes.more };
  }

  /** Goes by another snapshot, with the scans of its own. */
  renew({ door, pages, keptAtMs, keptSequence }) {
    Object.assign(this, { door, pages, keptAtMs, keptSequence });
    this.scans.forEach((scan) => this.#pass(scan));
  }

  /** The time by the server's clock, in milliseconds. */
  now() {
    return Date.now() - this.clockOffsetMs;
  }

  /** Decides on a text, and writes down what is a ticket of this event: the decision, with the `scan` where one was written. */
  async decide(text, gate, inward) {
    const nowMs = this.now();
    const decided = await this.door.decide(text, gate, inward, nowMs);
    if (!decided.printed) return decided;
    const { admitted, why } = decided;
    const scan = await this.#write(decided.printed, { gate, inward, admitted, why });
    return { ...decided, scan };
  }

  /** Staff let somebody pass all the same. */
  async overrule(decided) {
    const { gate, inward } = decided.scan;
    return this.#write(decided.printed, { gate, inward, admitted: true, why: "overruled" });
  }

  /** How many passed here, and were turned away. */
  counts() {
    const count = (which) => this.scans.filter(which).length;
    return {
      in: count((scan) => scan.admitted && scan.inward),
      out: count((scan) => scan.admitted && !scan.inward),
      refused: count((scan) => !scan.admitted),
    };
  }

  async #write({ order, index, generation, ticketType }, what) {
    const before = this.scans.at(-1);
    const number = (before?.number ?? 0) + 1;
    // Scans of one device follow each other, even where its clock was set back.
    const atMs = Math.max(this.now(), before?.atMs ?? 0);
    const { device, event } = this;
    const scan = { device, event, number, atMs, order, index, generation, ticketType, ...what };
    // In memory first, so that the next frame gets the next number; and if it cannot be kept, the scan is not shown as made.
    this.scans.push(scan);
    try {
      await this.store.put("scans", scan);
    } catch (error) {
      this.scans = this.scans.filter((one) => one !== scan);
      throw error;
    }
    this.#pass(scan);
    return scan;
  }

  #pass({ order, index, atMs, device, number, gate, inward, admitted }) {
    if (admitted) this.door.passed({ order, index }, { atMs, device, number, gate, inward });
  }
}
