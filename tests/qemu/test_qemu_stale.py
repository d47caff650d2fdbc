"""What was for one agent, behind the port of a real QEMU, and the next agent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.peers.viewer import CLIPBOARD
from tests.qemu.scene import Scene, check_service
from vdproxy.wire.constants import FileXferStatusResult
from vdproxy.wire.messages import (
    AnnounceCapabilities,
    ClipboardGrab,
    FileXferData,
    FileXferStart,
    FileXferStatus,
    MonConfig,
    MonitorsConfig,
)

CAN_SEND_DATA = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA
CANCELLED = FileXferStatusResult.VD_AGENT_FILE_XFER_STATUS_CANCELLED

#: More than QEMU and the kernel hold between them.
LARGE = 5_000_000

roles = pytest.mark.parametrize("connects", [False, True], ids=["listens", "connects"])


@roles
def test_what_is_sent_to_a_closed_port_reaches_the_next_agent_whole(
    tmp_path: Path, connects: bool
):
    with Scene(tmp_path, connects=connects) as scene:
        with scene.agent():
            viewer = scene.viewer()
        viewer.send(MonitorsConfig(0, (MonConfig(640, 480),)))
        viewer.copy(b"of a client")
        viewer.send(FileXferStart(1, "file", 1))
        with scene.agent() as agent:
            assert agent.expect(ClipboardGrab).selection == CLIPBOARD
            check_service(agent, viewer)
            # Later it would wait for what it says last to be read.
            scene.vdproxy.stop()


@roles
def test_of_a_file_that_an_agent_leaves_unread_the_next_one_sees_nothing(
    tmp_path: Path, connects: bool
):
    with (
        Scene(tmp_path, connects=connects, watched=True) as scene,
        ThreadPoolExecutor() as pool,
    ):
        with scene.agent() as agent:
            viewer = scene.viewer()
            viewer.send(FileXferStart(1, "file", LARGE))
            agent.expect(FileXferStart)
            agent.send(FileXferStatus(1, CAN_SEND_DATA))
            assert viewer.file_result(1) == CAN_SEND_DATA
            agent.stall()
            pushed = pool.submit(viewer.send_file_data, 1, bytes(LARGE))
            scene.wait_until_unread()
        assert viewer.file_result(1) == CANCELLED
        scene.wait_until_connected(2)
        with scene.agent() as agent:
            check_service(agent, viewer)
            assert isinstance(agent.received[0].message, AnnounceCapabilities)
            kinds = {type(received.message) for received in agent.received}
            assert not kinds & {FileXferStart, FileXferData}
        pushed.result(10)
