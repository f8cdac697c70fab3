"""Verifies QR texts without anything of ours, as docs/tickets.md describes them.

Reads {"event": hex, "keys": [base64], "texts": [...]} and writes what each text says, or null for one that is not genuine.
"""
import base64
import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def decoded(text):
    digits = [ALPHABET.index(letter) for letter in text]
    pairs = [digits[at] + 45 * digits[at + 1] + 2025 * digits[at + 2] for at in range(0, len(digits), 3)]
    return b"".join(pair.to_bytes(2, "big") for pair in pairs)


def says(text, event, keys):
    if not text.startswith("T1:") or len(text) != 138:
        return None
    signed = decoded(text[3:])
    statement, signature = signed[:26], signed[26:]
    mark = hashlib.sha256(b"tessera event v1" + bytes.fromhex(event)).digest()[:8]
    key = keys.get(statement[1:5])
    if statement[0] != 1 or key is None or statement[5:13] != mark:
        return None
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, b"tessera ticket v1\n" + statement)
    except InvalidSignature:
        return None
    number = lambda first, last: int.from_bytes(statement[first:last], "big")
    return {"order": number(13, 18), "index": statement[18], "generation": statement[19],
            "ticket_type": number(20, 22), "valid_until_h": number(22, 26)}


asked = json.load(sys.stdin)
raw = [base64.b64decode(key) for key in asked["keys"]]
known = {hashlib.sha256(key).digest()[:4]: key for key in raw}
json.dump([says(text, asked["event"], known) for text in asked["texts"]], sys.stdout)
