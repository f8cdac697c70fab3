"""Prepares an event, credentials and claims in a server, and prints the configuration that has schemathesis use them."""

import json
import sys
import urllib.request
import uuid

BASE, ADMINISTRATOR = sys.argv[1:]
SCOPES = ["events:write", "events:read", "orders:write", "check-ins:write", "buyer-tokens:write",
          "webhooks:write"]
VENUE = {
    "currency": "EUR",
    "pools": [{"name": "Floor", "capacity": 1_000_000}],
    "categories": [{"name": "Lower tier", "focal_point": {"x_mm": 0, "y_mm": 0}}],
    "sections": ["A"],
    "rows": [{"section": "A", "label": "1", "blocks": [
        {"from": 1, "to": 100, "x_mm": 0, "y_mm": 15000, "step_x_mm": 500, "category": "Lower tier"}]}],
    "channels": [{"name": "Sponsor", "code": "SPONSOR", "allotments": [{"pool": "Floor", "quantity": 200}]}],
    "ticket_types": [{"name": "Standing", "price": 0, "draws_on": ["Floor"]},
                     {"name": "Lower tier", "price": 9000, "category": "Lower tier"}],
}


def ask(path, body, token, method="POST"):
    """The reply to a request, which must be accepted."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4()), "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(BASE + path, json.dumps(body).encode(), headers, method=method)
    return json.load(urllib.request.urlopen(request))


def key(name):
    """An organizer key, with its secret."""
    return ask("/v1/api-keys", {"name": name, "scopes": SCOPES}, ADMINISTRATOR)


def sale(secret):
    """An event on sale."""
    event = {"name": "Fuzzed", "starts_at": "2030-01-01T20:00:00Z", "zone": "Europe/Berlin", "configuration": VENUE}
    created = ask("/v1/events", event, secret)["id"]
    ask(f"/v1/events/{created}/phase-changes", {"to": "on_sale"}, secret)
    return created


organizer = key("schemathesis")
secret = organizer["secret"]
event = sale(secret)
buyer = ask("/v1/buyer-tokens", {}, secret)["tokens"][0]
lines = {"lines": [{"ticket_type": "Standing", "quantity": 2}]}
hold = ask(f"/v1/events/{event}/holds", lines, buyer)
paid = ask(f"/v1/events/{event}/holds", lines, buyer)
order = ask(f"/v1/events/{event}/orders", {"hold": paid["id"]}, buyer)
tickets = ask(f"/v1/events/{event}/orders/{order['id']}/confirm", {"payment": "free"}, buyer)["tickets"]
# Nothing listens there, and nothing is connected to: the address is not a public one.
endpoint = ask("/v1/webhook-endpoints", {"url": "http://localhost:9/"}, secret)["id"]

# Each operation is called with the credential that it is for. What changes an event for good has an event of its own, and the
# key that is revoked is nobody's.
print(f"""
[auth.openapi]
administrator = {{ bearer = "{ADMINISTRATOR}" }}
organizer = {{ bearer = "{secret}" }}
buyer = {{ bearer = "{buyer}" }}
hold_secret = {{ api_key = "{hold["secret"]}" }}

[parameters]
"path.event" = "{event}"
"path.hold" = "{hold["id"]}"
"path.order" = "{order["id"]}"
"path.ticket" = "{tickets[0]["id"]}"
"path.channel" = "Sponsor"
"path.endpoint" = "{endpoint}"
"path.key" = "{key("to be revoked")["id"]}"
""")
print(f"""
[[operations]]
include-path = "/v1/webhook-endpoints/{{endpoint}}"
parameters = {{ "path.endpoint" = "{ask("/v1/webhook-endpoints", {"url": "http://localhost:9/"}, secret)["id"]}" }}
""")
for path in ["phase-changes", "configuration", "kills", "restores"]:
    print(f"""
[[operations]]
include-path = "/v1/events/{{event}}/{path}"
parameters = {{ "path.event" = "{sale(secret)}" }}
""")
