"""A real QEMU that ends and comes back, and what that costs vdproxy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers.programs import wait_for
from tests.peers.usage import files_of, resident_of
from tests.qemu.scene import Scene, check_service

RESTARTS = 50

#: Restarts after which everything has been loaded and grown that does so once.
SETTLED = 10

#: How much more memory vdproxy may have after all the others, KiB.
GROWTH = 256


@pytest.mark.parametrize("connects", [False, True], ids=["listens", "connects"])
def test_fifty_restarts_of_qemu_leave_nothing_in_vdproxy(
    tmp_path: Path, connects: bool
):
    files, memory = [], []
    with Scene(tmp_path, connects=connects, watched=True) as scene:
        pid = scene.vdproxy.pid
        with scene.agent():
            viewer = scene.viewer()
        for _ in range(RESTARTS):
            with scene.agent() as agent:
                check_service(agent, viewer)
                files.append(files_of(pid))
                memory.append(resident_of(pid))
                scene.machine.kill()
            scene.machine.start()
        with scene.agent() as agent:
            check_service(agent, viewer)
            # QMP may take longer to be there again than the port.
            wait_for(
                lambda: files_of(pid) == files[0],
                10,
                "as few open files",
                lambda: f"{files}, {files_of(pid)}",
            )
    assert max(files) == files[0]
    assert max(memory) - max(memory[:SETTLED]) < GROWTH, memory
