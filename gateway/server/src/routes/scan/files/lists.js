// What happened here, and what the phone is.

import { element, make, show } from "./dom.js";
import { clockTime, dayAndTime, words } from "./words.js";

/** So many of the last scans are shown. */
const SHOWN_MAX = 50;

function scanItem(scan, typeName) {
  const text = words();
  const mark = make("span", `small-mark ${scan.admitted ? "good" : "bad"}`, scan.admitted ? "✓" : "✕");
  mark.ariaHidden = "true";
  const what = scan.admitted ? (scan.inward ? text.ok_in : text.ok_out) : text.stop;
  const why = scan.why ? ` · ${text.why[scan.why][0]}` : "";
  const detail = `${clockTime(scan.atMs)} · ${text.gate} ${scan.gate} · ${typeName} · ${text.ticket_is(scan.order, scan.index + 1)}`;
  return make("li", "", mark, make("div", "", make("strong", "", `${what}${why}`), make("small", "", detail)));
}

function conflictItem(conflict, scan) {
  const text = words();
  const parts = [];
  if (scan) parts.push(`${clockTime(scan.atMs)} · ${text.gate} ${scan.gate} · ${text.ticket_is(scan.order, scan.index + 1)}`);
  const { other } = conflict;
  if (other) parts.push(text.other_side(clockTime(Date.parse(other.at)), other.gate, other.device));
  const mark = make("span", "small-mark warn", "!");
  mark.ariaHidden = "true";
  const kind = make("strong", "", text.conflict[conflict.kind] ?? conflict.kind);
  return make("li", "", mark, make("div", "", kind, make("small", "", parts.join(" – "))));
}

/** The view. `act` has `close`, `changeEvent`, `registerAgain`, `forget`. */
export class Lists {
  constructor({ sync, store, act }) {
    Object.assign(this, { sync, store });
    element("lists-close").onclick = act.close;
    element("change-event").onclick = act.changeEvent;
    element("register-again").onclick = act.registerAgain;
    element("forget").onclick = () => {
      if (confirm(words().forget_sure(sync.waiting))) act.forget();
    };
  }

  /** Opens it. */
  async open() {
    show("lists");
    await this.draw();
    element("lists-close").focus();
  }

  /** Draws what may have changed. */
  async draw() {
    const { sync, store } = this;
    const { guard, device } = sync;
    const text = words();
    const none = (said) => [make("li", "hint", said)];
    const last = guard.scans.slice(-SHOWN_MAX).reverse();
    const scans = last.map((scan) => scanItem(scan, guard.door.typeName(scan.ticketType)));
    element("scans").replaceChildren(...(scans.length ? scans : none(text.none_yet)));
    const conflicts = (await store.all("conflicts")).filter((one) => one.event === guard.event);
    const items = conflicts.reverse().map((conflict) => {
      const ofScan = (scan) => scan.device === conflict.device && scan.number === conflict.number;
      const item = conflictItem(conflict, guard.scans.find(ofScan));
      if (!conflict.seen) item.append(this.#seenButton(conflict));
      return item;
    });
    element("conflicts").replaceChildren(...(items.length ? items : none(text.conflicts_none)));
    element("device-is").textContent = text.device_is(device.name, device.number);
    element("heard").textContent = dayAndTime(guard.door.heardAtMs);
    element("clock").textContent = `${(guard.clockOffsetMs / 1000).toFixed(1)} s`;
  }

  #seenButton(conflict) {
    const button = make("button", "secondary", words().conflict_seen);
    button.type = "button";
    button.onclick = async () => {
      await this.store.put("conflicts", { ...conflict, seen: true });
      this.sync.changed();
    };
    return button;
  }
}
