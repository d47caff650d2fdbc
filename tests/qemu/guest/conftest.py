"""The guest of a file's tests, and vdproxy in front of it for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.qemu.guest.linux import Linux
from tests.qemu.guest.proxied import ProxiedGuest


@pytest.fixture(scope="module")
def linux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Linux]:
    """A guest, which tests may leave in any state."""
    with Linux(tmp_path_factory.mktemp("linux")) as linux:
        yield linux


@pytest.fixture(params=["by bytes", "by QMP"])
def guest(
    request: pytest.FixtureRequest, linux: Linux, tmp_path: Path
) -> Iterator[ProxiedGuest]:
    """A guest with an agent that vdproxy has found, and nothing in its clipboard."""
    linux.run("pidof spice-vdagent && pidof spice-vdagentd || start-agent")
    linux.run("killall xclip; rm -f /tmp/files/*")
    guest = ProxiedGuest(linux, tmp_path, told=request.param == "by QMP")
    with guest.vdproxy:
        guest.wait_until_up(1)
        yield guest
