// An event with tickets, in a running server.

import { randomUUID } from "node:crypto";

const { TESSERA_URL: BASE, TESSERA_ADMIN_TOKEN: ADMINISTRATOR } = process.env;
const SCOPES = ["events:write", "events:read", "orders:write", "check-ins:write", "buyer-tokens:write"];
const VENUE = {
  currency: "EUR",
  pools: [{ name: "Floor", capacity: 1_000 }],
  ticket_types: [
    { name: "Standing", price: 0, per_order_max: 6, draws_on: ["Floor"] },
    { name: "VIP", price: 0, per_order_max: 6, draws_on: ["Floor"] },
  ],
  entry: [
    { name: "Floor", gates: [1, 2], ticket_types: ["Standing"], re_entry: true },
    { name: "Lounge", gates: [3], ticket_types: ["VIP"], re_entry: false },
  ],
};

/** The reply to a request, which must be accepted; JSON, or bytes where `asBytes`. */
export async function ask(method, path, token, body, asBytes = false) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", "idempotency-key": randomUUID() };
  const response = await fetch(BASE + path, { method, headers, body: body && JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return asBytes ? Buffer.from(await response.arrayBuffer()) : response.json();
}

/** An event on sale, and a key with every right that is needed. */
export async function openSale() {
  const { secret: key } = await ask("POST", "/v1/api-keys", ADMINISTRATOR, { name: "browser", scopes: SCOPES });
  const event = { name: "Nacht der Chöre", starts_at: "2030-01-01T20:00:00Z", zone: "Europe/Berlin", configuration: VENUE };
  const { id } = await ask("POST", "/v1/events", key, event);
  await ask("POST", `/v1/events/${id}/phase-changes`, key, { to: "on_sale" });
  return { key, event: id, path: `/v1/events/${id}` };
}

/** Paid tickets of a type: `{order, tickets: [{id, text, picture}]}`; the picture is the PNG of the QR. */
export async function buy({ key, path }, ticketType, quantity) {
  const { tokens } = await ask("POST", "/v1/buyer-tokens", key, {});
  const lines = [{ ticket_type: ticketType, quantity }];
  const hold = await ask("POST", `${path}/holds`, tokens[0], { lines });
  const order = await ask("POST", `${path}/orders`, tokens[0], { hold: hold.id });
  const paid = await ask("POST", `${path}/orders/${order.id}/confirm`, tokens[0], { payment: "free" });
  const shown = paid.tickets.map(async ({ id }) => {
    const { qr: text } = await ask("GET", `${path}/tickets/${id}`, tokens[0]);
    return { id, text, picture: await ask("GET", `${path}/tickets/${id}/qr.png`, tokens[0], undefined, true) };
  });
  return { order: order.id, tickets: await Promise.all(shown) };
}

/** Revokes the key of this name, as the administrator. */
export async function revoke(name) {
  const { items } = await ask("GET", "/v1/api-keys", ADMINISTRATOR);
  const headers = { authorization: `Bearer ${ADMINISTRATOR}` };
  const { id } = items.find((key) => key.name === name);
  const response = await fetch(`${BASE}/v1/api-keys/${id}`, { method: "DELETE", headers });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}
