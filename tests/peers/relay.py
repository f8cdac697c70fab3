"""A mail relay (aiosmtpd) on a free port of this machine. Writes its port, then a line of JSON for each message, as Python's parser reads it."""
import json
import sys
import threading
from email import message_from_bytes
from email.policy import default

from aiosmtpd.controller import Controller


def read(envelope):
    message = message_from_bytes(envelope.content, policy=default)
    body = lambda kind: message.get_body((kind,)).get_content()
    file = lambda part: {"name": part.get_filename(), "type": part.get_content_type(),
                         "begins": part.get_payload(decode=True)[:5].decode()}
    return {"to": str(message["To"]), "subject": str(message["Subject"]), "name": str(message["Message-ID"]),
            "recipients": envelope.rcpt_tos, "defects": [str(defect) for part in message.walk() for defect in part.defects],
            "text": body("plain"), "html": body("html"), "files": [file(part) for part in message.iter_attachments()]}


class Handler:
    async def handle_DATA(self, server, session, envelope):
        print(json.dumps(read(envelope)), flush=True)
        return "250 taken"


class OnFreePort(Controller):
    """The controller asks for the port that it was told; the kernel chose another."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


controller = OnFreePort(Handler(), hostname="127.0.0.1", port=0)
controller.start()
print(controller.port, flush=True)
threading.Event().wait()
