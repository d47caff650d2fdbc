"""Cases of the messages about monitors, mouse, sound, devices and all the rest."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.hostile.case import Case, bad, broken, guests_bad, kept
from tests.hostile.framing import (
    AUDIO,
    CHUNK,
    DEVICES,
    DISCONNECTED,
    DISPLAY,
    HEADER,
    MAX_CLIPBOARD,
    MONITORS,
    MOUSE,
    REPLY,
)
from tests.hostile.room import RESIZED
from tests.link.frames import numbers
from tests.wire.decoding import chunk, frame, message
from vdproxy.wire.messages import (
    AudioVolumeSync,
    Message,
    MonConfig,
    MonitorsConfig,
    MouseState,
    Reply,
)

_ERROR = 2


def _bad(
    name: str,
    number: int,
    payload: bytes,
    kind: str,
    reason: str,
    answers: Sequence[Message] = (),
) -> Case:
    """Return the case of a bad payload, which a client is given *answers* to."""
    return Case(
        name,
        frame(number, payload),
        bad(kind, reason, first=answers),
        guests_bad(kind, reason),
    )


def _accepted(room: Any) -> None:
    room.agent.say(RESIZED)
    room.first.hears(RESIZED)


def _forwarded(name: str, payload: bytes, config: MonitorsConfig) -> Case:
    """Return the case of a MONITORS_CONFIG that is in order, and is the guest's."""
    client = replace(kept(agent=[config]), then=_accepted)
    return Case(name, frame(MONITORS, payload), client, kept())


def _monitors(*numbers_of_one: int, count: int = 1, flags: int = 0) -> bytes:
    return numbers(count, flags, *numbers_of_one * count)


_CONFIG_REFUSED = [Reply(MONITORS, _ERROR)]

CONFIGS = [
    *(
        _bad(
            f"a MONITORS_CONFIG of {size} bytes",
            MONITORS,
            bytes(size),
            "MONITORS_CONFIG",
            f"{size} bytes are no MonitorsConfig",
            _CONFIG_REFUSED,
        )
        for size in (0, 4, 7)
    ),
    *(
        _bad(
            f"{count} monitors in no bytes",
            MONITORS,
            numbers(count, 0),
            "MONITORS_CONFIG",
            reason,
            _CONFIG_REFUSED,
        )
        for count, reason in [
            (1, "1 monitors in 8 bytes where they take 28"),
            (64, "64 monitors in 8 bytes where they take 1288"),
            (65, "65 monitors, more than 64"),
            (0x40000000, "1073741824 monitors, more than 64"),
            (2**32 - 1, "4294967295 monitors, more than 64"),
        ]
    ),
    _bad(
        "65 monitors",
        MONITORS,
        _monitors(600, 800, 32, 0, 0, count=65),
        "MONITORS_CONFIG",
        "65 monitors, more than 64",
        _CONFIG_REFUSED,
    ),
    _bad(
        "monitors without the physical sizes that they claim",
        MONITORS,
        _monitors(600, 800, 32, 0, 0, flags=2),
        "MONITORS_CONFIG",
        "1 monitors in 28 bytes where they take 32",
        _CONFIG_REFUSED,
    ),
    broken(
        "a MONITORS_CONFIG over what 64 monitors take",
        chunk(message(MONITORS, bytes(8), size=1545)),
        "message of type 2 with 1545 bytes, more than 1544",
        CHUNK + HEADER,
    ),
    _forwarded("no monitors", numbers(0, 0), MonitorsConfig(0, ())),
    _forwarded(
        "a monitor of 0 by 0",
        _monitors(0, 0, 0, 0, 0),
        MonitorsConfig(0, (MonConfig(0, 0, 0),)),
    ),
    *(
        _forwarded(
            f"a monitor of {side} by {side}",
            _monitors(side, side, side, 2**31, 2**32 - 1),
            MonitorsConfig(0, (MonConfig(side, side, side, -(2**31), -1),)),
        )
        for side in (1, 2**31, 2**32 - 1)
    ),
    *(
        _bad(
            f"a DISPLAY_CONFIG of {size} bytes",
            DISPLAY,
            bytes(size),
            "DISPLAY_CONFIG",
            f"{size} bytes are no DisplayConfig",
            [Reply(DISPLAY, _ERROR)],
        )
        for size in (0, 7)
    ),
]

SENSES = [
    _bad(
        "a MOUSE_STATE of 12 bytes",
        MOUSE,
        bytes(12),
        "MOUSE_STATE",
        "12 bytes are no MouseState",
    ),
    Case(
        "a MOUSE_STATE of all that there is",
        frame(MOUSE, b"\xff" * 13),
        kept(agent=[MouseState(2**32 - 1, 2**32 - 1, 2**32 - 1, 255)]),
        kept(),
    ),
    *(
        _bad(
            f"{count} channels in one word",
            AUDIO,
            struct.pack("<BBBH", 1, 0, count, 1),
            "AUDIO_VOLUME_SYNC",
            f"{count} channels in 5 bytes where they take {3 + 2 * count}",
        )
        for count in (0, 2, 200, 255)
    ),
    Case(
        "a volume of no channels",
        frame(AUDIO, b"\1\0\0"),
        kept(agent=[AudioVolumeSync(True, False, ())]),
        kept(),
    ),
    _bad(
        "a volume of 2 bytes",
        AUDIO,
        bytes(2),
        "AUDIO_VOLUME_SYNC",
        "2 bytes are no AudioVolumeSync",
    ),
]

_DEVICE = numbers(0, 0, 0)
_NO_ADDRESS = "device address of {} bytes that does not end with its one NUL"

MAPS = [
    _bad(
        f"a map of devices {name}",
        DEVICES,
        payload,
        "GRAPHICS_DEVICE_INFO",
        reason,
    )
    for name, payload, reason in [
        ("of 3 bytes", bytes(3), "3 bytes are no GraphicsDeviceInfo"),
        (
            "that is cut",
            numbers(1) + _DEVICE,
            "16 bytes are no GraphicsDeviceInfo",
        ),
        (
            "with an address that is cut",
            numbers(1) + _DEVICE + numbers(9) + b"pci/0\0",
            _NO_ADDRESS.format(9),
        ),
        (
            "with an address of 4 GiB",
            numbers(1) + _DEVICE + numbers(2**32 - 1) + b"pci/0\0",
            _NO_ADDRESS.format(2**32 - 1),
        ),
        (
            "with an address without its NUL",
            numbers(1) + _DEVICE + numbers(5) + b"pci/0",
            _NO_ADDRESS.format(5),
        ),
        ("of 65", numbers(65), "65 devices, more than 64"),
        ("of 2**32 - 1", numbers(2**32 - 1), "4294967295 devices, more than 64"),
        ("with more behind it", numbers(0, 0), "bytes after the last device"),
    ]
]

OTHERS = [
    _bad(
        "a MAX_CLIPBOARD of 3 bytes",
        MAX_CLIPBOARD,
        bytes(3),
        "MAX_CLIPBOARD",
        "3 bytes are no MaxClipboard",
    ),
    Case(
        "a MAX_CLIPBOARD of less than nothing",
        frame(MAX_CLIPBOARD, numbers(2**31)),
        kept(),
        kept(),
    ),
    Case("a REPLY to nothing", frame(REPLY, numbers(MONITORS, 1)), kept(), kept()),
    Case(
        "a REPLY to a type that does not exist",
        frame(REPLY, numbers(2**32 - 1, 1)),
        kept("VD_AGENT_REPLY of vdi#1 dropped: no enabled handler owns this type"),
        kept("VD_AGENT_REPLY of guest dropped: no enabled handler owns this type"),
    ),
    _bad("a REPLY of 7 bytes", REPLY, bytes(7), "REPLY", "7 bytes are no Reply"),
    broken(
        "a CLIENT_DISCONNECTED with a byte",
        frame(DISCONNECTED, b"?"),
        "message of type 13 with 1 bytes, more than 0",
        CHUNK + HEADER,
    ),
]

DEVICE_CASES = [*CONFIGS, *SENSES, *MAPS, *OTHERS]
