"""What both roles of a link have in common."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace

from vdproxy.errors import LocalProtocolError, RemoteProtocolError
from vdproxy.link.events import Discarded, Malformed
from vdproxy.link.serials import GrabSerials
from vdproxy.wire.capabilities import Capabilities, Layout
from vdproxy.wire.chunk import CutMessage, RawMessage
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import Capability, Port
from vdproxy.wire.messages import AnnounceCapabilities, ClipboardGrab, Message


class Link:
    """
    One end of one link.

    ``offered`` and ``announced`` are what we and the peer have announced, each
    None until it has happened.
    """

    def __init__(self, codec: Codec, serials: GrabSerials) -> None:
        self._codec = codec
        self._serials = serials
        self._to_send: list[CutMessage] = []
        #: How what we send looks.
        self._layout = Layout()
        self.offered: Capabilities | None = None
        self.announced: Capabilities | None = None

    def agreed(self, number: int) -> bool:
        """Tell whether both ends have announced the capability *number*."""
        return self._layout.agreed(number)

    def messages_to_send(self) -> Sequence[CutMessage]:
        """Return what the link itself has to say, and forget it."""
        if not self._to_send:
            return ()
        messages = self._to_send
        self._to_send = []
        return messages

    def weigh(self, message: Message) -> int:
        """
        Return the bytes of a message's payload.

        :raises LocalProtocolError: the message cannot be told on this link.
        """
        parts = self._codec.encode_parts(self._stamped(message), self._layout)
        return sum(map(len, parts))

    def check(self, message: Message) -> None:
        """Raise LocalProtocolError unless the peer would read *message* as it is."""
        stamped = self._stamped(message)
        payload = self._codec.encode(stamped, self._layout)
        raw = RawMessage(Port.VDP_CLIENT_PORT, message.number, payload)
        try:
            read = self._codec.decode(raw, self._layout)
        except RemoteProtocolError as error:
            raise LocalProtocolError(str(error)) from error
        if read != stamped:
            raise LocalProtocolError(f"{type(message).__name__} reads as another")

    def _stamped(self, message: Message) -> Message:
        """Return a message as it might go out: a GRAB with some serial."""
        if not isinstance(message, ClipboardGrab):
            return message
        with_serial = self.agreed(Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL)
        return _with_serial(message, 0 if with_serial else None)

    def _encode(self, message: Message, layout: Layout, port: int) -> CutMessage:
        if isinstance(message, ClipboardGrab):
            return self._encode_grab(message, layout, port)
        payload, data = self._codec.encode_parts(message, layout)
        return CutMessage(message.number, payload, port, data)

    def _encode_grab(
        self, grab: ClipboardGrab, layout: Layout, port: int
    ) -> CutMessage:
        with_serial = layout.agreed(Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL)
        serial = self._serials.next(grab.selection) if with_serial else None
        payload, _ = self._codec.encode_parts(_with_serial(grab, serial), layout)
        if with_serial:
            self._serials.sent(grab.selection)
        return CutMessage(grab.number, payload, port)

    def _decode(
        self, raw: RawMessage, layout: Layout
    ) -> Message | Malformed | Discarded:
        """Return what a message says, unless it is none or a GRAB that lost a race."""
        try:
            message = self._codec.decode(raw, layout)
        except RemoteProtocolError as error:
            if raw.number == ClipboardGrab.number:
                self._count_malformed_grab(raw.payload, layout)
            return Malformed(raw.number, raw.payload + raw.data, str(error))
        if (
            isinstance(message, ClipboardGrab)
            and message.serial is not None
            and not self._serials.accept(message.selection, message.serial)
        ):
            return Discarded(raw.number, "its serial lost a race")
        return message

    def _count_malformed_grab(self, payload: bytes, layout: Layout) -> None:
        """Count a GRAB that says nothing of use: its sender has counted it."""
        selections = layout.agreed(Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION)
        try:
            grab = ClipboardGrab.decode(payload[: 8 if selections else 4], layout)
        except (RemoteProtocolError, struct.error):
            return
        if grab.serial is not None:
            self._serials.accept(grab.selection, grab.serial)

    def _announce(
        self, request: int, offer: Capabilities, port: int = Port.VDP_CLIENT_PORT
    ) -> None:
        message = AnnounceCapabilities(request, offer.to_words())
        self._to_send.append(self._encode(message, Layout(), port))


def _with_serial(grab: ClipboardGrab, serial: int | None) -> ClipboardGrab:
    """Return a GRAB with this serial, of the same class."""
    if type(grab) is not ClipboardGrab:
        return replace(grab, serial=serial)
    # A GRAB goes to each client: replace() would be a tenth of what that takes.
    return ClipboardGrab(grab.selection, grab.types, serial)
