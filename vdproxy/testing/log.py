"""What is logged while a test looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import provider


class LoggedEvents(list[LogEvent]):
    """Events of twisted.logger, in their order."""

    @property
    def texts(self) -> list[str]:
        """The lines that they would be in a log file."""
        return [formatEvent(event) for event in self]

    @property
    def all_there_is(self) -> str:
        """Everything that an observer could find, to look for what must not be."""
        return "\n".join(self.texts + [repr(dict(event)) for event in self])

    def having(self, text: str) -> LoggedEvents:
        """Return the events that have *text* in their line."""
        return LoggedEvents(event for event in self if text in formatEvent(event))


@contextmanager
def logged() -> Iterator[LoggedEvents]:
    """
    Collect what is logged inside the ``with``.

    Of one kind a VM logs ten lines in ten seconds of its clock, and the number of
    those left out when they have passed.
    """
    events = LoggedEvents()

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        events.append(event)

    globalLogPublisher.addObserver(observe)
    try:
        yield events
    finally:
        globalLogPublisher.removeObserver(observe)
