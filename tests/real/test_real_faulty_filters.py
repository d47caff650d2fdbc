"""Filters that fail on one client, and a real guest and all others meanwhile."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.peers.programs import wait_for
from tests.peers.viewer import CLIPBOARD, NONE
from tests.real.guest import LAYOUTS, Guest
from vdproxy.wire.capabilities import Capabilities
from vdproxy.wire.constants import Capability, FileXferStatusResult
from vdproxy.wire.messages import (
    Clipboard,
    ClipboardGrab,
    ClipboardRequest,
    FileXferStart,
)

DISABLED = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_DISABLED
SUCCESS = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_SUCCESS

#: Within how many seconds a client that waits for data is answered.
SECONDS = 3.0

#: How long vdproxy waits for a filter, seconds, and after how many failures in a row
#: it does so no more.
LIMIT = 5.0
FAILURES = 5

SECRET = "of the ill one"

#: What clients are offered where nothing passes: not even files.
NOTHING = Capabilities.of(Capability.VD_AGENT_CAP_FILE_XFER_DISABLED)


@contextmanager
def guest_with(
    directory: Path, faults: Sequence[str], required: str = ""
) -> Iterator[Guest]:
    """
    Run a guest with a filter for each fault, of that name.

    Each fails on the clients of that name alone.
    """
    declarations = directory / "plugins/twisted/plugins"
    declarations.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("faulty.py"), directory / "plugins")
    lines = ["from vdproxy.makers import FilterMaker"]
    options = [f"filters = {' '.join(faults)}", f"required = {required}"]
    for number, fault in enumerate(faults):
        lines.append(f"m{number} = FilterMaker({fault!r}, 'faulty', 'A fixture.')")
        options += [f"[vm:real client:{fault} filter:{fault}]", f"fault = {fault}"]
    (declarations / "vdproxy_faulty.py").write_text("\n".join(lines))
    guest = Guest(
        directory, "\n".join(options), names=faults, plugins=directory / "plugins"
    )
    try:
        yield guest
    finally:
        guest.close()


@pytest.fixture(scope="module")
def tolerant_guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    faults = ("raise", "answer", "block", "hang", "hang-on-data")
    with guest_with(tmp_path_factory.mktemp("guest"), faults) as guest:
        yield guest


@pytest.fixture
def guest(tolerant_guest: Guest) -> Iterator[Guest]:
    """A guest whose vdproxy can do without its filters."""
    yield tolerant_guest
    tolerant_guest.agent.stop_copying()
    tolerant_guest.wait_until_free()
    assert SECRET not in tolerant_guest.vdproxy.log


def wait_for_paste(guest: Guest, text: str, seconds: float = 2.0) -> None:
    wait_for(lambda: guest.pasted() == text, seconds, f"{text!r} in the guest")


def assert_others_go_on(guest: Guest) -> None:
    """Have guest and clients exchange text and a file as if nothing were wrong."""
    with guest.viewer() as one, guest.viewer(LAYOUTS["plain"]) as two:
        one.copy(b"of one")
        wait_for_paste(guest, "of one")
        assert two.paste(timeout=1).data == b"of one"
        guest.agent.copy("of the guest")
        for viewer in (one, two):
            wait_for(lambda v=viewer: v.paste().data == b"of the guest", 2, "text")
        assert one.send_file(1, "whole", b"data") == SUCCESS
    file = guest.agent.files / "whole"
    assert file.read_bytes() == b"data"
    file.unlink()
    guest.agent.stop_copying()


def times(guest: Guest, text: str) -> int:
    return guest.vdproxy.log.count(text)


@pytest.mark.parametrize("fault", ["raise", "answer"])
def test_all_passes_a_filter_that_fails_and_it_is_benched(guest: Guest, fault: str):
    with guest.viewer(name=fault) as ill:
        assert_others_go_on(guest)
        ill.copy(SECRET.encode())
        wait_for_paste(guest, SECRET)
        for _ in range(FAILURES):
            ill.copy(SECRET.encode())
        benched = f"filter {fault} is benched, and all passes without it"
        wait_for(lambda: times(guest, benched) == 1, 2, "benching")
        assert_others_go_on(guest)
        ill.copy(SECRET.encode())
        wait_for_paste(guest, SECRET)


def test_a_filter_that_blocks_takes_its_time_and_no_more(guest: Guest):
    with guest.viewer(name="block") as ill:
        ill.copy(SECRET.encode())
        assert_others_go_on(guest)
        ill.copy(SECRET.encode())
        wait_for_paste(guest, SECRET)
        assert ill.send_file(1, "of the ill one", b"data") == SUCCESS
    (guest.agent.files / "of the ill one").unlink()
    assert "everything else stood still" in guest.vdproxy.log


def test_nobody_waits_longer_for_data_because_a_filter_hangs(guest: Guest):
    with (
        guest.viewer(name="hang-on-data") as ill,
        guest.viewer(name="hang-on-data") as reader,
        guest.viewer() as other,
        ThreadPoolExecutor() as pool,
    ):
        ill.copy(SECRET.encode())
        guest.wait_until_offered()
        paste = pool.submit(guest.pasted)
        assert other.paste(timeout=SECONDS) == Clipboard(CLIPBOARD, NONE, b"")
        assert paste.result() == ""
        assert len(ill.messages(ClipboardRequest)) == 1
        other.copy(b"of the other")
        wait_for_paste(guest, "of the other")
        assert reader.paste(timeout=SECONDS) == Clipboard(CLIPBOARD, NONE, b"")


def test_all_passes_a_filter_that_hangs_after_five_seconds(guest: Guest):
    with ExitStack() as stack:
        ills = [stack.enter_context(guest.viewer(name="hang")) for _ in range(FAILURES)]
        began = time.monotonic()
        for ill in ills:
            ill.copy(SECRET.encode())
        assert_others_go_on(guest)
        assert time.monotonic() < began + LIMIT
        assert all(ill.messages(ClipboardGrab) == [] for ill in ills)
        wait_for_paste(guest, SECRET, LIMIT + 1)
        assert time.monotonic() >= began + LIMIT
        benched = "filter hang is benched, and all passes without it"
        wait_for(lambda: times(guest, benched) == 1, 2, "benching")
        assert_others_go_on(guest)
        ills[0].copy(SECRET.encode())
        wait_for_paste(guest, SECRET)


@pytest.mark.parametrize("fault", ["raise", "answer", "hang"])
def test_nothing_passes_a_required_filter_that_fails_and_nobody_waits(
    tmp_path: Path, fault: str
):
    with guest_with(tmp_path, [fault], required=fault) as guest, ExitStack() as stack:
        owner, other = [stack.enter_context(guest.viewer()) for _ in range(2)]
        ills = [stack.enter_context(guest.viewer(name=fault)) for _ in range(FAILURES)]
        for ill in ills:
            ill.send(FileXferStart(1, "refused", 1))
        if fault == "hang":
            # Until it is given up it says yes to what others do.
            assert_others_go_on(guest)
            owner.copy(b"of a client")
            wait_for_paste(guest, "of a client")
        for ill in ills:
            assert ill.file_result(1, LIMIT + 1) == DISABLED
        benched = f"filter {fault} is benched, and nothing passes"
        wait_for(lambda: times(guest, benched) == 1, 2, "benching")

        asked = len(owner.messages(ClipboardRequest))
        assert guest.pasted() == ""
        guest.agent.copy("of the guest")
        owner.copy(b"of a client")
        assert other.paste(timeout=SECONDS) == Clipboard(CLIPBOARD, NONE, b"")
        assert guest.agent.paste() == "of the guest"
        assert len(owner.messages(ClipboardRequest)) == asked
        for viewer in (owner, other, *ills):
            viewer.send(FileXferStart(2, "refused", 1))
            assert viewer.file_result(2, SECONDS) == DISABLED
        assert list(guest.agent.files.iterdir()) == []
        with guest.viewer() as late:
            assert late.offer == NOTHING
        assert guest.agent.connections_logged == 1
