"""
Audit: a line for each clipboard hand-over, each file and each refusal.

It lets everything pass. A line is a log event of the namespace ``vdproxy.audit`` at
level info and, with the option ``file``, a JSON object on a line of its own there.
Both have these fields, None (null) where they do not apply or are not known:

* ``time`` (JSON only): ISO 8601, UTC;
* ``vm``: the VM's name;
* ``event``: ``clipboard`` (data was handed over), ``file`` (a client began to send
  one to the guest) or ``refusal``;
* ``direction``: ``to-guest``, ``from-guest``, ``between-clients`` or, where only a
  client is known, ``from-client`` or ``to-client``;
* ``source``, ``source_frontend``, ``source_uid``: whom it comes from, ``guest`` or a
  client's label; the frontend that the client came through; its user id;
* ``target``, ``target_frontend``, ``target_uid``: whom it is for, likewise;
* ``client``: the label of the client that this is about: the source, or the target
  of what comes from the guest;
* ``message``: the message type's name in the SPICE header;
* ``type``: ``text``, ``png``, ``bmp``, ``tiff``, ``jpg``, ``file-list`` or a number;
  of a GRAB all of them, with commas;
* ``selection``: ``clipboard``, ``primary`` or ``secondary``;
* ``size``: bytes of the data, of the whole file, or of what could not be read;
* ``verdict``: ``passed``, ``refused`` or, of data that a handler sends on account of
  a refusal and no filter is asked about, ``answered``;
* ``filter``: the name of the one that refused, None if vdproxy itself did;
* ``reason``: its words.

Of each event 1,000 lines are written in ten seconds. Then comes one with the event
``left-out`` and, besides ``time`` and ``vm``, the fields ``of`` (an event) and
``count`` (of its lines that were not written).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from twisted.logger import Logger
from zope.interface import implementer

from vdproxy.api import VM, Decision, Filter, IAuditFilter, option
from vdproxy.filters.audit_file import AuditFile
from vdproxy.filters.audit_records import client_of, event_of, fields_of

#: Lines of one event in one period, and the period in seconds.
_LINES = 1000
_PERIOD = 10.0


@dataclass(frozen=True)
class Options:
    """Where the lines go besides the log."""

    file: Path | None = option(
        "a file that each line is appended to as a JSON object", None
    )

    def __post_init__(self) -> None:
        if self.file == Path():
            raise ValueError("file: a path is needed")


@implementer(IAuditFilter)
class AuditFilter(Filter):
    """Writes down who handed over what, and what was refused."""

    def __init__(self) -> None:
        self._logger = Logger(namespace="vdproxy.audit")
        self._lines: Counter[str] = Counter()
        self._files: dict[Path, AuditFile] = {}

    def start(self, vm: VM) -> None:
        self._vm = vm

    def stop(self) -> None:
        self._end_period()
        for file in self._files.values():
            file.close()

    def decided(self, decision: Decision) -> None:
        """Write a line, if the decision is worth one and there is room for it."""
        event = event_of(decision)
        if event is None:
            return
        if not self._lines:
            self._vm.clock.callLater(_PERIOD, self._end_period)
        self._lines[event] += 1
        if self._lines[event] <= _LINES:
            guest = self._vm.guest
            path = self._vm.options_for(client_of(decision, guest) or guest).file
            self._write(event, fields_of(decision, guest), path)

    def _end_period(self) -> None:
        lines, self._lines = self._lines, Counter()
        for event, count in lines.items():
            if count > _LINES:
                left_out = {"of": event, "count": count - _LINES}
                self._write("left-out", left_out, self._vm.options.file)

    def _write(
        self, event: str, fields: Mapping[str, object], path: Path | None
    ) -> None:
        told = " ".join(f"{k}={v!r}" for k, v in fields.items() if v is not None)
        self._logger.info(
            "{vm}: {event} {told}", vm=self._vm.name, event=event, told=told, **fields
        )
        if path is not None:
            time = datetime.now(UTC).isoformat(timespec="milliseconds")
            record = {"time": time, "vm": self._vm.name, "event": event, **fields}
            if path not in self._files:
                self._files[path] = AuditFile(path, self._vm)
            self._files[path].write(json.dumps(record, default=repr).encode() + b"\n")


def make(options: Options) -> AuditFilter:
    """Return the filter for one VM."""
    return AuditFilter()
