"""The messages about the guest's mouse, monitors, desktop and sound."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Self

from vdproxy.wire.capabilities import Layout
from vdproxy.wire.constants import (
    MAX_DEVICE_ADDRESS,
    MAX_DEVICE_RECORDS,
    MAX_MONITORS,
    MAX_VOLUME_CHANNELS,
    MessageType,
    MonitorsConfigFlags,
)
from vdproxy.wire.messages.base import Message, permit, require

_MOUSE_STATE = struct.Struct("<IIIB")
_MONITORS_CONFIG = struct.Struct("<II")
_MON_CONFIG = struct.Struct("<IIIii")
_MONITOR_MM = struct.Struct("<HH")
_DISPLAY_CONFIG = struct.Struct("<II")
_VOLUME_SYNC = struct.Struct("<BBB")
_COUNT = struct.Struct("<I")
_DEVICE = struct.Struct("<IIII")


@dataclass(frozen=True, slots=True)
class MouseState(Message):
    """
    Where the pointer is, in pixels of display ``display_id``, and which
    ``buttons`` are down: a state, of which the agent makes events.
    """

    x: int
    y: int
    buttons: int
    display_id: int

    number: ClassVar[int] = MessageType.VD_AGENT_MOUSE_STATE
    max_size: ClassVar[int] = _MOUSE_STATE.size

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        return cls(*_MOUSE_STATE.unpack(payload))

    def encode(self, layout: Layout) -> bytes:
        return _MOUSE_STATE.pack(self.x, self.y, self.buttons, self.display_id)


@dataclass(frozen=True, slots=True)
class MonConfig:
    """
    One monitor: its size and place in pixels, its colour depth in bits.

    0 by 0 switches it off (SPARSE_MONITORS_CONFIG). ``width_mm`` and
    ``height_mm`` are its physical size, told with the PHYSICAL_SIZE flag.
    """

    width: int
    height: int
    depth: int = 32
    x: int = 0
    y: int = 0
    width_mm: int = 0
    height_mm: int = 0


@dataclass(frozen=True, slots=True)
class MonitorsConfig(Message):
    """The monitors the guest is to have; ``flags`` are MonitorsConfigFlags."""

    flags: int
    monitors: tuple[MonConfig, ...]

    number: ClassVar[int] = MessageType.VD_AGENT_MONITORS_CONFIG
    max_size: ClassVar[int] = (
        _MONITORS_CONFIG.size + (_MON_CONFIG.size + _MONITOR_MM.size) * MAX_MONITORS
    )

    @property
    def has_physical_size(self) -> bool:
        """Whether the sizes in millimetres are told."""
        flag = MonitorsConfigFlags.VD_AGENT_CONFIG_MONITORS_FLAG_PHYSICAL_SIZE
        return bool(self.flags & flag)

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        count, flags = _MONITORS_CONFIG.unpack_from(payload)
        require(count <= MAX_MONITORS, f"{count} monitors, more than {MAX_MONITORS}")
        empty = cls(flags, ())
        end = _MONITORS_CONFIG.size + _MON_CONFIG.size * count
        size = end + (_MONITOR_MM.size * count if empty.has_physical_size else 0)
        require(
            len(payload) == size,
            f"{count} monitors in {len(payload)} bytes where they take {size}",
        )
        records = _MON_CONFIG.iter_unpack(payload[_MONITORS_CONFIG.size : end])
        sizes = list(_MONITOR_MM.iter_unpack(payload[end:])) or [(0, 0)] * count
        return cls(
            flags,
            tuple(
                MonConfig(width, height, depth, x, y, width_mm, height_mm)
                for (height, width, depth, x, y), (height_mm, width_mm) in zip(
                    records, sizes, strict=True
                )
            ),
        )

    def encode(self, layout: Layout) -> bytes:
        count = len(self.monitors)
        permit(count <= MAX_MONITORS, f"{count} monitors, more than {MAX_MONITORS}")
        parts = [_MONITORS_CONFIG.pack(count, self.flags)]
        parts += [
            _MON_CONFIG.pack(m.height, m.width, m.depth, m.x, m.y)
            for m in self.monitors
        ]
        sizes = any(m.width_mm or m.height_mm for m in self.monitors)
        permit(
            self.has_physical_size or not sizes,
            "sizes in millimetres without their flag",
        )
        if self.has_physical_size:
            parts += [_MONITOR_MM.pack(m.height_mm, m.width_mm) for m in self.monitors]
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class DisplayConfig(Message):
    """
    What the guest's desktop may do without: ``flags`` are DisplayConfigFlags.

    ``depth`` is a colour depth in bits. Windows agents act on it.
    """

    flags: int
    depth: int

    number: ClassVar[int] = MessageType.VD_AGENT_DISPLAY_CONFIG
    max_size: ClassVar[int] = _DISPLAY_CONFIG.size

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        return cls(*_DISPLAY_CONFIG.unpack(payload))

    def encode(self, layout: Layout) -> bytes:
        return _DISPLAY_CONFIG.pack(self.flags, self.depth)


@dataclass(frozen=True, slots=True)
class AudioVolumeSync(Message):
    """The client's playback or record volume, a channel each from 0 to 65535."""

    is_playback: bool
    mute: bool
    volume: tuple[int, ...]

    number: ClassVar[int] = MessageType.VD_AGENT_AUDIO_VOLUME_SYNC
    max_size: ClassVar[int] = _VOLUME_SYNC.size + 2 * MAX_VOLUME_CHANNELS

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        is_playback, mute, nchannels = _VOLUME_SYNC.unpack_from(payload)
        size = _VOLUME_SYNC.size + 2 * nchannels
        require(
            len(payload) == size,
            f"{nchannels} channels in {len(payload)} bytes where they take {size}",
        )
        volume = struct.unpack_from(f"<{nchannels}H", payload, _VOLUME_SYNC.size)
        return cls(bool(is_playback), bool(mute), volume)

    def encode(self, layout: Layout) -> bytes:
        count = len(self.volume)
        head = _VOLUME_SYNC.pack(self.is_playback, self.mute, count)
        return head + struct.pack(f"<{count}H", *self.volume)


@dataclass(frozen=True, slots=True)
class DeviceDisplayInfo:
    """
    Which graphics device shows a display: ``device_address`` is its path as
    text without the NUL that ends it on the wire, such as ``pci/0000/02.0``.
    """

    channel_id: int
    monitor_id: int
    device_display_id: int
    device_address: bytes


def _is_address(address: bytes) -> bool:
    """Tell whether this is a device address as it is on the wire."""
    return address.find(b"\0") + 1 == len(address) and (
        1 <= len(address) <= MAX_DEVICE_ADDRESS
    )


@dataclass(frozen=True, slots=True)
class GraphicsDeviceInfo(Message):
    """The host's map of displays to graphics devices (spice-server sends it)."""

    display_info: tuple[DeviceDisplayInfo, ...]

    number: ClassVar[int] = MessageType.VD_AGENT_GRAPHICS_DEVICE_INFO
    max_size: ClassVar[int] = (
        _COUNT.size + (_DEVICE.size + MAX_DEVICE_ADDRESS) * MAX_DEVICE_RECORDS
    )

    @classmethod
    def decode(cls, payload: bytes, layout: Layout) -> Self:
        (count,) = _COUNT.unpack_from(payload)
        require(
            count <= MAX_DEVICE_RECORDS,
            f"{count} devices, more than {MAX_DEVICE_RECORDS}",
        )
        position = _COUNT.size
        records = []
        for _ in range(count):
            channel, monitor, display, length = _DEVICE.unpack_from(payload, position)
            position += _DEVICE.size
            address = payload[position : position + length]
            require(
                len(address) == length and _is_address(address),
                f"device address of {length} bytes that does not end with its one NUL",
            )
            position += length
            records.append(DeviceDisplayInfo(channel, monitor, display, address[:-1]))
        require(position == len(payload), "bytes after the last device")
        return cls(tuple(records))

    def encode(self, layout: Layout) -> bytes:
        count = len(self.display_info)
        permit(
            count <= MAX_DEVICE_RECORDS,
            f"{count} devices, more than {MAX_DEVICE_RECORDS}",
        )
        parts = [_COUNT.pack(count)]
        for info in self.display_info:
            address = info.device_address + b"\0"
            permit(_is_address(address), "device address with a NUL, or too long")
            parts += [
                _DEVICE.pack(
                    info.channel_id,
                    info.monitor_id,
                    info.device_display_id,
                    len(address),
                ),
                address,
            ]
        return b"".join(parts)
