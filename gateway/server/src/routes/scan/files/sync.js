// Tells the server what was scanned, and hears what has changed, whenever there is a network.

import * as api from "./api.js";
import { Guard } from "./guard.js";

/** Scans of one upload. */
const UPLOAD_MAX = 500;
/** How often the server is asked, in milliseconds. */
const EVERY_MS = 8_000;

const rfc3339 = (atMs) => new Date(atMs).toISOString();
const told = ({ number, atMs, gate, inward, order, index, generation, admitted }) => {
  return { number, at: rfc3339(atMs), gate, direction: inward ? "in" : "out", order, index, generation, admitted };
};

/**
 * `key`: the organizer's, where one was just typed; it is kept in memory, for as long as scans of earlier registrations wait: a device's
 * token tells those of its own only, and that of an earlier one may have been revoked.
 *
 * One at a time: `run()` tells and hears; `start()` does so again and again. `state` is `online`, `offline`, `refused` (the token is no good)
 * or `troubled`; `changed()` is called after each run.
 */
export class Sync {
  constructor({ store, verify, device, key, changed }) {
    Object.assign(this, { store, verify, device, key, changed, guard: null, state: "offline", waiting: 0, problem: null });
    this.running = null;
  }

  /** Begins to ask for ever. */
  start() {
    addEventListener("online", () => this.run());
    addEventListener("offline", () => this.run());
    document.addEventListener("visibilitychange", () => document.hidden || this.run());
    setInterval(() => document.hidden || this.run(), EVERY_MS);
    return this.run();
  }

  /** Tells and hears once; while it runs, it is asked to run once more. */
  run() {
    if (this.running) {
      this.again = true;
      return this.running;
    }
    this.running = this.#run().finally(() => {
      this.running = null;
      if (this.again) {
        this.again = false;
        this.run();
      }
    });
    return this.running;
  }

  /** Takes a snapshot of an event: the guard of it. */
  async takeSnapshot(event) {
    const sealed = await api.readSnapshot(this.device.token, event);
    const keys = await api.readKeys();
    const { store, verify } = this;
    await Guard.keepSnapshot({ store, verify, event }, sealed, keys);
    await this.#setClock(sealed.clockOffsetMs);
    return Guard.open({ store, verify, device: this.device.number, event });
  }

  async #run() {
    try {
      const untold = await this.#tell();
      if (this.guard) await this.#hear();
      if (untold) throw untold;
      [this.state, this.problem] = ["online", null];
    } catch (error) {
      const isRefused = error instanceof api.Refused && (error.status === 401 || error.status === 403);
      this.state = error instanceof api.Offline ? "offline" : isRefused ? "refused" : "troubled";
      this.problem = error instanceof api.Offline ? null : error.message;
    }
    const groups = await this.#groups();
    this.waiting = groups.reduce((sum, group) => sum + group.waiting.length, 0);
    if (groups.every((group) => group.device === this.device.number)) this.key = null;
    this.changed();
  }

  /** Scans that wait, by device and event: an earlier registration of this phone may have left some. */
  async #groups() {
    const next = new Map((await this.store.all("told")).map((row) => [`${row.device} ${row.event}`, row.next]));
    const groups = new Map();
    for (const scan of await this.store.all("scans")) {
      const name = `${scan.device} ${scan.event}`;
      if (scan.number < (next.get(name) ?? 1)) continue;
      if (!groups.has(name)) groups.set(name, { device: scan.device, event: scan.event, waiting: [] });
      groups.get(name).waiting.push(scan);
    }
    return [...groups.values()];
  }

  /** Tells all that waits; what was refused of one event is no reason to keep back the others: the first refusal, or null. */
  async #tell() {
    let untold = null;
    for (const group of await this.#groups()) {
      try {
        for (let at = 0; at < group.waiting.length; at += UPLOAD_MAX) {
          if (!(await this.#upload(group, group.waiting.slice(at, at + UPLOAD_MAX)))) break;
        }
      } catch (error) {
        if (!(error instanceof api.Refused)) throw error;
        untold ??= error;
      }
    }
    return untold;
  }

  /** The credential that tells scans of this device. */
  async #tokenOf(device) {
    if (device === this.device.number) return this.device.token;
    const earlier = (await this.store.get("things", "earlier")) ?? {};
    return this.key ?? earlier[device] ?? this.device.token;
  }

  /** Whether it was taken; else the server wants others first, and the next run brings them. */
  async #upload({ device, event }, scans) {
    const upload = { device, clock_offset_ms: this.guard?.clockOffsetMs ?? 0, scans: scans.map(told) };
    let reply;
    try {
      reply = await api.tellScans(await this.#tokenOf(device), event, upload);
    } catch (error) {
      const next = error instanceof api.Refused && error.problem.code === "scan_numbers" ? error.problem.next : null;
      // A server that was restored from an older backup wants again what it had.
      if (!next || next === scans[0].number) throw error;
      await this.store.put("told", { device, event, next });
      return false;
    }
    await this.store.write(["told", "conflicts"], (stores) => {
      stores.told.put({ device, event, next: scans.at(-1).number + 1 });
      for (const conflict of reply.conflicts) stores.conflicts.put({ device, event, ...conflict });
    });
    return true;
  }

  async #hear() {
    const { guard } = this;
    for (let more = true; more; ) {
      const sealed = await api.readChanges(this.device.token, guard.event, guard.keptSequence);
      await this.#setClock(sealed.clockOffsetMs);
      const taken = await guard.take(sealed);
      if (!taken) {
        const anew = await this.takeSnapshot(guard.event);
        // What was scanned meanwhile is the guard's own: only what it knows of the event is replaced.
        guard.renew(anew);
        return;
      }
      more = taken.more;
    }
  }

  async #setClock(offsetMs) {
    if (this.guard) this.guard.clockOffsetMs = offsetMs;
    await this.store.put("things", offsetMs, "clock");
  }
}
