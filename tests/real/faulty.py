"""A filter that fails on what goes to and comes from clients that are so configured."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

from twisted.internet.defer import Deferred
from zope.interface import implementer

from vdproxy import api


@dataclass(frozen=True)
class Options:
    fault: Literal["none", "hang", "hang-on-data", "raise", "answer", "block"] = "none"


@implementer(api.IMessageFilter)
class Faulty(api.Filter):
    def start(self, vm: api.VM) -> None:
        self._vm = vm

    def incoming(self, peer: api.Peer, message: api.Message) -> Any:
        if isinstance(message, api.AnnounceCapabilities):
            # Clients shake hands first.
            return None
        match self._vm.options_for(peer).fault:
            case "hang":
                return Deferred()
            case "hang-on-data" if isinstance(message, api.Clipboard):
                return Deferred()
            case "raise":
                raise RuntimeError(message)
            case "answer":
                return 42
            case "block":
                time.sleep(0.2)
        return None

    outgoing = incoming


def make(options: Options) -> Faulty:
    return Faulty()
