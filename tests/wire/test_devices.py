from __future__ import annotations

import struct

import pytest

from tests.wire.decoding import (
    NEITHER,
    check_vector,
    decode_each_way,
    each_layout,
    refuse_decoding,
    refuse_encoding,
    refuse_payload_each_way,
    refuse_size_each_way,
)
from vdproxy.wire.codec import Codec
from vdproxy.wire.messages import (
    AudioVolumeSync,
    DeviceDisplayInfo,
    DisplayConfig,
    GraphicsDeviceInfo,
    MonConfig,
    MonitorsConfig,
    MouseState,
)

MOUSE, MONITORS, DISPLAY, AUDIO, DEVICES = 1, 2, 5, 15, 16

PHYSICAL_SIZE = 2
TOO_MANY_U32 = [-1, 2**32]

FULL_HD = "38040000 80070000 20000000"
LEFT_OF_IT = "80f8ffff 0a000000"


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        ("64000000 c8000000 0a000000 01", MouseState(100, 200, 0b1010, 1)),
        ("00000000 00000000 00000000 00", MouseState(0, 0, 0, 0)),
        (
            "ffffffff ffffffff ffffffff ff",
            MouseState(2**32 - 1, 2**32 - 1, 2**32 - 1, 255),
        ),
    ],
)
@each_layout
def test_mouse_state(layout, spelling, value):
    check_vector(MOUSE, spelling, layout, value)


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        ("00000000 00000000", MonitorsConfig(0, ())),
        ("00000000 03000000", MonitorsConfig(3, ())),
        (
            f"01000000 01000000 {FULL_HD} {LEFT_OF_IT}",
            MonitorsConfig(1, (MonConfig(1920, 1080, 32, -1920, 10),)),
        ),
        (
            f"02000000 00000000 {FULL_HD} 00000000 00000000"
            "00000000 00000000 00000000 00000000 00000000",
            MonitorsConfig(0, (MonConfig(1920, 1080), MonConfig(0, 0, 0))),
        ),
        (
            f"02000000 03000000 {FULL_HD} {LEFT_OF_IT}"
            "58020000 20030000 20000000 00000000 00000000"
            "2c01 1202 6400 c800",
            MonitorsConfig(
                3,
                (
                    MonConfig(1920, 1080, 32, -1920, 10, 530, 300),
                    MonConfig(800, 600, 32, 0, 0, 200, 100),
                ),
            ),
        ),
        (
            f"01000000 02000000 {FULL_HD} 00000000 00000000 0000 0000",
            MonitorsConfig(2, (MonConfig(1920, 1080),)),
        ),
        (
            f"01000000 fcffffff {FULL_HD} 00000000 00000000",
            MonitorsConfig(2**32 - 4, (MonConfig(1920, 1080),)),
        ),
    ],
)
@each_layout
def test_monitors_config_has_heights_first(layout, spelling, value):
    check_vector(MONITORS, spelling, layout, value)


@pytest.mark.parametrize("flags", [0, 1, 2, 3])
def test_a_monitors_config_may_have_64_monitors(flags):
    monitors = tuple(MonConfig(n, 2 * n, 24, -n, n) for n in range(64))
    payload = Codec().encode(MonitorsConfig(flags, monitors), NEITHER)
    assert len(payload) == 8 + (24 if flags & PHYSICAL_SIZE else 20) * 64
    assert decode_each_way(MONITORS, payload) == MonitorsConfig(flags, monitors)


@pytest.mark.parametrize(
    ("flags", "told"), [(0, False), (1, False), (2, True), (3, True), (4, False)]
)
def test_sizes_in_millimetres_are_told_with_their_flag(flags, told):
    assert MonitorsConfig(flags, ()).has_physical_size is told


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        ("08000000 10000000", DisplayConfig(8, 16)),
        ("07000000 00000000", DisplayConfig(7, 0)),
        ("ffffffff ffffffff", DisplayConfig(2**32 - 1, 2**32 - 1)),
    ],
)
@each_layout
def test_display_config(layout, spelling, value):
    check_vector(DISPLAY, spelling, layout, value)


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        ("01 00 02 ffff 0080", AudioVolumeSync(True, False, (65535, 32768))),
        ("00 01 01 0100", AudioVolumeSync(False, True, (1,))),
        ("00 00 00", AudioVolumeSync(False, False, ())),
        ("01 01 ff" + "3412" * 255, AudioVolumeSync(True, True, (0x1234,) * 255)),
    ],
)
@each_layout
def test_audio_volume_sync(layout, spelling, value):
    check_vector(AUDIO, spelling, layout, value)


def test_any_number_but_0_is_true_on_the_wire():
    payload = bytes.fromhex("02 ff 00")
    assert decode_each_way(AUDIO, payload) == AudioVolumeSync(True, True, ())


TWO_DEVICES = (
    "02000000"
    "00000000 01000000 02000000 0e000000 7063692f303030302f30322e3000"
    "01000000 00000000 00000000 01000000 00"
)


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        ("00000000", GraphicsDeviceInfo(())),
        (
            TWO_DEVICES,
            GraphicsDeviceInfo(
                (
                    DeviceDisplayInfo(0, 1, 2, b"pci/0000/02.0"),
                    DeviceDisplayInfo(1, 0, 0, b""),
                )
            ),
        ),
    ],
)
@each_layout
def test_graphics_device_info(layout, spelling, value):
    check_vector(DEVICES, spelling, layout, value)


def test_64_devices_with_the_longest_addresses():
    value = GraphicsDeviceInfo((DeviceDisplayInfo(1, 2, 3, b"p" * 255),) * 64)
    payload = Codec().encode(value, NEITHER)
    assert len(payload) == 4 + 64 * (16 + 256)
    assert decode_each_way(DEVICES, payload) == value


@pytest.mark.parametrize(("number", "exact"), [(MOUSE, 13), (DISPLAY, 8)])
def test_a_message_of_one_size_has_no_other(number, exact):
    for size in range(exact):
        refuse_payload_each_way(number, bytes(size))
    refuse_size_each_way(number, bytes(exact + 1))
    refuse_decoding(number, bytes(exact + 1))


def test_monitors_too_short_for_count_and_flags_are_refused():
    for size in range(8):
        refuse_payload_each_way(MONITORS, bytes(size))


@pytest.mark.parametrize("count", [65, 0x40000000, 2**31, 2**32 - 1])
@pytest.mark.parametrize("flags", [0, 2])
def test_a_count_of_monitors_beyond_all_bounds_is_refused(count, flags):
    said = refuse_payload_each_way(MONITORS, struct.pack("<II", count, flags))
    assert f"{count} monitors" in said


@pytest.mark.parametrize("padding", range(0, 64, 20))
def test_a_count_that_is_right_in_32_bits_only_is_refused(padding):
    count = 0x40000000 + padding // 20
    assert count * 20 % 2**32 == padding
    payload = struct.pack("<II", count, 0) + bytes(padding)
    assert f"{count} monitors" in refuse_payload_each_way(MONITORS, payload)


def test_65_monitors_are_refused():
    payload = struct.pack("<II", 65, 0) + bytes(20 * 65)
    assert "65 monitors" in refuse_payload_each_way(MONITORS, payload)


def test_65_monitors_with_sizes_are_over_the_limit():
    payload = struct.pack("<II", 65, PHYSICAL_SIZE) + bytes(24 * 65)
    refuse_size_each_way(MONITORS, payload)
    assert "65 monitors" in refuse_decoding(MONITORS, payload)


@pytest.mark.parametrize("flags", [0, 1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_monitors_in_any_other_size_are_refused(flags, count):
    exact = (24 if flags & PHYSICAL_SIZE else 20) * count
    for size in {*range(0, 100, 4), exact - 1, exact + 1} - {exact, -1}:
        payload = struct.pack("<II", count, flags) + bytes(size)
        assert f"take {8 + exact}" in refuse_payload_each_way(MONITORS, payload)


def test_monitors_without_the_sizes_that_their_flag_announces_are_refused():
    payload = struct.pack("<II", 2, PHYSICAL_SIZE) + bytes(40)
    assert "take 56" in refuse_payload_each_way(MONITORS, payload)


@pytest.mark.parametrize(
    "spelling", ["", "01", "0101", "010101", "01010100", "01010100000000", "00000000"]
)
def test_volumes_in_any_other_size_than_their_count_are_refused(spelling):
    refuse_payload_each_way(AUDIO, bytes.fromhex(spelling))


def test_200_channels_of_which_two_are_there_are_refused():
    payload = bytes.fromhex("01 00 c8 ffff ffff")
    assert "200 channels" in refuse_payload_each_way(AUDIO, payload)


def test_volumes_behind_all_channels_are_over_the_limit():
    payload = bytes.fromhex("01 00 ff") + bytes(2 * 256)
    refuse_size_each_way(AUDIO, payload)
    refuse_decoding(AUDIO, payload)


def test_devices_cut_anywhere_are_refused():
    whole = bytes.fromhex(TWO_DEVICES)
    for size in range(len(whole)):
        refuse_payload_each_way(DEVICES, whole[:size])


def test_bytes_behind_the_last_device_are_refused():
    for more in (b"\0", bytes(16), bytes(17)):
        refuse_payload_each_way(DEVICES, bytes.fromhex(TWO_DEVICES) + more)
        refuse_payload_each_way(DEVICES, bytes(4) + more)


@pytest.mark.parametrize("count", [65, 2**31, 2**32 - 1])
def test_a_count_of_devices_beyond_all_bounds_is_refused(count):
    payload = struct.pack("<I", count) + (bytes(12) + b"\x01\0\0\0\0") * 65
    assert f"{count} devices" in refuse_payload_each_way(DEVICES, payload)


def device(length, address):
    return struct.pack("<IIIII", 1, 0, 0, 0, length) + address


@pytest.mark.parametrize(
    ("length", "address"),
    [
        (0, b""),
        (1, b"a"),
        (3, b"pci"),
        (4, b"\0pci"),
        (5, b"pc\0i\0"),
        (5, b"pci\0\0"),
        (5, b"pci\0"),
        (3, b"pci\0"),
        (257, b"p" * 256 + b"\0"),
        (2**31, b"pci\0"),
        (2**32 - 1, b"pci\0"),
    ],
)
def test_a_device_address_that_does_not_end_with_its_one_nul_is_refused(
    length, address
):
    refuse_payload_each_way(DEVICES, device(length, address))


@pytest.mark.parametrize("wrong", TOO_MANY_U32)
@pytest.mark.parametrize("field", range(3))
def test_a_mouse_field_that_is_no_32_bit_number_is_not_sent(field, wrong):
    fields = [1, 2, 3]
    fields[field] = wrong
    refuse_encoding(MouseState(*fields, 0))


@pytest.mark.parametrize("display", [-1, 256])
def test_a_display_that_is_no_byte_is_not_sent(display):
    refuse_encoding(MouseState(1, 2, 0, display))


@pytest.mark.parametrize(
    "monitor",
    [
        MonConfig(-1, 1),
        MonConfig(2**32, 1),
        MonConfig(1, -1),
        MonConfig(1, 2**32),
        MonConfig(1, 1, -1),
        MonConfig(1, 1, 2**32),
        MonConfig(1, 1, x=2**31),
        MonConfig(1, 1, x=-(2**31) - 1),
        MonConfig(1, 1, y=2**31),
        MonConfig(1, 1, y=-(2**31) - 1),
        MonConfig(1, 1, width_mm=2**16),
        MonConfig(1, 1, width_mm=-1),
        MonConfig(1, 1, height_mm=2**16),
        MonConfig(1, 1, height_mm=-1),
    ],
)
def test_a_monitor_that_does_not_fit_its_fields_is_not_sent(monitor):
    refuse_encoding(MonitorsConfig(PHYSICAL_SIZE, (monitor,)))


@pytest.mark.parametrize("flags", TOO_MANY_U32)
def test_flags_that_are_no_32_bit_number_are_not_sent(flags):
    refuse_encoding(MonitorsConfig(flags, ()))
    refuse_encoding(DisplayConfig(flags, 0))


@pytest.mark.parametrize(
    "monitor", [MonConfig(1, 1, width_mm=1), MonConfig(1, 1, height_mm=1)]
)
@pytest.mark.parametrize("flags", [0, 1, 4])
def test_sizes_in_millimetres_are_not_sent_without_their_flag(flags, monitor):
    assert "flag" in refuse_encoding(MonitorsConfig(flags, (monitor,)))


@pytest.mark.parametrize("flags", [0, PHYSICAL_SIZE])
def test_65_monitors_are_not_sent(flags):
    refuse_encoding(MonitorsConfig(flags, (MonConfig(1, 1),) * 65))


@pytest.mark.parametrize("depth", TOO_MANY_U32)
def test_a_depth_that_is_no_32_bit_number_is_not_sent(depth):
    refuse_encoding(DisplayConfig(0, depth))


@pytest.mark.parametrize("volume", [(-1,), (2**16,), (0,) * 256])
def test_volumes_that_do_not_fit_are_not_sent(volume):
    refuse_encoding(AudioVolumeSync(True, False, volume))


@pytest.mark.parametrize("wrong", TOO_MANY_U32)
@pytest.mark.parametrize("field", range(3))
def test_a_device_field_that_is_no_32_bit_number_is_not_sent(field, wrong):
    fields = [1, 2, 3]
    fields[field] = wrong
    refuse_encoding(GraphicsDeviceInfo((DeviceDisplayInfo(*fields, b"pci"),)))


def test_a_device_address_with_a_nul_in_it_is_not_sent():
    for address in (b"\0", b"pc\0i", b"pci\0"):
        refuse_encoding(GraphicsDeviceInfo((DeviceDisplayInfo(1, 2, 3, address),)))


def test_a_device_address_over_255_bytes_is_not_sent():
    refuse_encoding(GraphicsDeviceInfo((DeviceDisplayInfo(1, 2, 3, b"p" * 256),)))


def test_65_devices_are_not_sent():
    refuse_encoding(GraphicsDeviceInfo((DeviceDisplayInfo(1, 2, 3, b"pci"),) * 65))
