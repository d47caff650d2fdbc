"""
The trace events, under the names QEMU gives its own in ``ui/trace-events``.

A hub that does not trace has no Trace, so that a message costs one comparison.
"""

from __future__ import annotations

from twisted.logger import Logger

from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.constants import message_name


class Trace:
    """
    Writes one VM's trace events, at debug level.

    Each has the fields ``vm``, ``client`` (empty for the guest), ``direction``
    (``in`` or ``out``), ``message`` and ``size`` (bytes), as far as they apply.
    """

    def __init__(self, vm: str) -> None:
        self._vm = vm
        self._logger = Logger(namespace="vdproxy.trace")

    def opened(self, client: str) -> None:
        """Write vdagent_open: the guest or a client has connected."""
        self._event("vdagent_open", client)

    def closed(self, client: str) -> None:
        """Write vdagent_close: the guest or a client has gone."""
        self._event("vdagent_close", client)

    def sent(self, client: str, number: int, size: int) -> None:
        """Write vdagent_send: a message of *size* payload bytes is to go out."""
        name = message_name(number)
        self._event("vdagent_send", client, direction="out", message=name, size=size)

    def chunk(self, client: str, size: int) -> None:
        """Write vdagent_recv_chunk: a chunk header came in."""
        self._event("vdagent_recv_chunk", client, direction="in", size=size)

    def received(self, client: str, number: int, size: int) -> None:
        """Write vdagent_recv_msg: a message of *size* payload bytes is whole."""
        name = message_name(number)
        self._event("vdagent_recv_msg", client, direction="in", message=name, size=size)

    def capabilities(self, client: str, announced: Capabilities) -> None:
        """Write vdagent_peer_cap for each capability that a peer announced."""
        for name in announced.names():
            self._event("vdagent_peer_cap", client, direction="in", capability=name)

    def _event(self, event: str, client: str, **fields: object) -> None:
        told = "".join(f" {key}={value}" for key, value in fields.items())
        self._logger.debug(
            "{event} vm={vm} client={client}{told}",
            event=event,
            vm=self._vm,
            client=client,
            told=told,
            **fields,
        )
