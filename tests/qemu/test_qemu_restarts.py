"""A real QEMU that ends and comes back, and what that costs vdproxy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.peers.programs import wait_for
from tests.qemu.scene import Scene, check_service

RESTARTS = 50

#: Restarts after which everything has been loaded and grown that does so once.
SETTLED = 10

#: How much more memory vdproxy may have after all the others, KiB.
GROWTH = 256


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def resident(pid: int) -> int:
    """Return the memory that a process has, KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    size = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    assert size is not None
    return int(size[1])


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
                files.append(open_files(pid))
                memory.append(resident(pid))
                scene.machine.kill()
            scene.machine.start()
        with scene.agent() as agent:
            check_service(agent, viewer)
            # QMP may take longer to be there again than the port.
            wait_for(
                lambda: open_files(pid) == files[0],
                10,
                "as few open files",
                lambda: f"{files}, {open_files(pid)}",
            )
    assert max(files) == files[0]
    assert max(memory) - max(memory[:SETTLED]) < GROWTH, memory
