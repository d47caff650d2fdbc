"""What a vdproxy holds, seen from the outside and the inside, and how it grows."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from statistics import linear_regression
from typing import NamedTuple

from tests.figures import report
from tests.peers.daemon import Vdproxy
from tests.peers.usage import files_of, resident_of

#: The configuration of a VM's probe, and of where it listens.
PROBE = "filters = probe\n[filter:probe]\nsocket = probe.sock\n"

#: Slopes a restart where nothing grows. Timers of the log come and go, with some 30
#: objects each; memory is taken by the page, now and then. A GuestLink that is not let
#: go of would be 50 objects, and one with its buffers 64 KiB.
_OBJECTS = 5.0
_KIBIBYTES = 8.0


class Held(NamedTuple):
    """Open files, delayed calls, what the reactor reads, objects, resident KiB."""

    files: int
    calls: int
    readers: int
    objects: int
    memory: int


def install(directory: Path) -> Path:
    """Make a folder with the probe for a vdproxy's plugins, and return it."""
    declarations = directory / "twisted/plugins"
    declarations.mkdir(parents=True)
    module = Path(__file__).with_name("probe.py")
    shutil.copy(module, directory / "lives_probe.py")
    (declarations / "vdproxy_probe.py").write_text(
        "from vdproxy.makers import FilterMaker\n"
        "probe = FilterMaker('probe', 'lives_probe', 'A fixture.')\n"
    )
    return directory


class Probe:
    """A connection to the probe in *vdproxy*, at *path*."""

    def __init__(self, vdproxy: Vdproxy, path: Path) -> None:
        self._pid = vdproxy.pid
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(str(path))
        self._lines = self._connection.makefile("rb")

    def close(self) -> None:
        self._lines.close()
        self._connection.close()

    def look(self) -> Held:
        self._connection.sendall(b"?\n")
        inside = json.loads(self._lines.readline())
        files, memory = files_of(self._pid), resident_of(self._pid)
        return Held(files, **inside, memory=memory)


def slope(values: Sequence[float]) -> float:
    """Return by how much the second half of *values* grows from one to the next."""
    later = values[len(values) // 2 :]
    return linear_regression(range(len(later)), later).slope


def check_growth(name: str, held: Sequence[Held]) -> None:
    """Report how much more is held a restart, and fail if that is not nothing."""
    files, _, readers, objects, memory = map(slope, zip(*held, strict=True))
    report(
        f"{name}, growth a restart",
        restarts=len(held),
        files=files,
        readers=readers,
        objects=objects,
        KiB=memory,
    )
    assert (files, readers) == (0, 0), held
    assert abs(objects) < _OBJECTS, [one.objects for one in held]
    assert memory < _KIBIBYTES, [one.memory for one in held]
