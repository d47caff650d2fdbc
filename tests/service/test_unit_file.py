"""The systemd unit: systemd understands it, and it is a small target."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.programs import PATH, find_program

UNIT = Path(__file__).parents[2] / "etc" / "systemd" / "vdproxy.service"

#: Of 100, where a service without any precautions has 96.
LARGEST_EXPOSURE = 20


@pytest.fixture
def analyze(tmp_path):
    """Run systemd-analyze on the unit, of which the programs are where ours are."""
    program = find_program("systemd-analyze", "systemd")
    ours = str(Path(sys.executable).parent)
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/vdproxy/bin", ours))

    def analyze(verb, *options):
        return subprocess.run(
            [program, verb, *options, "--no-pager", str(unit)],
            env={"PATH": PATH},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return analyze


def test_systemd_finds_nothing_wrong_with_it(analyze):
    done = analyze("verify", "--man=no")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_it_is_a_small_target(analyze):
    done = analyze("security", "--offline=yes", f"--threshold={LARGEST_EXPOSURE}")
    assert done.returncode == 0, done.stdout
    assert "Overall exposure level" in done.stdout


def test_it_checks_a_configuration_before_it_is_read_anew():
    reloads = [
        line.partition("=")[2]
        for line in UNIT.read_text().splitlines()
        if line.startswith("ExecReload=")
    ]
    assert reloads == [
        "/opt/vdproxy/bin/vdproxy check -c /etc/vdproxy/vdproxy.ini",
        "/bin/kill -HUP $MAINPID",
    ]
