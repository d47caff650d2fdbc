"""The benchmarks run: one round of those that take no long."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def bench(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.mark.parametrize("work", ["small", "fanout"])
def test_a_round_gives_each_contestant_a_figure(tmp_path, work):
    path = tmp_path / "bench.json"
    ended = bench(work, "--rounds=1", f"--json={path}")
    assert ended.returncode == 0, ended.stderr
    for race in json.loads(path.read_text())["races"]:
        assert "vdproxy" in race["figures"]
        assert f"### {race['work']}" in ended.stdout
        for figures in race["rounds"].values():
            assert all(value > 0 for value in figures[0].values())


def test_work_that_there_is_not_is_an_error():
    ended = bench("bulk", "smal")
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith(
        "python -m bench: error: smal is none of bulk, small, "
    )
