"""
Endpoint strings, as Twisted reads them, with two differences for ``unix:`` servers.

A socket without ``mode=`` gets 660 where Twisted makes it writable for everybody,
and a stale socket is told from a served one by connecting to it: Twisted's lock
file can refuse for ever after a SIGKILL, once its process id is used again.

A ``unix:`` client with nothing but a path does what Twisted's does, for less.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

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

from vdproxy.hub.isolation import Failed, attempt
from vdproxy.net.unix_client import UNIXSocketEndpoint
from vdproxy.options import nearest

_T = TypeVar("_T")

#: Parts of an endpoint string, in which a backslash takes a colon's or an equals
#: sign's meaning away.
_ARGUMENT = re.compile(r"(?:\\.|[^\\:])+")
_WORD = re.compile(r"(?:\\.|[^\\=])+")
_ESCAPE = re.compile(r"\\(.)")

#: The keywords of a server's and a client's path, which needs none.
_SERVED_PATH = ("", "address")
_CLIENTS_PATH = ("", "path")

#: The largest port of TCP.
_LAST_PORT = 65535

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
    kind = IStreamClientEndpointStringParserWithReactor

    def parse() -> IStreamClientEndpoint:
        if text.startswith("unix:"):
            rest = text.removeprefix("unix:")
            arguments = list(_arguments(rest))
            path = next((v for k, v in arguments if k in _CLIENTS_PATH), "")
            _check_path(path)
            if len(arguments) == 1 and _ARGUMENT.fullmatch(rest):
                return UNIXSocketEndpoint(reactor, path)
        endpoint: IStreamClientEndpoint = clientFromString(reactor, text)
        return endpoint

    return _parsed(parse, text, "client", kind)


def server_endpoint(reactor: IReactorCore, text: str) -> IStreamServerEndpoint:
    """
    Return the server endpoint that *text* describes.

    :raises ValueError: it describes none.
    """

    def parse() -> IStreamServerEndpoint:
        if text.startswith("unix:"):
            return _unix_endpoint(reactor, text)
        if "unix" in text:
            raise ValueError("a unix: endpoint can be no part of another")
        endpoint: IStreamServerEndpoint = serverFromString(reactor, text)
        return endpoint

    return _parsed(parse, text, "server", IStreamServerEndpointStringParser)


def _parsed(parse: Callable[[], _T], text: str, role: str, parsers: Any) -> _T:  # noqa: ANN401 - an interface
    """Return what *parse* does; ValueError if it raises anything at all."""
    if "\n" in text:
        raise ValueError(f"{text!r} is more than a line: is one indented by mistake?")
    outcome = attempt(parse)
    if isinstance(outcome, Failed):
        reason = _reason(outcome.error, text, parsers)
        raise ValueError(f"{text!r} is no {role} endpoint: {reason}")
    # Twisted takes any number, and only the socket does not.
    if not 0 <= getattr(outcome, "_port", 0) <= _LAST_PORT:
        raise ValueError(f"{text!r} is no {role} endpoint: ports end at {_LAST_PORT}")
    return outcome


def _reason(error: BaseException, text: str, parsers: Any) -> str:  # noqa: ANN401 - an interface
    """Return what is wrong with an endpoint string, without a word of Python."""
    said = str(error)
    if isinstance(error, (ImportError, NameError)):
        return "it needs TLS, which vdproxy[tls] installs"
    if isinstance(error, TypeError):
        return "an argument is missing, or one is unknown"
    if said.startswith("invalid literal"):
        return "one of its arguments is not a number"
    if said.startswith("Unknown endpoint type"):
        known = [*_BUILT_IN, *(parser.prefix for parser in getPlugins(parsers))]
        kind = text.partition(":")[0]
        return f"unknown endpoint type {kind}, {nearest(kind, known)}"
    if isinstance(error, (OSError, ValueError)):
        return said
    return f"it cannot be used ({type(error).__name__})"


def _check_path(path: str) -> None:
    if not path:
        raise ValueError("it has no path")
    if len(os.fsencode(path)) > _LONGEST_PATH or "\0" in path:
        raise ValueError(f"a path has at most {_LONGEST_PATH} bytes and no NUL")


def _unix_endpoint(reactor: IReactorCore, text: str) -> ReplacingUNIXEndpoint:
    path = ""
    mode, backlog = _DEFAULT_MODE, _BACKLOG
    for key, value in _arguments(text.removeprefix("unix:")):
        if key in _SERVED_PATH:
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
    _check_path(path)
    return ReplacingUNIXEndpoint(reactor, path, mode, backlog)


def _arguments(text: str) -> Iterator[tuple[str, str]]:
    """Yield the arguments of an endpoint string with their keywords, "" for none."""
    for argument in _ARGUMENT.findall(text):
        words = [_ESCAPE.sub(r"\1", word) for word in _WORD.findall(argument)]
        yield ("", words[0]) if len(words) == 1 else (words[0], "=".join(words[1:]))


class _OwnPort(unix.Port):
    """A listening Unix socket that removes its file, if that is still its own."""

    def __init__(self, path: Path, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Port's
        super().__init__(os.fsencode(path), *args, **kwargs)
        self._path = path

    def startListening(self) -> None:
        super().startListening()
        self._file = _identity(self._path)

    def connectionLost(self, reason: Failure) -> None:
        # Twisted would remove whatever bears the name now, and fail on nothing.
        if _identity(self._path) == self._file:
            self._path.unlink(missing_ok=True)
        tcp.Port.connectionLost(self, reason)


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
            self.path,
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
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
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
