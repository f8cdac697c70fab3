// The scanner page: begins, and puts its parts together. docs/entry.md says how staff use it.

import * as api from "./api.js";
import { element, show } from "./dom.js";
import { verifier } from "./ed25519.js";
import { Gate } from "./gate.js";
import { Guard } from "./guard.js";
import { Lists } from "./lists.js";
import { choose, register } from "./setup.js";
import { allowSound } from "./signal.js";
import { Store } from "./store.js";
import { Sync } from "./sync.js";
import { currentLanguage, setLanguage, words } from "./words.js";

/** Ends the page with a sentence. */
function notice(word) {
  element("notice-text").dataset.word = word;
  element("notice-text").textContent = words()[word];
  show("notice");
}

/** Whether this window is the only one: two would number scans alike. */
function isAlone() {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    navigator.locks.request("tessera-scan", { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      // Held for as long as the window is open.
      return lock && new Promise(() => {});
    });
  });
}

/** Keeps the page's files on the phone: a function that is null, or changes to a newer version that waits. */
async function install(changed) {
  if (!navigator.serviceWorker) return () => null;
  const registration = await navigator.serviceWorker.register("/scan/files/worker.js", { scope: "/scan" });
  let isAsked = false;
  navigator.serviceWorker.addEventListener("controllerchange", () => isAsked && location.reload());
  registration.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", changed));
  return () => {
    const { waiting } = registration;
    if (!waiting || !navigator.serviceWorker.controller) return null;
    return () => {
      isAsked = true;
      waiting.postMessage("activate");
    };
  };
}

/** What is between two starts. */
class App {
  constructor(store, verify) {
    Object.assign(this, { store, verify, update: () => null, gate: null, lists: null, listsOpen: false });
  }

  async begin() {
    const known = await this.store.get("things", "device");
    const { device, key } = known ? { device: known, key: null } : await this.#register();
    this.sync = new Sync({ store: this.store, verify: this.verify, device, key, changed: () => this.changed() });
    const at = await this.store.get("things", "at");
    const { store, verify } = this;
    this.sync.guard = at?.event ? await Guard.open({ store, verify, device: device.number, event: at.event }) : null;
    if (!this.sync.guard) await this.#choose(at ?? {});
    this.#open((await this.store.get("things", "at")) ?? {});
    await this.sync.start();
  }

  async #register() {
    const { key, device, events, event } = await register();
    await this.store.put("things", device, "device");
    await this.store.put("things", events, "events");
    if (event) await this.store.put("things", { event }, "at");
    // A browser that may throw away what a page keeps is asked not to.
    await navigator.storage?.persist?.();
    return { device, key };
  }

  /** Has an event chosen, where none is named and there are several, or staff `wantChoice`. */
  async #choose({ event: named, wantChoice }) {
    const events = (await this.store.get("things", "events")) ?? [];
    const take = async (event) => {
      const guard = await this.sync.takeSnapshot(event);
      const listed = events.find((one) => one.id === event);
      const { name } = listed ?? (await api.readEvent(this.sync.device.token, event).catch(() => ({ name: event })));
      await this.store.put("things", { event, name }, "at");
      return guard;
    };
    const wanted = named ?? (events.length === 1 && !wantChoice ? events[0].id : null);
    this.sync.guard = (wanted && (await take(wanted).catch(() => null))) || (await choose(events, take));
  }

  async #keepAt(change) {
    await this.store.put("things", { ...(await this.store.get("things", "at")), ...change }, "at");
  }

  #open(at) {
    element("event-name").textContent = at.name ?? "";
    const openLists = () => {
      this.listsOpen = true;
      this.gate.isShown = false;
      this.lists.open();
    };
    const close = () => {
      this.listsOpen = false;
      show("gate-view");
      this.gate.isShown = true;
      this.changed();
    };
    const keep = (kept) => this.#keepAt(kept);
    this.gate = new Gate({ sync: this.sync, kept: at, keep, openLists, update: () => this.update() });
    const act = {
      close,
      changeEvent: () => this.#leave(({ things }) => things.put({ wantChoice: true }, "at")),
      registerAgain: () => this.#registerAgain(),
      forget: async () => {
        await this.store.clear();
        location.reload();
      },
    };
    this.lists = new Lists({ sync: this.sync, store: this.store, act });
    close();
  }

  /** Forgets the registration; its token stays for the scans that it has yet to tell. */
  async #registerAgain() {
    const { number, token } = this.sync.device;
    const earlier = { ...(await this.store.get("things", "earlier")), [number]: token };
    await this.#leave(({ things }) => {
      things.put(earlier, "earlier");
      things.delete("device");
    });
  }

  /** Forgets something, and begins anew; scans stay. Not where there is no network: the gate goes on, which could not begin. */
  async #leave(forget) {
    if (this.sync.state === "offline") return alert(words().need_network);
    await this.store.write(["things"], forget);
    location.reload();
  }

  /** Draws what may have changed. */
  async changed() {
    if (!this.gate) return;
    const conflicts = await this.store.all("conflicts");
    const open = conflicts.filter((one) => one.event === this.sync.guard.event && !one.seen).length;
    this.gate.draw({ conflicts: open });
    if (this.listsOpen) await this.lists.draw();
  }
}

async function main() {
  setLanguage(localStorage.getItem("tessera-scan-language"));
  if (!isSecureContext || !globalThis.indexedDB) return notice("insecure");
  if (!(await isAlone())) return notice("elsewhere");
  document.addEventListener("pointerdown", allowSound);
  document.addEventListener("keydown", allowSound);
  const app = new App(await Store.open(), await verifier());
  for (const button of document.querySelectorAll('[data-action="language"]')) {
    button.onclick = () => {
      const other = currentLanguage() === "de" ? "en" : "de";
      localStorage.setItem("tessera-scan-language", other);
      setLanguage(other);
      app.changed();
    };
  }
  install(() => app.changed()).then(
    (update) => (app.update = update),
    // Without it the page needs a network to open; what is open goes on.
    (error) => console.warn("the page's files are not kept", error),
  );
  await app.begin();
}

main().catch((error) => {
  notice("failed");
  throw error;
});
