"""Messages that can be sent, for every type and layout, and streams that break."""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable

from hypothesis import strategies as st

from tests.wire.decoding import LAYOUTS, SG, G, S, frame
from vdproxy.wire.capabilities import Layout
from vdproxy.wire.chunk import CLIENT_FRAMING, GUEST_FRAMING
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    AudioVolumeSync,
    ClientDisconnected,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    DeviceDisplayInfo,
    DisplayConfig,
    FileXferData,
    FileXferStart,
    FileXferStatus,
    GraphicsDeviceInfo,
    MaxClipboard,
    Message,
    MonConfig,
    MonitorsConfig,
    MouseState,
    Reply,
    Unknown,
)

u8 = st.integers(0, 2**8 - 1)
u16 = st.integers(0, 2**16 - 1)
u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
i32 = st.integers(-(2**31), 2**31 - 1)
data = st.binary(max_size=80)

layouts = st.sampled_from(LAYOUTS)
framings = st.sampled_from([CLIENT_FRAMING, GUEST_FRAMING])

#: What a file name may hold, with the characters that a key file escapes or
#: gives a meaning more often than by chance.
file_names = st.text(
    st.one_of(
        st.sampled_from("\\ \t\r\n=#[];sntr"),
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    ),
    max_size=60,
)

_PHYSICAL_SIZE = 2


def tuples_of(
    items: st.SearchStrategy, max_size: int
) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(items, max_size=max_size).map(tuple)


def _selection(layout: Layout) -> st.SearchStrategy[int]:
    return st.integers(0, 2) if layout in (S, SG) else st.just(0)


def _serial(layout: Layout) -> st.SearchStrategy[int | None]:
    return u32 if layout in (G, SG) else st.none()


def _monitors_config(layout: Layout) -> st.SearchStrategy[MonitorsConfig]:
    def with_flags(flags: int) -> st.SearchStrategy[MonitorsConfig]:
        mm = u16 if flags & _PHYSICAL_SIZE else st.just(0)
        monitors = st.builds(MonConfig, u32, u32, u32, i32, i32, mm, mm)
        return st.builds(MonitorsConfig, st.just(flags), tuples_of(monitors, 5))

    return st.one_of(st.integers(0, 3), u32).flatmap(with_flags)


def _file_xfer_status(layout: Layout) -> st.SearchStrategy[FileXferStatus]:
    none = st.none()
    return st.one_of(
        st.builds(FileXferStatus, u32, u32),
        st.builds(FileXferStatus, u32, st.just(4), u64),
        st.builds(FileXferStatus, u32, st.just(2), none, u8, u32),
    )


def _graphics_device_info(layout: Layout) -> st.SearchStrategy[GraphicsDeviceInfo]:
    addresses = st.binary(max_size=60).map(lambda raw: raw.replace(b"\0", b"/"))
    records = st.builds(DeviceDisplayInfo, u32, u32, u32, addresses)
    return st.builds(GraphicsDeviceInfo, tuples_of(records, 4))


#: For each message class, its values that can be sent under a layout.
VALUES: dict[type[Message], Callable[[Layout], st.SearchStrategy[Message]]] = {
    MouseState: lambda _: st.builds(MouseState, u32, u32, u32, u8),
    MonitorsConfig: _monitors_config,
    Reply: lambda _: st.builds(Reply, u32, u32),
    Clipboard: lambda layout: st.builds(Clipboard, _selection(layout), u32, data),
    DisplayConfig: lambda _: st.builds(DisplayConfig, u32, u32),
    AnnounceCapabilities: lambda _: st.builds(
        AnnounceCapabilities, u32, tuples_of(u32, 8)
    ),
    ClipboardGrab: lambda layout: st.builds(
        ClipboardGrab, _selection(layout), tuples_of(u32, 8), _serial(layout)
    ),
    ClipboardRequest: lambda layout: st.builds(
        ClipboardRequest, _selection(layout), u32
    ),
    ClipboardRelease: lambda layout: st.builds(ClipboardRelease, _selection(layout)),
    FileXferStart: lambda _: st.builds(
        FileXferStart, u32, file_names, u64, st.none() | u32, st.none() | u32
    ),
    FileXferStatus: _file_xfer_status,
    FileXferData: lambda _: st.builds(FileXferData, u32, data),
    ClientDisconnected: lambda _: st.builds(ClientDisconnected),
    MaxClipboard: lambda _: st.builds(MaxClipboard, i32),
    AudioVolumeSync: lambda _: st.builds(
        AudioVolumeSync, st.booleans(), st.booleans(), tuples_of(u16, 8)
    ),
    GraphicsDeviceInfo: _graphics_device_info,
    Unknown: lambda _: st.builds(Unknown, st.integers(17, 2**32 - 1), data),
}

#: Pairs of a message and a layout under which it can be sent.
messages_with_layouts = st.one_of(
    [
        st.tuples(values(layout), st.just(layout))
        for layout in LAYOUTS
        for values in VALUES.values()
    ]
)


def _frame(pair: tuple[Message, Layout], port: int, per_chunk: int) -> bytes:
    value, layout = pair
    return frame(value.number, Codec().encode(value, layout), port, per_chunk)


_frames = st.builds(
    _frame, messages_with_layouts, st.integers(1, 2), st.sampled_from([1, 19, 100])
)

_sizes = st.one_of(
    st.integers(0, 64),
    st.sampled_from([2048, 2049, 2**31 - 1, 2**31, 2**32 - 1]),
)
_chunk_headers = st.builds(
    struct.Struct("<II").pack, st.sampled_from([1, 1, 2, 0, 3, 2**32 - 1]), _sizes
)
_message_headers = st.builds(
    struct.Struct("<IIQI").pack,
    st.sampled_from([1, 1, 1, 0, 2]),
    st.integers(0, 18),
    u64,
    _sizes,
)


#: Streams that begin well more often than not, and break in the middle.
broken_streams = st.lists(
    st.one_of(
        _frames,
        st.builds(frame, st.integers(1, 18), st.binary(max_size=40)),
        st.builds(operator.add, _chunk_headers, _message_headers),
        _chunk_headers,
        st.binary(max_size=40),
    ),
    max_size=6,
).map(b"".join)

_numbers = st.sampled_from(
    [
        *(0, 1, 2, 3, 4, -1, 255, 256),
        *(2**16 - 1, 2**16, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1),
        *(2**32 - 1, 2**32, 2**64 - 1, 2**64),
    ]
)
_optional_numbers = st.none() | _numbers


def _many(item: object, count: int) -> tuple[object, ...]:
    return (item,) * count


_long_tuples = st.builds(
    _many, _numbers, st.sampled_from([0, 1, 8, 9, 32, 33, 255, 256])
)
_counts = st.sampled_from([0, 1, 2, 64, 65, 76, 77])
_monitors = st.builds(
    MonConfig,
    *[_numbers] * 5,
    st.sampled_from([0, 1, 2**16 - 1, 2**16]),
    st.sampled_from([0, 1, 2**16 - 1, 2**16]),
)
_addresses = st.sampled_from([b"", b"pci", b"\0", b"p\0", b"p" * 255, b"p" * 256])
_devices = st.builds(DeviceDisplayInfo, *[st.sampled_from([0, 2**32])] * 3, _addresses)

#: Values with the right types in their fields, be they in range or not.
wild_messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(MouseState, *[_numbers] * 4),
    st.builds(MonitorsConfig, _numbers, st.builds(_many, _monitors, _counts)),
    st.builds(Reply, *[_numbers] * 2),
    st.builds(Clipboard, *[_numbers] * 2, data),
    st.builds(DisplayConfig, *[_numbers] * 2),
    st.builds(AnnounceCapabilities, _numbers, _long_tuples),
    st.builds(ClipboardGrab, _numbers, _long_tuples, _optional_numbers),
    st.builds(ClipboardRequest, *[_numbers] * 2),
    st.builds(ClipboardRelease, _numbers),
    st.builds(
        FileXferStart, _numbers, st.text(max_size=9), _numbers, *[_optional_numbers] * 2
    ),
    st.builds(FileXferStatus, *[_numbers] * 2, *[_optional_numbers] * 3),
    st.builds(FileXferData, _numbers, data),
    st.builds(MaxClipboard, _numbers),
    st.builds(AudioVolumeSync, st.booleans(), st.booleans(), _long_tuples),
    st.builds(GraphicsDeviceInfo, st.builds(_many, _devices, _counts)),
)
