"""The host's end of a simulated agent, in memory."""

from __future__ import annotations

from vdproxy.net.simulated_agent import SimulatedAgent
from vdproxy.wire.capabilities import Capabilities, Layout
from vdproxy.wire.chunk import (
    CLIENT_FRAMING,
    ChunkHeader,
    ChunkReader,
    CutMessage,
    RawMessage,
)
from vdproxy.wire.codec import Codec
from vdproxy.wire.constants import Capability, MessageType, Port
from vdproxy.wire.messages import AnnounceCapabilities, Message

BY_DEMAND = Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND
SELECTION = Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION
SERIAL = Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL


class Host:
    """
    Says single messages to *agent* and understands its answers.

    ``greeting`` is what the agent said after the handshake.
    """

    def __init__(self, agent: SimulatedAgent, *caps: int) -> None:
        self.agent = agent
        self._codec = Codec()
        self._reader = ChunkReader(
            CLIENT_FRAMING,
            self._codec.limit,
            self._codec.data_offset,
            report_chunks=True,
        )
        self._ours = Capabilities.of(*caps)
        self.layout = Layout()
        self.first_words = self._heard(agent.receive_data(b""))
        self.greeting = self.announce(0)

    def announce(self, request: int) -> list[Message]:
        return self.say(AnnounceCapabilities(request, self._ours.to_words()))

    def say(self, message: Message, port: int = Port.VDP_CLIENT_PORT) -> list[Message]:
        """Say a message; return the answers."""
        payload = self._codec.encode(message, self.layout)
        return self.say_raw(message.number, payload, port)

    def say_raw(self, number: int, payload: bytes, port: int = 1) -> list[Message]:
        """Say any payload of a type; return the answers."""
        cut = CutMessage(MessageType(number), payload, port)
        return self._heard(self.agent.receive_data(b"".join(cut)))

    def _heard(self, data: bytes) -> list[Message]:
        self._reader.receive_data(data)
        messages = []
        while (event := self._reader.next_event()) is not None:
            if isinstance(event, ChunkHeader):
                assert event.size <= 2048
                continue
            assert isinstance(event, RawMessage)
            message = self._codec.decode(event, self.layout)
            if isinstance(message, AnnounceCapabilities):
                self.layout = Layout.between(self._ours, message.capabilities)
            messages.append(message)
        return messages
