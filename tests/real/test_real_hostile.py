"""What vdproxy refuses of a client, of which a real agent hears nothing."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.peers.programs import wait_for
from tests.peers.viewer import CLIPBOARD, NONE, TEXT, Viewer
from tests.real.guest import ACCEPTED, LAYOUTS, OFFER, Guest
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.constants import FileXferStatusResult, MessageType, ReplyError
from vdproxy.wire.messages import (
    AudioVolumeSync,
    Clipboard,
    FileXferStart,
    FileXferStatus,
    MonConfig,
    MonitorsConfig,
    Reply,
)

CAN_SEND_DATA = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA
ERROR = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_ERROR
SUCCESS = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_SUCCESS
ANSWERED = (MessageType.VD_AGENT_MONITORS_CONFIG, MessageType.VD_AGENT_DISPLAY_CONFIG)
REFUSED = Reply(MessageType.VD_AGENT_MONITORS_CONFIG, ReplyError.VD_AGENT_ERROR)

#: Something to ask of the agent, and its bytes: the headers, and two and five numbers.
REQUEST = MonitorsConfig(0, (MonConfig(800, 600),))
REQUEST_SIZE = 8 + 20 + 4 * (2 + 5)

WITH_SELECTION = [
    pytest.param(caps, id=name)
    for name, caps in {"all": OFFER, **LAYOUTS}.items()
    if name != "plain"
]


@pytest.fixture
def guest(shared_guest: Guest) -> Iterator[Guest]:
    """A guest in which the same agent works for others before and after the test."""
    pids = shared_guest.agent.pids
    with shared_guest.viewer() as bystander:
        yield shared_guest
        check(shared_guest, bystander)
        assert bystander.messages(FileXferStatus)[2:] == []
    assert shared_guest.agent.pids == pids
    assert shared_guest.agent.connections_logged == 1


def check(guest: Guest, viewer: Viewer) -> None:
    """Have the daemon and its session agent each do something for *viewer*."""
    viewer.send(REQUEST)
    assert viewer.expect(Reply) == ACCEPTED
    assert viewer.send_file(1, "innocent", b"whole") == SUCCESS
    file = guest.agent.files / "innocent"
    assert file.read_bytes() == b"whole"
    file.unlink()
    assert list(guest.agent.files.iterdir()) == []
    guest.agent.copy("innocent")
    wait_for(lambda: viewer.paste().data == b"innocent", 5, "innocent text")
    guest.agent.stop_copying()
    guest.wait_until_free()


@contextmanager
def unheard(guest: Guest, viewer: Viewer) -> Iterator[None]:
    """Show that of what *viewer* sends inside, nothing is passed on."""
    before = guest.relay.bytes_to_guest
    yield
    # All that went before has been dealt with when this is answered.
    viewer.send(REQUEST)
    assert viewer.expect(Reply) == ACCEPTED
    assert guest.relay.bytes_to_guest - before == REQUEST_SIZE


@pytest.mark.parametrize("count", [0x40000000, 0xFFFFFFFF, 1, 65])
@pytest.mark.parametrize("flags", [0, 2])
def test_a_count_of_monitors_that_is_not_there_is_refused(
    guest: Guest, count: int, flags: int
):
    """4.3/2."""
    with guest.viewer() as hostile, unheard(guest, hostile):
        hostile.send_payload(
            MessageType.VD_AGENT_MONITORS_CONFIG, struct.pack("<II", count, flags)
        )
        assert hostile.expect(Reply) == REFUSED


@pytest.mark.parametrize("size", [4, 8_000_000, 2**32 + 3, 2**64 - 1, 0])
def test_a_size_of_file_data_that_is_not_theirs_is_refused(guest: Guest, size: int):
    """4.3/3."""
    with guest.viewer() as hostile:
        assert hostile.begin_file(9, "hostile", 8_000_000) == CAN_SEND_DATA
        hostile.send_payload(
            MessageType.VD_AGENT_FILE_XFER_DATA, struct.pack("<IQ", 9, size) + b"abc"
        )
        assert hostile.file_result(9) == ERROR
        wait_for(lambda: not list(guest.agent.files.iterdir()), 5, "no file")


@pytest.mark.parametrize("count", [3, 200, 255])
def test_channels_of_sound_that_are_not_there_are_refused(guest: Guest, count: int):
    """4.3/4."""
    with guest.viewer() as hostile:
        with unheard(guest, hostile):
            hostile.send_payload(
                MessageType.VD_AGENT_AUDIO_VOLUME_SYNC,
                struct.pack("<BBB2H", 1, 0, count, 1, 2),
            )
        before = guest.relay.bytes_to_guest
        hostile.send(AudioVolumeSync(True, False, (1, 2)))
        wait_for(lambda: guest.relay.bytes_to_guest > before, 5, "sound in the guest")


START = b"[vdagent-file-xfer]\nname=%b\nsize=10\n"


@pytest.mark.parametrize(
    "key_file",
    [
        START % b"no NUL",
        (START % b"two NULs\0") + b"\0",
        b"\0",
        b"",
        b"[vdagent-file-xfer]\nname=x\nsize=99999999999999999999\n\0",
        b"[vdagent-file-xfer]\nname=x\nsize=-1\n\0",
        b"[vdagent-file-xfer]\nsize=10\n\0",
        START % b"\xff\xfe" + b"\0",
    ],
)
def test_a_file_whose_key_file_is_none_is_refused(guest: Guest, key_file: bytes):
    """4.3/5."""
    with guest.viewer() as hostile, unheard(guest, hostile):
        hostile.send_payload(
            MessageType.VD_AGENT_FILE_XFER_START, struct.pack("<I", 9) + key_file
        )
        assert hostile.file_result(9) == ERROR


@pytest.mark.parametrize(
    "name",
    ["../up", "../../../tmp/up", "/tmp/absolute", "a/../../b", "..", ".", "", "a\\b"],
)
def test_a_file_whose_name_has_a_path_in_it_is_refused(guest: Guest, name: str):
    with guest.viewer() as hostile, unheard(guest, hostile):
        hostile.send(FileXferStart(9, name, 10))
        assert hostile.file_result(9) == ERROR


@pytest.mark.parametrize("caps", WITH_SELECTION)
def test_a_request_for_a_selection_that_does_not_exist_is_answered_with_nothing(
    guest: Guest, caps: Capabilities
):
    """4.3/6."""
    with guest.viewer(caps) as hostile, unheard(guest, hostile):
        hostile.send_payload(
            MessageType.VD_AGENT_CLIPBOARD_REQUEST, struct.pack("<BxxxI", 200, TEXT)
        )
        assert hostile.expect(Clipboard) == Clipboard(CLIPBOARD, NONE, b"")


@pytest.mark.parametrize("caps", WITH_SELECTION)
@pytest.mark.parametrize(
    "number",
    [
        MessageType.VD_AGENT_CLIPBOARD_GRAB,
        MessageType.VD_AGENT_CLIPBOARD,
        MessageType.VD_AGENT_CLIPBOARD_RELEASE,
    ],
)
def test_a_selection_that_does_not_exist_is_not_grabbed_given_or_released(
    guest: Guest, caps: Capabilities, number: MessageType
):
    """4.3/6."""
    rest = b"" if number == MessageType.VD_AGENT_CLIPBOARD_RELEASE else bytes(3 * 4)
    with guest.viewer(caps) as hostile:
        with unheard(guest, hostile):
            hostile.send_payload(number, b"\xc8\0\0\0" + rest)
        check(guest, hostile)


@pytest.mark.parametrize(
    "number",
    [
        MessageType.VD_AGENT_MOUSE_STATE,
        MessageType.VD_AGENT_MONITORS_CONFIG,
        MessageType.VD_AGENT_CLIPBOARD,
        MessageType.VD_AGENT_DISPLAY_CONFIG,
        MessageType.VD_AGENT_CLIPBOARD_GRAB,
        MessageType.VD_AGENT_CLIPBOARD_REQUEST,
        MessageType.VD_AGENT_CLIPBOARD_RELEASE,
        MessageType.VD_AGENT_FILE_XFER_START,
        MessageType.VD_AGENT_FILE_XFER_STATUS,
        MessageType.VD_AGENT_FILE_XFER_DATA,
        MessageType.VD_AGENT_MAX_CLIPBOARD,
        MessageType.VD_AGENT_AUDIO_VOLUME_SYNC,
        MessageType.VD_AGENT_GRAPHICS_DEVICE_INFO,
    ],
)
def test_a_message_that_is_too_short_is_refused(guest: Guest, number: MessageType):
    with guest.viewer() as hostile, unheard(guest, hostile):
        hostile.send_payload(number, b"\1\0")
        if number in ANSWERED:
            assert hostile.expect(Reply) == Reply(number, ReplyError.VD_AGENT_ERROR)


def test_a_client_reaches_no_transfer_but_its_own(guest: Guest):
    """H5, H6, H7."""
    with guest.viewer() as sender, guest.viewer() as hostile:
        assert sender.begin_file(1, "target", 6) == CAN_SEND_DATA
        with unheard(guest, hostile):
            for id in range(256):
                hostile.send_file_data(id, b"forged")
                hostile.send(FileXferStatus(id, ERROR))
        sender.send_file_data(1, b"honest")
        assert sender.file_result(1) == SUCCESS
        file = guest.agent.files / "target"
        assert file.read_bytes() == b"honest"
        file.unlink()
