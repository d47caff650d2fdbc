"""
What can go wrong, one class for each kind of reader.

Messages are written for the person who sees them: they name what and where.
"""

from __future__ import annotations


class VdproxyError(Exception):
    """Base of every error that vdproxy raises on purpose."""


class ProtocolError(VdproxyError):
    """Base of the two sides of a broken protocol rule."""


class LocalProtocolError(ProtocolError):
    """vdproxy or a plugin tried to send what the protocol does not allow."""


class RemoteProtocolError(ProtocolError):
    """A peer sent what the protocol does not allow."""


class ConfigError(VdproxyError):
    """
    A configuration that cannot be used.

    ``problems`` holds one line for each thing to mend, each naming file,
    section and key.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Refused(VdproxyError):
    """vdproxy will not serve this peer; the text says why."""
