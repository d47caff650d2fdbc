"""A VM and peers for the audit filter alone, without a hub."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.task import Clock

from vdproxy.api import Clipboard, Decision, FileXferStart, VMLog
from vdproxy.filters.audit import Options, make

TEXT = Clipboard(0, 1, b"sixteen secrets.")
START = FileXferStart(1, "secret.txt", 4096)


@dataclass(eq=False)
class Someone:
    """A peer, as far as audit knows one."""

    label: str
    frontend: str = "vdi"
    uid: int | None = None


GUEST = Someone("guest", "")
CI = Someone("ci#3", uid=1000)
VIEWER = Someone("spice#4", "spice")


@dataclass
class AloneVM:
    """What a started audit filter uses of its VM; ``audit`` is the filter."""

    options: Options = field(default_factory=Options)
    name: str = "fedora"
    guest: Any = GUEST
    clock: Clock = field(default_factory=Clock)
    counted: Counter[str] = field(default_factory=Counter)
    special: dict[str, Options] = field(default_factory=dict)

    def __post_init__(self):
        self.log = VMLog(self.name, self.clock)
        self.audit = make(self.options)
        self.audit.start(self)

    def options_for(self, peer):
        return self.special.get(peer.label, self.options)

    def count(self, event):
        self.counted[event] += 1

    def records(self, file=None):
        """Return the objects in the audit file."""
        lines = (file or self.options.file).read_text(encoding="ascii").splitlines()
        return [json.loads(line) for line in lines]


def sent(message, target, source=None):
    return Decision("out", target, message, "passed", source)


def refused(message, direction, peer, source=None, reason="files is no"):
    return Decision(direction, peer, message, "dropped", source, "policy", reason)


def of_audit(events):
    """Return the events among *events* that are audit lines."""
    return [e for e in events if e["log_namespace"] == "vdproxy.audit"]
