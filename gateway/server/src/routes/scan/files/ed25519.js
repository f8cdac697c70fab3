// Whether a key signed a message: by the browser where it can, else by @noble/ed25519. No DOM: node tests this file.

/** The browser's own, or null where it has no Ed25519. */
export async function native() {
  const imported = new Map();
  const load = async (publicKey) => {
    const name = publicKey.join();
    if (!imported.has(name)) {
      imported.set(name, await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]));
    }
    return imported.get(name);
  };
  const verify = async (publicKey, signature, message) =>
    crypto.subtle.verify({ name: "Ed25519" }, await load(publicKey), signature, message);
  try {
    // Not every browser that imports a key verifies by it. Of RFC 8032, section 7.1, test 1.
    const knows = await verify(KNOWN.publicKey, KNOWN.signature, new Uint8Array());
    return knows ? verify : null;
  } catch {
    return null;
  }
}

/** That of @noble/ed25519, strict: no other bytes pass for the same signature. */
export async function vendored() {
  const { verifyAsync } = await import("../vendor/ed25519/index.js");
  return async (publicKey, signature, message) => {
    try {
      return await verifyAsync(signature, message, publicKey, { zip215: false });
    } catch {
      return false;
    }
  };
}

/** `(publicKey, signature, message) => Promise<boolean>`, the best there is. */
export async function verifier() {
  return (await native()) ?? (await vendored());
}

const digits = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
const KNOWN = {
  publicKey: digits("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
  signature: digits(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" +
      "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ),
};
