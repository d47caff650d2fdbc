"""QEMU's end of a QMP connection, which answers when the test lets it."""

from __future__ import annotations

import json

NAMED = "/machine/peripheral"
UNNAMED = "/machine/peripheral-anon"
GREETING = {
    "QMP": {
        "version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": ""},
        "capabilities": ["oob"],
    }
}


def line(said):
    """Return what QEMU writes to say this."""
    return json.dumps(said).encode() + b"\r\n"


class ModelQEMU:
    """
    A QEMU at the other end of *protocol*, whose guest has one port.

    ``answers`` has what is said to a command in place of the truth.
    """

    def __init__(self, protocol, transport):
        self._protocol = protocol
        self._transport = transport
        self._read = 0
        self.running = True
        self.open = False
        self.devices = {
            NAMED: {
                "vs": ("virtio-serial-pci", {}),
                "other": port("org.qemu.guest_agent.0", "charga"),
                "vdport": port("com.redhat.spice.0", "charvd"),
            },
            UNNAMED: {},
        }
        self.answers = {}

    @property
    def unanswered(self):
        """The commands that wait for an answer, as lists of words."""
        commands = self._transport.value()[self._read :].splitlines()
        calls = [json.loads(command) for command in commands]
        return [[call["execute"], *call["arguments"].values()] for call in calls]

    def greet(self):
        self.say(GREETING)

    def say(self, said):
        self._protocol.dataReceived(line(said))

    def event(self, event, **data):
        said = {"timestamp": {"seconds": 1, "microseconds": 2}, "event": event}
        self.say({**said, "data": data} if data else said)

    def answer(self):
        """Answer one command, and tell which."""
        (words,) = self.unanswered
        self._read = len(self._transport.value())
        self.say(self.answers.get(words[0]) or {"return": self._truth(*words)})
        return words[0]

    def serve(self):
        """Answer all commands, and tell which."""
        answered = []
        while self.unanswered:
            answered.append(self.answer())
        return answered

    def _truth(self, command, path="", name=""):
        if command == "qom-list":
            own = [{"name": "type", "type": "string"}]
            children = self.devices[path].items()
            return own + [
                {"name": name, "type": f"child<{kind}>"} for name, (kind, _) in children
            ]
        if command == "qom-get":
            parent, _, child = path.rpartition("/")
            return self.devices[parent][child][1][name]
        if command == "query-status":
            return {"status": "", "singlestep": False, "running": self.running}
        if command == "query-chardev":
            return [
                {"frontend-open": True, "filename": "unix:", "label": "charga"},
                {"frontend-open": self.open, "filename": "unix:", "label": "charvd"},
            ]
        assert command == "qmp_capabilities"
        return {}


def port(name, chardev):
    return "virtserialport", {"name": name, "chardev": chardev}
