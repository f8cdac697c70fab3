// The server's routes that a door needs; docs/tickets.md describes them.

/** How long an answer may take, in milliseconds. */
const PATIENCE_MS = 15_000;

/** What the server refused; `status` and the fields of its problem document (`code`, `detail`, …). */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.status = status;
    this.problem = problem;
  }
}

/** Thrown where there is no network, or no answer. */
export class Offline extends Error {}

const bytes = (base64) => Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));

async function ask(token, path, body) {
  const headers = { accept: "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  if (body) headers["content-type"] = "application/json";
  if (body) headers["idempotency-key"] = crypto.randomUUID();
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PATIENCE_MS);
  let response;
  let text;
  try {
    const method = body ? "POST" : "GET";
    const options = { method, headers, cache: "no-store", credentials: "omit", signal: abort.signal };
    response = await fetch(path, body ? { ...options, body: JSON.stringify(body) } : options);
    text = await response.text();
  } catch (error) {
    throw new Offline(error.message);
  } finally {
    clearTimeout(timer);
  }
  let json = {};
  try {
    json = JSON.parse(text);
  } catch {
    // A proxy's page, or that of a network that wants one to log in.
    if (response.ok) throw new Offline("the answer is not the server's");
  }
  if (!response.ok) throw new Refused(response.status, json);
  return json;
}

/** Registers this phone: `{id, number, name, token}`. */
export const registerDevice = (key, name) => ask(key, "/v1/entry-devices", { name });

/** Every event of the organizer, `[{id, name, starts_at, zone}]`. */
export async function listEvents(key) {
  const all = [];
  let cursor = "";
  do {
    const page = await ask(key, `/v1/events?limit=100${cursor}`);
    all.push(...page.items);
    cursor = page.next && `&cursor=${encodeURIComponent(page.next)}`;
  } while (cursor);
  return all;
}

/** An event: `{id, name, starts_at, zone, …}`. */
export const readEvent = (token, event) => ask(token, `/v1/events/${encodeURIComponent(event)}`);

/** The keys of tickets, `[{publicKey, revoked}]`. */
export async function readKeys() {
  const { keys } = await ask(null, "/.well-known/tessera-ticket-keys");
  return keys.map((key) => ({ publicKey: bytes(key.public_key), revoked: key.revoked_at !== null && key.revoked_at !== undefined }));
}

async function sealed(token, path) {
  const sentAt = Date.now();
  const reply = await ask(token, path);
  const receivedAt = Date.now();
  return {
    key: reply.key,
    bytes: bytes(reply.bytes),
    signature: bytes(reply.signature),
    // How far this clock is ahead: NTP's formula over one exchange, where the server takes no time.
    clockOffsetMs: Math.round((sentAt + receivedAt) / 2 - Date.parse(reply.made_at)),
  };
}

/** What a device goes offline with: `{key, bytes, signature, clockOffsetMs}`. */
export const readSnapshot = (token, event) => sealed(token, `/v1/events/${event}/entry/snapshot`);

/** What has changed after a sequence. */
export const readChanges = (token, event, after) => sealed(token, `/v1/events/${event}/entry/changes?after=${after}`);

/** Tells scans: `{next, scans, conflicts}`. */
export const tellScans = (token, event, upload) => ask(token, `/v1/events/${event}/scans`, upload);
