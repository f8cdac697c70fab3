// Full screen: whether somebody may pass. A colour, a sign, a word and a sound say the same.

import { element } from "./dom.js";
import * as signal from "./signal.js";
import { clockTime, words } from "./words.js";

/** How long an admission stands, in milliseconds; it goes earlier when it is touched. A refusal stays until then. */
const GOOD_MS = 1_800;

/** Why, in a word and a sentence. */
export function reason(decided) {
  const { why, since, gates } = words();
  const [title, detail] = why[decided.why];
  if (decided.why === "in") return [title, since(clockTime(decided.sinceMs), decided.gate)];
  if (decided.why === "not_here") return [title, gates(decided.gates)];
  return [title, detail];
}

function fill({ isGood, word, title, detail, ticket, note }) {
  const dialog = element("result");
  dialog.className = isGood ? "good" : "bad";
  element("result-mark").textContent = isGood ? "✓" : "✕";
  element("result-word").textContent = word;
  for (const [name, text] of Object.entries({ title, detail, ticket, note })) {
    element(`result-${name}`).textContent = text ?? "";
    element(`result-${name}`).hidden = !text;
  }
}

/** Shows decisions one at a time. */
export class Result {
  constructor() {
    this.dialog = element("result");
    this.dialog.addEventListener("close", () => {
      clearTimeout(this.timer);
      this.closed?.();
    });
    element("result-next").onclick = () => this.dialog.close();
    this.dialog.onclick = (click) => {
      if (this.isGood && click.target.tagName !== "BUTTON") this.dialog.close();
    };
  }

  /** Shows a decision until it is closed. `overrule()` writes down that staff let the holder pass all the same. */
  show(decided, { inward, typeName, overrule }) {
    const { printed } = decided;
    const text = words();
    const [title, detail] = decided.admitted ? [typeName, null] : reason(decided);
    const number = printed && text.ticket_is(printed.order, printed.index + 1);
    // Of who may pass the type is said large.
    const ticket = number && !decided.admitted ? `${typeName} · ${number}` : number;
    const note = decided.isStale ? text.stale : null;
    const word = decided.admitted ? (inward ? text.ok_in : text.ok_out) : text.stop;
    this.isGood = decided.admitted;
    fill({ isGood: decided.admitted, word, title, detail, ticket, note });
    // What is forged is nobody's to let in, and a ticket that is no ticket has no scan.
    const button = element("result-overrule");
    button.hidden = !decided.scan || decided.admitted;
    button.textContent = inward ? text.overrule : text.overrule_out;
    button.onclick = async () => {
      if (!confirm(inward ? text.overrule_sure : text.overrule_sure_out)) return;
      await overrule();
      this.dialog.close();
    };
    return this.#open(decided.admitted);
  }

  /** Shows that the phone could not write a scan down: then nobody passes by it. */
  showTrouble(detail) {
    this.isGood = false;
    element("result-overrule").hidden = true;
    fill({ isGood: false, word: words().stop, title: words().not_written, detail });
    return this.#open(false);
  }

  #open(isGood) {
    if (!this.dialog.open) this.dialog.showModal();
    element("result-next").focus();
    if (isGood) signal.good();
    else signal.bad();
    clearTimeout(this.timer);
    if (isGood) this.timer = setTimeout(() => this.dialog.close(), GOOD_MS);
    return new Promise((resolve) => (this.closed = resolve));
  }
}
