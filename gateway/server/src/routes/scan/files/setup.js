// Registers the phone, and chooses the event.

import * as api from "./api.js";
import { Camera } from "./camera.js";
import { cameraTrouble } from "./gate.js";
import { busy, element, make, show } from "./dom.js";
import { NotGenuine } from "./guard.js";
import { eventOf } from "./ticket.js";
import { dayAndTime, words } from "./words.js";

/** How keys of organizers begin. */
const KEY_PREFIX = "tsk_";

/** What to say of an error. */
export function trouble(error) {
  if (error instanceof api.Offline) return words().need_network;
  if (error instanceof NotGenuine) return words().not_genuine;
  return error.message;
}

/** Asks for a key, and registers the phone: `{key, device, events, event}`; `event` where the scanned key named one. */
export function register() {
  show("setup");
  const form = element("register");
  let scannedEvent = null;
  const camera = new Camera(element("key-video"), (text) => {
    // A key, and perhaps an event after it.
    const [key, event] = (text ?? "").trim().split(/\s+/);
    if (!key.startsWith(KEY_PREFIX)) return;
    element("key").value = key;
    scannedEvent = event && eventOf(event) ? event : null;
    look(false);
    element("device-name").focus();
  });
  const look = async (isOn) => {
    element("key-view").hidden = !isOn;
    element("key-scan").dataset.word = isOn ? "key_stop" : "key_scan";
    element("key-scan").textContent = words()[element("key-scan").dataset.word];
    if (!isOn) return camera.stop();
    try {
      await camera.start();
    } catch (error) {
      look(false);
      element("setup-error").textContent = cameraTrouble(error);
    }
  };
  element("key-scan").onclick = () => look(element("key-view").hidden);
  return new Promise((resolve) => {
    form.onsubmit = (submit) => {
      submit.preventDefault();
      element("setup-error").textContent = "";
      busy(form, async () => {
        const [key, name] = [element("key").value.trim(), element("device-name").value.trim()];
        const { number, token } = await api.registerDevice(key, name);
        // A key of the door alone may not list events: then the event is named.
        const events = await api.listEvents(key).catch(() => []);
        look(false);
        element("key").value = "";
        resolve({ key, device: { number, token, name }, events, event: scannedEvent });
      }).catch((error) => (element("setup-error").textContent = trouble(error)));
    };
  });
}

/** Has an event chosen, and `take`n: what `take(event)` returns. */
export function choose(events, take) {
  show("choose");
  const list = element("events");
  return new Promise((resolve) => {
    const go = async (event) => {
      element("choose-error").textContent = words().loading;
      try {
        const taken = await busy(element("choose"), () => take(event));
        element("choose-error").textContent = "";
        resolve(taken);
      } catch (error) {
        element("choose-error").textContent = trouble(error);
      }
    };
    // The nearest to now first.
    const away = (event) => Math.abs(Date.parse(event.starts_at) - Date.now());
    const nearest = [...events].sort((a, b) => away(a) - away(b));
    list.replaceChildren(
      ...nearest.map((event) => {
        const button = make("button", "secondary", make("strong", "", event.name));
        button.append(make("small", "", dayAndTime(Date.parse(event.starts_at))));
        button.type = "button";
        button.onclick = () => go(event.id);
        return make("li", "", button);
      }),
    );
    element("choose-id").onsubmit = (submit) => {
      submit.preventDefault();
      const event = element("event-id").value.trim();
      if (eventOf(event)) go(event);
      else element("choose-error").textContent = words().event_bad;
    };
  });
}
