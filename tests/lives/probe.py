"""A filter that tells at a Unix socket what its process holds, one line a question."""

from __future__ import annotations

import gc
import json
from dataclasses import dataclass
from typing import Any

from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineOnlyReceiver
from zope.interface import implementer

from vdproxy import api


@dataclass(frozen=True)
class Options:
    socket: str = ""


class _Answers(LineOnlyReceiver):
    delimiter = b"\n"

    def lineReceived(self, line: bytes) -> None:
        from twisted.internet import reactor  # noqa: TID251 - as late as can be

        reactor_: Any = reactor
        gc.collect()
        held = {
            "calls": len(reactor_.getDelayedCalls()),
            "readers": len(reactor_.getReaders()),
            "objects": len(gc.get_objects()),
        }
        self.sendLine(json.dumps(held).encode())


@implementer(api.IMessageFilter)
class Probe(api.Filter):
    def __init__(self, options: Options) -> None:
        self._socket = options.socket

    def start(self, vm: api.VM) -> None:
        from twisted.internet import reactor  # noqa: TID251 - as late as can be

        reactor_: Any = reactor
        reactor_.listenUNIX(self._socket, Factory.forProtocol(_Answers))


def make(options: Options) -> Probe:
    return Probe(options)
