// The scanner page decides as engine/tickets does: by the vectors that it wrote.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { webcrypto } from "node:crypto";
import { test } from "node:test";

globalThis.crypto ??= webcrypto;

const page = "../../gateway/server/src/routes/scan/files/";
const { Door } = await import(`${page}door.js`);
const { isGenuine, readChanges, readSnapshot, Unreadable } = await import(`${page}entry.js`);
const { native, vendored } = await import(`${page}ed25519.js`);
const { base45, hex, unhex } = await import(`${page}ticket.js`);

const vectors = JSON.parse(readFileSync(new URL("../../engine/tickets/golden/door.json", import.meta.url)));
const unseal = ({ key, bytes, signature }) => ({ key, bytes: unhex(bytes), signature: unhex(signature) });
const verifiers = { native: await native(), vendored: await vendored() };

/** A decision in the words of the vectors. */
function words(decided) {
  if (decided.admitted) {
    const { order, index, generation, ticketType, validUntilH } = decided.printed;
    const fresh = decided.isStale ? "stale" : "fresh";
    return `admitted ${fresh} ${order}/${index}/${generation}/${ticketType}/${validUntilH}`;
  }
  if (decided.why === "not_here") return `not_here [${decided.gates.join(", ")}]`;
  if (decided.why === "in") return `in ${decided.sinceMs} ${decided.gate}`;
  return decided.why;
}

for (const [name, verify] of Object.entries(verifiers)) {
  test(`every vector is decided as by engine/tickets (signatures: ${name})`, async () => {
    assert.ok(verify, `no verifier: ${name}`);
    for (const [at, { snapshot, steps }] of vectors.cases.entries()) {
      const door = await Door.open(await readSnapshot(unhex(snapshot.bytes)), verify);
      assert.ok(await isGenuine(unseal(snapshot), door.settings.keys, verify));
      for (const step of steps) {
        if (step.take) {
          assert.ok(await isGenuine(unseal(step.take), door.settings.keys, verify));
          assert.equal(door.take(readChanges(unhex(step.take.bytes))), step.expect, `case ${at}`);
          assert.equal(door.sequence, step.sequence);
          continue;
        }
        const decided = await door.decide(step.text, step.gate, step.inward, step.nowMs);
        assert.equal(words(decided), step.expect, `case ${at}, step ${step.number}`);
        if (step.passes) {
          const { number, gate, inward, nowMs: atMs } = step;
          door.passed(decided.printed, { atMs, device: 7, number, gate, inward });
        }
      }
    }
  });

  test(`signatures of snapshots are believed as by engine/tickets (${name})`, async () => {
    for (const { sealed, publicKey, revoked, expect } of vectors.seals) {
      assert.equal(await isGenuine(unseal(sealed), [{ publicKey: unhex(publicKey), revoked }], verify), expect);
    }
  });
}

test("what is no snapshot is not read as one", async () => {
  for (const bytes of vectors.unreadable) await assert.rejects(readSnapshot(unhex(bytes)), Unreadable, bytes);
  for (const bytes of vectors.readable) await readSnapshot(unhex(bytes));
  assert.throws(() => readChanges(unhex(vectors.readable[0])), Unreadable);
});

test("base45 is that of RFC 9285", () => {
  assert.equal(hex(base45("BB8")), "4142");
  assert.equal(hex(base45("%69 VD92E")), hex(new TextEncoder().encode("Hello!")));
  for (const text of ["GGX", "bb8", "BB", ":::", "ÄB8"]) assert.equal(base45(text), null, text);
  assert.equal(hex(base45("FGW")), "ffff");
});
