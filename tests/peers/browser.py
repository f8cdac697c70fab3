"""A push service and the browser behind it, on a free port of this machine. Reads the server's key, writes the browser's subscription, then a
line of JSON for each notification, decrypted by http_ece; who sent it is verified with cryptography."""
import base64
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


KEY, SECRET, SERVER = ec.generate_private_key(ec.SECP256R1()), os.urandom(16), sys.stdin.readline().strip()


def verify(header, origin):
    token, key = header.removeprefix("vapid t=").split(", k=")
    assert key == SERVER
    said, _, signature = token.rpartition(".")
    head, claims = (json.loads(decoded(part)) for part in said.split("."))
    assert head == {"typ": "JWT", "alg": "ES256"} and claims["aud"] == origin, (head, claims)
    signature = decoded(signature)
    whole = utils.encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(key))
    point.verify(whole, said.encode(), ec.ECDSA(SHA256()))


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        verify(self.headers["authorization"], f"http://127.0.0.1:{self.server.server_port}")
        assert self.headers["content-encoding"] == "aes128gcm" and int(self.headers["ttl"]) > 0
        plain = http_ece.decrypt(body, private_key=KEY, auth_secret=SECRET, version="aes128gcm")
        print(plain.decode(), flush=True)
        self.send_response(201)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


service = HTTPServer(("127.0.0.1", 0), Handler)
point = KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
print(json.dumps({"endpoint": f"http://127.0.0.1:{service.server_port}/browser", "expirationTime": None,
                  "keys": {"p256dh": encoded(point), "auth": encoded(SECRET)}}), flush=True)
service.serve_forever()
