// The scanner page in Chromium: a phone whose network is cut, and whose camera shows tickets.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import encodeQR from "../../gateway/server/src/routes/scan/vendor/qr/index.js";
import { ask, buy, openSale, revoke } from "./sale.js";

const { TESSERA_URL: BASE, TESSERA_FOLDER: FOLDER, TESSERA_SCREENSHOTS: SCREENSHOTS, TESSERA_PLAYWRIGHT } = process.env;
const { chromium } = createRequire(import.meta.url)(TESSERA_PLAYWRIGHT);

/** Frames of the fake camera, which shows 30 a second: so many with a code, and so many without after each. */
const SHOWN = 90;
const BLANK = 75;
const executablePath = "/usr/bin/chromium";
const phone = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

let sale, standing, vip, artist;
const browsers = [];

/** A browser with a camera that shows these frames. */
async function launch(frames) {
  const video = `${FOLDER}/camera-${browsers.length}.mjpeg`;
  writeFileSync(video, Buffer.concat(frames));
  const camera = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${video}`];
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", ...camera] });
  browsers.push(browser);
  return browser;
}

/** A picture of a code, as the bytes of an image of this type, `side` pixels wide on a ground of 640 by 480. */
async function draw(page, text, type, side) {
  const modules = text && encodeQR(text, "raw", { ecc: "medium", border: 4 });
  const url = await page.evaluate(
    ([modules, type, side]) => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
      const context = canvas.getContext("2d");
      context.fillStyle = "#d8d4cc";
      context.fillRect(0, 0, 640, 480);
      const [left, top, module] = [(640 - side) / 2, (480 - side) / 2, modules ? side / modules.length : 0];
      for (const [row, line] of (modules || []).entries()) {
        for (const [column, dark] of line.entries()) {
          context.fillStyle = dark ? "#161616" : "#f4f4f4";
          context.fillRect(left + column * module, top + row * module, module + 0.5, module + 0.5);
        }
      }
      return canvas.toDataURL(type, 0.85);
    },
    [modules, type, side],
  );
  return Buffer.from(url.split(",")[1], "base64");
}

/** The ticket with a bit of its signature turned. */
function forge(text) {
  const at = 100;
  return text.slice(0, at) + (text[at] === "0" ? "1" : "0") + text.slice(at + 1);
}

before(async () => {
  sale = await openSale();
  standing = await buy(sale, "Standing", 4);
  vip = await buy(sale, "VIP", 1);
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  browsers.push(browser);
  artist = await browser.newPage();
});

after(() => Promise.all(browsers.map((browser) => browser.close())));

/** A phone with the page. */
async function open(browser, screenshots, locale) {
  const context = await browser.newContext({ ...phone, locale, permissions: ["camera"] });
  const page = await context.newPage();
  page.on("pageerror", (error) => assert.fail(error));
  page.on("console", (message) => {
    // Browsers write down what they could not fetch: what is cut, and what a revoked phone asks for.
    const isMeant = /ERR_INTERNET_DISCONNECTED|status of 401/.test(message.text());
    if (message.type() === "error" && !isMeant) assert.fail(message.text());
  });
  page.on("request", (request) => assert.ok(request.url().startsWith(BASE) || request.url().startsWith("data:"), request.url()));
  await page.goto(`${BASE}/scan`);
  await page.waitForSelector("#setup:not([hidden])");
  await page.screenshot({ path: `${SCREENSHOTS}/${screenshots}-1-setup.png` });
  return { context, page };
}

/** A phone with the page, registered; its camera is not allowed. */
async function register(browser, name, screenshots, locale) {
  const { context, page } = await open(browser, screenshots, locale);
  // Until the test says so: nothing is scanned before the network is cut.
  await context.addInitScript(() => {
    if (localStorage.getItem("camera")) return;
    navigator.mediaDevices.getUserMedia = async () => Promise.reject(new DOMException("denied", "NotAllowedError"));
  });
  await page.reload();
  await page.waitForSelector("#setup:not([hidden])");
  await page.fill("#key", sale.key);
  await page.fill("#device-name", name);
  await page.click("#register button[type=submit]");
  await page.waitForSelector("#gate-view:not([hidden])");
  // Its files are kept. Whether this load of the page is the worker's already, is chance; the next one is.
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
  return { context, page };
}

/** The result that is shown: `[word, title, detail]`. */
async function result(page) {
  await page.waitForSelector("#result[open]");
  return page.evaluate(() => ["word", "title", "detail"].map((part) => document.getElementById(`result-${part}`).textContent));
}

/** Closes the result; what waits for its turn may open it at once. */
async function next(page) {
  await page.evaluate(() => {
    const dialog = document.getElementById("result");
    if (!dialog.open) return;
    const closed = new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    document.getElementById("result-next").click();
    return closed;
  });
}

/** Chooses a picture of a ticket: the result. The camera may have shown one before: those go first. */
async function choosePicture(page, picture, title) {
  await page.setInputFiles("#picture", { name: "ticket.png", mimeType: "image/png", buffer: picture });
  for (;;) {
    const shown = await result(page);
    if (shown[1] === title) return shown;
    await next(page);
  }
}

const until = async (what) => {
  for (;;) {
    const found = await what();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
const waits = (page, said) => page.waitForFunction((said) => document.getElementById("status-waiting").textContent === said, said);

test("a phone admits offline, refuses twice and forged, and tells all of it later", { timeout: 120_000 }, async () => {
  const blank = await draw(artist, null, "image/jpeg", 0);
  const show = async (text) => [...Array(SHOWN).fill(await draw(artist, text, "image/jpeg", 300)), ...Array(BLANK).fill(blank)];
  const browser = await launch([...(await show(standing.tickets[0].text)), ...(await show(forge(standing.tickets[1].text)))]);
  const { context, page } = await register(browser, "North gate 1", "north", "en-GB");
  await waits(page, "all told");
  await page.waitForSelector("#camera-off:not([hidden])");
  assert.match(await page.textContent("#camera-error"), /^The camera is not allowed/);
  await page.screenshot({ path: `${SCREENSHOTS}/north-2-no-camera.png` });
  await page.evaluate(() => localStorage.setItem("camera", "allowed"));
  await context.setOffline(true);
  await page.reload();
  await page.waitForSelector("#gate-view:not([hidden])");
  assert.equal(await page.textContent("#event-name"), "Nacht der Chöre");
  await page.waitForSelector("#status.offline");
  await page.waitForFunction(() => document.getElementById("video").videoWidth > 0);

  const seen = { good: [], bad: [] };
  while (seen.good.length < 1 || !seen.bad.includes("Already in") || !seen.bad.includes("Forged")) {
    const [word, title, detail] = await result(page);
    const kind = word === "Let in" ? "good" : "bad";
    if (!seen[kind].includes(title)) await page.screenshot({ path: `${SCREENSHOTS}/north-3-${title.replaceAll(" ", "-")}.png` });
    if (title === "Already in") assert.match(detail, /^Since \d\d:\d\d, gate 1\.$/);
    assert.ok(kind === "good" || seen.good.length > 0 || title === "Forged", "the first time it is let in");
    seen[kind].push(title);
    await next(page);
  }
  assert.deepEqual(seen.good, ["Standing"], "once");
  await page.screenshot({ path: `${SCREENSHOTS}/north-4-gate.png` });

  assert.deepEqual((await choosePicture(page, standing.tickets[2].picture, "Standing"))[0], "Let in");
  await next(page);
  const wrong = await choosePicture(page, vip.tickets[0].picture, "Not here");
  assert.deepEqual(wrong, ["Stop", "Not here", "The right gates: 3."]);
  page.once("dialog", (dialog) => dialog.accept());
  await page.click("#result-overrule");
  await page.waitForFunction(() => document.getElementById("count-in").textContent === "3");
  assert.match(await page.textContent("#status-waiting"), /^\d+ waiting$/);

  // Meanwhile another door, which is online, lets the third ticket in, and the fourth is refunded.
  const { id, text } = standing.tickets[2];
  await ask("POST", `${sale.path}/check-ins`, sale.key, { scan: text, gate: 2 });
  await ask("POST", `${sale.path}/orders/${standing.order}/refunds`, sale.key, { tickets: [standing.tickets[3].id], units: "restock" });

  await page.reload();
  await page.waitForSelector("#gate-view:not([hidden])");
  assert.equal(await page.textContent("#count-in"), "3", "it is kept");
  await context.setOffline(false);
  await page.waitForSelector("#status.online");
  await waits(page, "all told");
  await page.waitForSelector("#banners .banner");

  const conflicts = await until(async () => {
    const { items } = await ask("GET", `${sale.path}/entry/conflicts`, sale.key);
    return items.length >= 2 && items;
  });
  const kinds = conflicts.map((conflict) => [conflict.ticket, conflict.kind, conflict.standing]).sort();
  const expected = [[id, "double_admission", "open"], [vip.tickets[0].id, "wrong_gate", "open"]];
  assert.deepEqual(kinds, expected.sort());
  const { items } = await ask("GET", `${sale.path}/entry/statistics`, sale.key);
  const sum = (name) => items.filter((one) => one.gate === 1).reduce((sum, one) => sum + one[name], 0);
  assert.equal(sum("in"), 3);
  assert.ok(sum("refused") >= 2, "the second time, and the wrong gate");

  assert.equal((await choosePicture(page, standing.tickets[3].picture, "Refunded"))[0], "Stop");
  await next(page);
  await page.evaluate(() => document.getElementById("more").click());
  await page.waitForSelector("#lists:not([hidden])");
  await page.screenshot({ path: `${SCREENSHOTS}/north-5-lists.png`, fullPage: true });
  await context.close();
});

test("it speaks German, and fits a narrow phone", { timeout: 60_000 }, async () => {
  const { context, page } = await register(browsers[0], "Südtor", "south", "de-DE");
  const fits = async () => {
    for (const width of [360, 320]) {
      await page.setViewportSize({ width, height: 640 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${wide} pixels on ${width}`);
    }
    await page.setViewportSize(phone.viewport);
  };
  await fits();
  await page.screenshot({ path: `${SCREENSHOTS}/south-2-gate.png` });
  assert.equal(await page.evaluate(() => document.documentElement.lang), "de");
  const forged = await draw(artist, forge(vip.tickets[0].text), "image/png", 300);
  assert.deepEqual(await choosePicture(page, forged, "Gefälscht"), ["Stopp", "Gefälscht", "Die Unterschrift ist nicht echt."]);
  await fits();
  await page.screenshot({ path: `${SCREENSHOTS}/south-3-forged.png` });
  await next(page);
  await page.evaluate(() => document.getElementById("more").click());
  await page.waitForSelector("#lists:not([hidden])");
  await fits();
  const nameless = await page.$$eval("button, input, a", (all) => {
    const isNamed = (one) => one.textContent.trim() || one.labels?.length || one.ariaLabel;
    return all.filter((one) => !one.hidden && !isNamed(one)).map((one) => one.id);
  });
  assert.deepEqual(nameless.filter((id) => id !== "result-overrule" && id !== "camera-on"), [], "everything has a name");
  await page.evaluate(() => document.getElementById("change-event").click());
  await page.waitForSelector("#choose:not([hidden])");
  await fits();
  await page.screenshot({ path: `${SCREENSHOTS}/south-4-choose.png` });
  await page.click("#events button");
  await page.waitForSelector("#gate-view:not([hidden])");
  await context.close();
});

test("a key is scanned; a phone that is revoked goes on, and tells all once it is registered again", { timeout: 60_000 }, async () => {
  const code = await draw(artist, `${sale.key} ${sale.event}`, "image/jpeg", 300);
  const { context, page } = await open(await launch([code, code]), "east", "en-GB");
  await page.click("#key-scan");
  await page.waitForFunction((key) => document.getElementById("key").value === key, sale.key);
  await page.fill("#device-name", "East gate");
  await page.click("#register button[type=submit]");
  await page.waitForSelector("#gate-view:not([hidden])");
  // Its camera still shows the key, which is no ticket.
  assert.deepEqual((await result(page)).slice(0, 2), ["Stop", "No ticket"]);
  await next(page);

  await revoke("East gate");
  assert.equal((await choosePicture(page, standing.tickets[1].picture, "Standing"))[0], "Let in");
  await page.waitForSelector("#status.refused");
  await waits(page, "1 waiting");
  await page.screenshot({ path: `${SCREENSHOTS}/east-2-revoked.png` });
  await next(page);
  await page.evaluate(() => document.getElementById("register-again").click());
  await page.waitForSelector("#setup:not([hidden])");
  await page.fill("#key", sale.key);
  await page.fill("#device-name", "East gate again");
  await page.click("#register button[type=submit]");
  await page.waitForSelector("#status.online");
  await waits(page, "all told");
  assert.equal((await choosePicture(page, standing.tickets[1].picture, "Already in"))[0], "Stop");
  await context.close();
});
