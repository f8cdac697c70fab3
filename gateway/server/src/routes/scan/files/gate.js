// The gate: camera, direction, counts; each code that is read is decided once.

import { Camera, readPicture } from "./camera.js";
import { element, make } from "./dom.js";
import { Result } from "./result.js";
import { words } from "./words.js";

/** A code that was decided is decided again once it was out of sight for so long, in milliseconds. */
const GONE_MS = 1_500;
const GATE_MAX = 65_535;

/** What to say where there is no camera. */
export function cameraTrouble(error) {
  if (error.name === "NotAllowedError") return words().camera_denied;
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return words().camera_none;
  return words().camera_busy;
}

/** The view of a gate. `kept` is what it remembers: `{gate, inward}`; `keep(kept)` writes it down. */
export class Gate {
  constructor({ sync, kept, keep, openLists, update }) {
    Object.assign(this, { sync, keep, update, result: new Result(), seen: { text: null, atMs: 0 }, turn: Promise.resolve() });
    const ended = () => this.#sayCamera(words().camera_busy);
    this.camera = new Camera(element("video"), (text) => this.#read(text), ended);
    this.gate = kept.gate ?? 1;
    this.inward = kept.inward ?? true;
    element("gate").value = this.gate;
    element(this.inward ? "in" : "out").checked = true;
    this.#listen(openLists);
  }

  /** Whether it is seen: then the camera runs. */
  set isShown(isShown) {
    this.wantsCamera = isShown;
    this.#followCamera();
  }

  /** Draws what may have changed. */
  draw({ conflicts }) {
    const { sync } = this;
    const text = words();
    const label = { online: text.online, offline: text.offline, refused: text.refused_state, troubled: text.troubled };
    element("status").className = `status ${sync.state}`;
    element("status-mark").textContent = { online: "●", offline: "○", refused: "!", troubled: "!" }[sync.state];
    element("status-word").textContent = label[sync.state];
    element("status-waiting").textContent = text.waiting(sync.waiting);
    const counts = sync.guard.counts();
    for (const name of ["in", "out", "refused"]) element(`count-${name}`).textContent = counts[name];
    this.#drawBanners(conflicts);
    const gates = [...new Set(sync.guard.door.settings.lists.flatMap((list) => list.gates))].sort((a, b) => a - b);
    element("gates").replaceChildren(...gates.map((gate) => Object.assign(document.createElement("option"), { value: gate })));
  }

  #drawBanners(conflicts) {
    const { sync } = this;
    const text = words();
    const banners = [];
    const say = (kind, words, act) => {
      const banner = act ? make("button", `banner ${kind}`, words) : make("p", `banner ${kind}`, words);
      if (act) Object.assign(banner, { type: "button", onclick: act });
      banners.push(banner);
    };
    if (conflicts > 0) say("warn", text.conflicts_about(conflicts), this.openLists);
    if (sync.guard.door.isStale(sync.guard.now())) say("warn", text.stale);
    if (sync.state === "refused") say("warn", text.refused_about);
    if (sync.state === "troubled") say("warn", text.troubled_about(sync.problem));
    const waiting = this.update();
    if (waiting) say("info", text.update, waiting);
    const drawn = banners.map((banner) => banner.outerHTML).join("");
    // What did not change is not said again to those who listen.
    if (drawn !== this.drawn) element("banners").replaceChildren(...banners);
    this.drawn = drawn;
  }

  #listen(openLists) {
    this.openLists = openLists;
    element("more").onclick = openLists;
    element("status").onclick = openLists;
    element("camera-on").onclick = () => this.#followCamera();
    element("lamp").onclick = async () => {
      const isOn = element("lamp").getAttribute("aria-pressed") !== "true";
      await this.camera.setLamp(isOn).catch(() => {});
      element("lamp").setAttribute("aria-pressed", isOn);
    };
    for (const name of ["in", "out"]) {
      element(name).onchange = () => {
        this.inward = element("in").checked;
        this.seen.text = null;
        this.keep({ gate: this.gate, inward: this.inward });
      };
    }
    element("gate").onchange = () => {
      const chosen = element("gate").valueAsNumber;
      if (Number.isInteger(chosen) && chosen >= 0 && chosen <= GATE_MAX) this.gate = chosen;
      element("gate").value = this.gate;
      this.keep({ gate: this.gate, inward: this.inward });
    };
    element("picture").onchange = async () => {
      const [file] = element("picture").files;
      element("picture").value = "";
      if (file) await this.#readFile(file);
    };
    element("typed-form").onsubmit = (submit) => {
      submit.preventDefault();
      const text = element("typed").value.trim();
      element("typed").value = "";
      this.decide(text);
    };
    document.addEventListener("visibilitychange", () => this.#followCamera());
  }

  async #readFile(file) {
    element("picture-error").textContent = words().loading;
    const text = await readPicture(file).catch(() => null);
    element("picture-error").textContent = text === null ? words().no_code : "";
    if (text !== null) await this.decide(text);
  }

  async #followCamera() {
    if (!this.wantsCamera || document.hidden) return this.camera.stop();
    element("camera-off").hidden = true;
    try {
      await this.camera.start();
      element("lamp").hidden = !this.camera.hasLamp();
      element("lamp").setAttribute("aria-pressed", false);
      // The screen stays on at the gate; where it may not, staff touch it.
      await navigator.wakeLock?.request("screen").catch(() => {});
    } catch (error) {
      this.#sayCamera(cameraTrouble(error));
    }
  }

  #sayCamera(trouble) {
    element("camera-error").textContent = trouble;
    element("camera-off").hidden = false;
  }

  /** A frame: most have no code, and one that is held still is read many times. */
  #read(text) {
    const nowMs = Date.now();
    if (text === null || text === this.seen.text) {
      if (text !== null) this.seen.atMs = nowMs;
      else if (nowMs - this.seen.atMs > GONE_MS) this.seen.text = null;
      return;
    }
    if (this.isDeciding) return;
    this.seen = { text, atMs: nowMs };
    this.decide(text);
  }

  /** Decides on a text, and shows it until it is closed; what was asked before goes first. */
  decide(text) {
    this.turn = this.turn.then(() => this.#decide(text));
    return this.turn;
  }

  async #decide(text) {
    this.isDeciding = true;
    const { guard } = this.sync;
    const { gate, inward } = this;
    let shown;
    try {
      const decided = await guard.decide(text, gate, inward);
      const typeName = decided.printed && guard.door.typeName(decided.printed.ticketType);
      const overrule = async () => {
        await guard.overrule(decided);
        this.sync.run();
      };
      shown = this.result.show(decided, { inward, typeName, overrule });
      if (decided.scan) this.sync.run();
    } catch (error) {
      shown = this.result.showTrouble(error.message);
    }
    await shown;
    this.isDeciding = false;
  }
}
