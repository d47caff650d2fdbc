"""
Endpoint strings, as Twisted reads them, with two differences for ``unix:`` servers.

A socket without ``mode=`` gets 660 where Twisted makes it writable for everybody,
and a stale socket is told from a served one by connecting to it: Twisted's lock
file can refuse for ever after a SIGKILL, once its process id is used again.
"""

from __future__ import annotations

import os
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.internet import tcp, unix
from twisted.internet.defer import Deferred, execute, fail
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IListeningPort,
    IProtocolFactory,
    IReactorCore,
    IStreamClientEndpoint,
    IStreamClientEndpointStringParserWithReactor,
    IStreamServerEndpoint,
    IStreamServerEndpointStringParser,
)
from twisted.plugin import getPlugins
from twisted.python.failure import Failure
from zope.interface import implementer

from vdproxy.options import nearest

#: Parts of an endpoint string, in which a backslash takes a colon's or an equals
#: sign's meaning away.
_ARGUMENT = re.compile(r"(?:\\.|[^\\:])+")
_WORD = re.compile(r"(?:\\.|[^\\=])+")
_ESCAPE = re.compile(r"\\(.)")

#: What Twisted raises on an endpoint string that it cannot use.
_NO_ENDPOINT = (TypeError, ValueError, KeyError, OSError)

#: Endpoint types that no plugin of Twisted's declares.
_BUILT_IN = ("ssl", "tcp", "unix")

#: Bytes, from sun_path of unix(7) without its NUL.
_LONGEST_PATH = 107

_DEFAULT_MODE = 0o660
_BACKLOG = 50


def client_endpoint(reactor: IReactorCore, text: str) -> IStreamClientEndpoint:
    """
    Return the client endpoint that *text* describes.

    :raises ValueError: it describes none.
    """
    try:
        if text in ("unix:", "unix"):
            raise ValueError("it has no path")
        endpoint: IStreamClientEndpoint = clientFromString(reactor, text)
    except _NO_ENDPOINT as error:
        parsers = IStreamClientEndpointStringParserWithReactor
        reason = _reason(error, text, parsers)
        raise ValueError(f"{text!r} is no client endpoint: {reason}") from error
    return endpoint


def server_endpoint(reactor: IReactorCore, text: str) -> IStreamServerEndpoint:
    """
    Return the server endpoint that *text* describes.

    :raises ValueError: it describes none.
    """
    try:
        if text.startswith("unix:"):
            return _unix_endpoint(reactor, text)
        endpoint: IStreamServerEndpoint = serverFromString(reactor, text)
    except _NO_ENDPOINT as error:
        reason = _reason(error, text, IStreamServerEndpointStringParser)
        raise ValueError(f"{text!r} is no server endpoint: {reason}") from error
    return endpoint


def _reason(error: Exception, text: str, parsers: Any) -> str:  # noqa: ANN401 - an interface
    """Return what is wrong with an endpoint string, without a word of Python."""
    said = str(error)
    if isinstance(error, TypeError):
        return "an argument is missing, or one is unknown"
    if said.startswith("invalid literal"):
        return "one of its arguments is not a number"
    if said.startswith("Unknown endpoint type"):
        known = [*_BUILT_IN, *(parser.prefix for parser in getPlugins(parsers))]
        kind = text.partition(":")[0]
        return f"unknown endpoint type {kind}, {nearest(kind, known)}"
    return said


def _unix_endpoint(reactor: IReactorCore, text: str) -> ReplacingUNIXEndpoint:
    path = ""
    mode, backlog = _DEFAULT_MODE, _BACKLOG
    for key, value in _arguments(text.removeprefix("unix:")):
        if key in ("", "address"):
            if path:
                argument = f"{key}={value}" if key else value
                raise ValueError(f"{argument!r} is a second path")
            path = value
        elif key == "mode":
            mode = int(value, 8)
            if not 0 <= mode <= 0o777:
                raise ValueError(f"mode {value} is not from 0 to 777")
        elif key == "backlog":
            backlog = int(value)
        else:
            raise ValueError(f"unknown argument {key!r}, known are mode, backlog")
    if not path:
        raise ValueError("it has no path")
    size = len(os.fsencode(path))
    if size > _LONGEST_PATH or "\0" in path:
        raise ValueError(f"a path has at most {_LONGEST_PATH} bytes and no NUL")
    return ReplacingUNIXEndpoint(reactor, path, mode, backlog)


def _arguments(text: str) -> Iterator[tuple[str, str]]:
    """Yield the arguments of an endpoint string with their keywords, "" for none."""
    for argument in _ARGUMENT.findall(text):
        words = [_ESCAPE.sub(r"\1", word) for word in _WORD.findall(argument)]
        yield ("", words[0]) if len(words) == 1 else (words[0], "=".join(words[1:]))


class _OwnPort(unix.Port):
    """A listening Unix socket that removes its file, if that is still its own."""

    def startListening(self) -> None:
        super().startListening()
        self._file = _identity(self._path())

    def connectionLost(self, reason: Failure) -> None:
        # Twisted would remove whatever bears the name now, and fail on nothing.
        if _identity(self._path()) == self._file:
            self._path().unlink(missing_ok=True)
        tcp.Port.connectionLost(self, reason)

    def _path(self) -> Path:
        return Path(self.getHost().name.decode())


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


@implementer(IStreamServerEndpoint)
class ReplacingUNIXEndpoint:
    """A Unix socket that takes the place of a dead process's, and of no other's."""

    def __init__(
        self, reactor: IReactorCore, path: str, mode: int, backlog: int
    ) -> None:
        self.path = Path(path)
        self._reactor = reactor
        self._mode = mode
        self._backlog = backlog

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:  # noqa: N803
        """Listen; fails with CannotListenError, as other endpoints do."""
        port = _OwnPort(
            os.fsencode(self.path),
            protocolFactory,
            self._backlog,
            self._mode,
            reactor=self._reactor,
        )
        try:
            _remove_stale(self.path)
        except OSError as error:
            return fail(CannotListenError(None, str(self.path), error))
        return execute(port.startListening).addCallback(lambda _: port)


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody serves; leave anything else alone."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(f"{path} exists and is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:
            pass
    raise FileExistsError(f"another process serves {path}")
