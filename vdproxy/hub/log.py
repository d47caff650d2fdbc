"""One VM's log: each line names the VM, and no peer can flood it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger, LogLevel, formatEvent

#: Lines of one kind in one period, and the period in seconds.
_LINES = 10
_PERIOD = 10.0

#: Kinds that are told apart by their reasons; a peer can bring forth many.
_MAX_KINDS = 100

_NUMBER = re.compile(r"\d+")


@dataclass
class _Kind:
    """How many lines of one kind there were in the present period, and the first."""

    period_end: IDelayedCall
    first: str
    lines: int = 0


class VMLog:
    """
    Log lines about one VM.

    Of one kind ten lines are written in ten seconds, then a count of those left
    out; a kind is a format and, its numbers aside, the field ``reason``. Fields
    are structured data for log observers and never hold what messages carry.
    """

    def __init__(self, vm: str, clock: IReactorTime) -> None:
        self._vm = vm
        self._clock = clock
        self._logger = Logger(namespace="vdproxy")
        self._kinds: dict[str, _Kind] = {}
        self._closed = False

    def info(self, text: str, **fields: object) -> None:
        """Log what an operator may want to know."""
        self._emit(LogLevel.info, text, fields)

    def warn(self, text: str, **fields: object) -> None:
        """Log what an operator should look at."""
        self._emit(LogLevel.warn, text, fields)

    def critical(self, text: str, **fields: object) -> None:
        """Log that a part of the service has stopped."""
        self._emit(LogLevel.critical, text, fields)

    def close(self) -> None:
        """Write the counts that are due; lines are no longer counted."""
        self._closed = True
        for name, kind in list(self._kinds.items()):
            kind.period_end.cancel()
            self._end_period(name)

    def _emit(self, level: LogLevel, text: str, fields: dict[str, object]) -> None:
        if not self._closed and self._is_over(text, fields):
            return
        self._logger.emit(level, f"{{vm}}: {text}", vm=self._vm, **fields)

    def _is_over(self, text: str, fields: dict[str, object]) -> bool:
        """Count a line; tell whether there have been enough of its kind."""
        name = text
        if "reason" in fields and len(self._kinds) < _MAX_KINDS:
            name += " " + _NUMBER.sub("#", str(fields["reason"]))
        kind = self._kinds.get(name)
        if kind is None:
            end = self._clock.callLater(_PERIOD, self._end_period, name)
            kind = self._kinds[name] = _Kind(
                end, formatEvent({"log_format": text, **fields})
            )
        kind.lines += 1
        return kind.lines > _LINES

    def _end_period(self, name: str) -> None:
        kind = self._kinds.pop(name)
        left_out = kind.lines - _LINES
        if left_out > 0:
            self._logger.warn(
                "{vm}: {count} more lines like: {first}",
                vm=self._vm,
                count=left_out,
                first=kind.first,
            )
