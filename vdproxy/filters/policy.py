"""
Policy: what each client may do.

Clients are judged by what they send and by what they are given, so data that one
client copies and another pastes are judged twice, by the options of each. The guest
is not judged: what it copies goes to clients, and what it can paste or store came
from them, if only by way of the handlers' memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, Literal

from zope.interface import implementer

from vdproxy.api import (
    FILES_DISABLED,
    VM,
    AnnounceCapabilities,
    Capabilities,
    Capability,
    Clipboard,
    ClipboardGrab,
    ClipboardRequest,
    Drop,
    FileXferData,
    FileXferStart,
    Filter,
    IMessageFilter,
    Message,
    MessageType,
    MonitorsConfig,
    MouseState,
    Peer,
    Replace,
    Size,
    Verdict,
    option,
)
from vdproxy.filters.names import TYPE_NAMES

_Way = Literal["to-guest", "from-guest"]
_Type = Literal["text", "png", "bmp", "tiff", "jpg", "file-list", "any"]

# What a client is not offered: the bits of a feature, without REPLY, which monitors
# share with the display.
_CLIPBOARD = Capabilities.of(
    Capability.VD_AGENT_CAP_CLIPBOARD,
    Capability.VD_AGENT_CAP_CLIPBOARD_BY_DEMAND,
    Capability.VD_AGENT_CAP_CLIPBOARD_SELECTION,
    Capability.VD_AGENT_CAP_GUEST_LINEEND_LF,
    Capability.VD_AGENT_CAP_GUEST_LINEEND_CRLF,
    Capability.VD_AGENT_CAP_MAX_CLIPBOARD,
    Capability.VD_AGENT_CAP_CLIPBOARD_NO_RELEASE_ON_REGRAB,
    Capability.VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL,
)
_MONITORS = Capabilities.of(
    Capability.VD_AGENT_CAP_MONITORS_CONFIG,
    Capability.VD_AGENT_CAP_SPARSE_MONITORS_CONFIG,
    Capability.VD_AGENT_CAP_MONITORS_CONFIG_POSITION,
)
_MOUSE = Capabilities.of(Capability.VD_AGENT_CAP_MOUSE_STATE)


@dataclass(frozen=True)
class Options:
    """What a client may do."""

    clipboard: Literal["both", "to-guest", "from-guest", "none"] = option(
        "whether a client may copy (to-guest), paste (from-guest), or both", "both"
    )
    clipboard_types: tuple[_Type, ...] = option(
        "what may be copied and pasted", ("any",)
    )
    clipboard_max: Size | None = option(
        "the most that may be copied or pasted at once, bytes", None
    )
    files: bool = option("whether a client may send files", True)
    file_max: Size | None = option("the largest file that may be sent, bytes", None)
    file_names: tuple[str, ...] = option(
        "what a file may be called, such as *.txt, in any case; ? for a space",
        ("*",),
    )
    monitors: bool = option("whether a client may set the guest's monitors", True)
    mouse: bool = option("whether a client may move the guest's pointer", True)

    def __post_init__(self) -> None:
        problems = []
        if not self.clipboard_types:
            problems.append(
                "clipboard-types: at least one is needed, or clipboard = none"
            )
        if self.clipboard_max == 0:
            problems.append("clipboard-max: at least 1 is needed, or clipboard = none")
        if self.file_max == 0:
            problems.append("file-max: at least 1 is needed, or files = no")
        if not self.file_names:
            problems.append("file-names: at least one is needed, or files = no")
        if problems:
            raise ValueError("\n".join(problems))

    def allows_way(self, way: _Way) -> bool:
        """Tell whether clipboard data may go this way."""
        return self.clipboard in ("both", way)

    def allows_type(self, number: int) -> bool:
        """Tell whether clipboard data may be of the type *number*."""
        return (
            "any" in self.clipboard_types
            or TYPE_NAMES.get(number) in self.clipboard_types
        )

    def allows_name(self, name: str) -> bool:
        """Tell whether a file may be called *name*."""
        return any(fnmatchcase(name.lower(), p.lower()) for p in self.file_names)


@implementer(IMessageFilter)
class PolicyFilter(Filter):
    """Holds each client to its own options."""

    def start(self, vm: VM) -> None:
        self._vm = vm

    def incoming(self, peer: Peer, message: Message) -> Verdict:
        return self._judge(_FROM_CLIENT, peer, message)

    def outgoing(self, peer: Peer, message: Message) -> Verdict:
        return self._judge(_TO_CLIENT, peer, message)

    def _judge(
        self,
        rules: Mapping[int, Callable[[Options, Any], Verdict]],
        peer: Peer,
        message: Message,
    ) -> Verdict:
        rule = rules.get(message.number)
        if rule is None or peer is self._vm.guest:
            return None
        return rule(self._vm.options_for(peer), message)


def _grab(way: _Way, options: Options, grab: ClipboardGrab) -> Verdict:
    if not options.allows_way(way):
        return _wrong_way(options)
    types = tuple(filter(options.allows_type, grab.types))
    if types == grab.types:
        return None
    if not types:
        return Drop("clipboard-types has none of its types")
    return Replace(replace(grab, types=types))


def _data(way: _Way, options: Options, clipboard: Clipboard) -> Verdict:
    size = len(clipboard.data)
    if not size:
        # Whatever its type, it says that there is nothing, and somebody waits for it.
        return None
    if not options.allows_way(way):
        return _wrong_way(options)
    if not options.allows_type(clipboard.type):
        return _wrong_type(clipboard.type)
    if options.clipboard_max is not None and size > options.clipboard_max:
        name = _type_name(clipboard.type)
        return Drop(f"{name} of {size} bytes is over clipboard-max")
    return None


def _request(way: _Way, options: Options, request: ClipboardRequest) -> Verdict:
    if not options.allows_way(way):
        return _wrong_way(options)
    return None if options.allows_type(request.type) else _wrong_type(request.type)


def _start(options: Options, start: FileXferStart) -> Verdict:
    if not options.files:
        return Drop("files is no")
    # The handler takes no more data than the size that is claimed here.
    if options.file_max is not None and start.size > options.file_max:
        return Drop(f"file of {start.size} bytes is over file-max")
    if not options.allows_name(start.name):
        return Drop("its name is not among file-names")
    return None


def _file_data(options: Options, data: FileXferData) -> Verdict:
    return None if options.files else Drop("files is no")


def _monitors(options: Options, config: MonitorsConfig) -> Verdict:
    return None if options.monitors else Drop("monitors is no")


def _mouse(options: Options, state: MouseState) -> Verdict:
    return None if options.mouse else Drop("mouse is no")


def _offer(options: Options, announce: AnnounceCapabilities) -> Verdict:
    offer = announce.capabilities
    if options.clipboard == "none":
        offer -= _CLIPBOARD
    if not options.files:
        offer |= FILES_DISABLED
    if not options.monitors:
        offer -= _MONITORS
    if not options.mouse:
        offer -= _MOUSE
    if offer == announce.capabilities:
        return None
    return Replace(replace(announce, caps=offer.to_words()))


def _wrong_way(options: Options) -> Drop:
    return Drop(f"clipboard is {options.clipboard}")


def _wrong_type(number: int) -> Drop:
    return Drop(f"clipboard-types has no {_type_name(number)}")


def _type_name(number: int) -> str:
    return TYPE_NAMES.get(number, f"type {number}")


# By number and not by class: a handler may bring a class of its own for a type.
_FROM_CLIENT: dict[int, Callable[[Options, Any], Verdict]] = {
    MessageType.VD_AGENT_CLIPBOARD_GRAB: partial(_grab, "to-guest"),
    MessageType.VD_AGENT_CLIPBOARD: partial(_data, "to-guest"),
    MessageType.VD_AGENT_CLIPBOARD_REQUEST: partial(_request, "from-guest"),
    MessageType.VD_AGENT_FILE_XFER_START: _start,
    MessageType.VD_AGENT_FILE_XFER_DATA: _file_data,
    MessageType.VD_AGENT_MONITORS_CONFIG: _monitors,
    MessageType.VD_AGENT_MOUSE_STATE: _mouse,
}
_TO_CLIENT: dict[int, Callable[[Options, Any], Verdict]] = {
    MessageType.VD_AGENT_CLIPBOARD_GRAB: partial(_grab, "from-guest"),
    MessageType.VD_AGENT_CLIPBOARD: partial(_data, "from-guest"),
    MessageType.VD_AGENT_CLIPBOARD_REQUEST: partial(_request, "to-guest"),
    MessageType.VD_AGENT_ANNOUNCE_CAPABILITIES: _offer,
}


def make(options: Options) -> PolicyFilter:
    """Return the filter for one VM."""
    return PolicyFilter()
