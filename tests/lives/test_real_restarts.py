"""The real agent, killed and started again, and what vdproxy keeps of that."""

from __future__ import annotations

from pathlib import Path

from tests.figures import report
from tests.lives.growth import slope
from tests.peers.usage import files_of, resident_of
from tests.real.guest import Guest

_RESTARTS = 10


def test_real_agents_leave_nothing(tmp_path: Path):
    files: list[int] = []
    memory: list[int] = []
    guest = Guest(tmp_path)
    try:
        with guest.viewer() as viewer:
            for life in range(_RESTARTS + 1):
                if life:
                    guest.agent.kill()
                    guest.restart_agent()
                viewer.copy(f"life {life}".encode())
                guest.wait_until_offered()
                assert guest.agent.paste() == f"life {life}"
                files.append(files_of(guest.vdproxy.pid))
                memory.append(resident_of(guest.vdproxy.pid))
    finally:
        guest.close()
    report(
        "restarts of spice-vdagentd, growth a restart",
        restarts=_RESTARTS,
        files=slope(files),
        KiB=slope(memory),
    )
    assert files == files[:1] * len(files)
