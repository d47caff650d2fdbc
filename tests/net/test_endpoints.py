"""Unix sockets: who may use them, whose place they take, what is left of them."""

from __future__ import annotations

import re
import socket
import stat

import pytest
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory, Protocol

from tests.support import leaves_unbound_sockets, within
from vdproxy.net.endpoints import client_endpoint, server_endpoint


@pytest.fixture
def listen(reactor):
    """Listen on an endpoint; the port is the test's to stop."""
    return lambda text: server_endpoint(reactor, text).listen(
        Factory.forProtocol(Protocol)
    )


@pytest.fixture
def dead_socket(tmp_path):
    """The socket file of a process that is no more."""
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
    return path


@pytest.mark.parametrize(
    ("arguments", "mode"),
    [("", 0o660), (":mode=600", 0o600), (":mode=666", 0o666), (":backlog=5", 0o660)],
)
@within(5)
async def test_a_socket_has_the_mode_asked_for_or_660(
    tmp_path, listen, arguments, mode
):
    path = tmp_path / "a.sock"
    port = await listen(f"unix:{path}{arguments}")
    try:
        assert stat.S_IMODE(path.stat().st_mode) == mode
    finally:
        await port.stopListening()


@within(5)
async def test_there_is_no_file_but_the_socket_and_it_goes_at_the_end(tmp_path, listen):
    port = await listen(f"unix:{tmp_path / 'a.sock'}")
    during = [path.name for path in tmp_path.iterdir()]
    await port.stopListening()
    assert during == ["a.sock"]
    assert list(tmp_path.iterdir()) == []


@within(5)
async def test_a_file_that_took_the_sockets_place_stays_at_the_end(tmp_path, listen):
    path = tmp_path / "a.sock"
    port = await listen(f"unix:{path}")
    path.unlink()
    path.write_text("precious")
    await port.stopListening()
    assert path.read_text() == "precious"


@within(5)
async def test_a_folder_that_is_no_more_at_the_end_is_no_trouble(tmp_path, listen):
    folder = tmp_path / "run"
    folder.mkdir()
    port = await listen(f"unix:{folder / 'a.sock'}")
    (folder / "a.sock").unlink()
    folder.rmdir()
    folder.write_text("a file now")
    await port.stopListening()
    assert folder.read_text() == "a file now"


@within(5)
async def test_a_dead_processs_socket_is_replaced(dead_socket, listen):
    port = await listen(f"unix:{dead_socket}")
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(dead_socket))
    finally:
        await port.stopListening()


@within(5)
async def test_a_link_to_a_dead_processs_socket_is_left_alone(
    tmp_path, dead_socket, listen
):
    link = tmp_path / "link.sock"
    link.symlink_to(dead_socket)
    with pytest.raises(CannotListenError):
        await listen(f"unix:{link}")
    assert link.is_symlink()
    assert dead_socket.exists()


@within(5)
async def test_a_socket_that_somebody_serves_is_left_to_him(tmp_path, listen):
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        with pytest.raises(CannotListenError, match="another process serves"):
            await listen(f"unix:{path}")
        server.accept()[0].close()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            connection, _ = server.accept()
            connection.close()


@within(5)
async def test_a_server_too_busy_to_accept_is_not_taken_for_dead(tmp_path, listen):
    path = tmp_path / "a.sock"
    with (
        socket.socket(socket.AF_UNIX) as server,
        socket.socket(socket.AF_UNIX) as waiting,
    ):
        server.bind(str(path))
        server.listen(0)
        waiting.connect(str(path))
        with pytest.raises(CannotListenError, match="another process serves"):
            await listen(f"unix:{path}")
        assert path.is_socket()


@within(5)
async def test_a_datagram_socket_is_left_alone(tmp_path, listen):
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        with pytest.raises(CannotListenError):
            await listen(f"unix:{path}")
        assert path.is_socket()


@pytest.mark.parametrize("kind", ["file", "folder"])
@within(5)
async def test_what_is_no_socket_is_left_alone(tmp_path, listen, kind):
    path = tmp_path / "a.sock"
    if kind == "file":
        path.write_text("precious")
    else:
        path.mkdir()
    with pytest.raises(CannotListenError, match="exists and is not a socket"):
        await listen(f"unix:{path}")
    assert path.is_dir() if kind == "folder" else path.read_text() == "precious"


@leaves_unbound_sockets
@within(5)
async def test_a_path_that_cannot_be_bound_is_an_error_for_the_caller(tmp_path, listen):
    with pytest.raises(CannotListenError):
        await listen(f"unix:{tmp_path}/no/a.sock")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (r"unix:{}/a\:b.sock:mode=600", "a:b.sock"),
        ("unix:mode=600:address={}/b.sock", "b.sock"),
        ("unix:mode=600:{}/c.sock", "c.sock"),
        (r"unix:{}/d\\e", "d\\e"),
        (r"unix:{}/f\=g:mode=600", "f=g"),
        (r"unix:{}/h\\:mode=600", "h\\"),
    ],
)
@within(5)
async def test_paths_and_arguments_are_told_apart_as_twisted_does(
    tmp_path, listen, text, name
):
    port = await listen(text.format(tmp_path))
    try:
        assert [path.name for path in tmp_path.iterdir()] == [name]
    finally:
        await port.stopListening()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("unix:", "it has no path"),
        ("unix:mode=600", "it has no path"),
        ("unix:a:b", "'b' is a second path"),
        ("unix:a:address=b", "'address=b' is a second path"),
        ("unix:a:lockfile=1", "unknown argument 'lockfile', known are mode, backlog"),
        ("unx:a", "unknown endpoint type unx, did you mean unix?"),
        ("tpc", "unknown endpoint type tpc, did you mean tcp?"),
        ("tcp:x", "one of its arguments is not a number"),
        ("tcp", "an argument is missing, or one is unknown"),
        ("unix:" + "x" * 108, "a path has at most 107 bytes and no NUL"),
    ],
)
def test_a_server_endpoint_that_is_none_is_a_value_error(reactor, text, problem):
    line = re.escape(f"{text!r} is no server endpoint: {problem}")
    with pytest.raises(ValueError, match=f"^{line}$"):
        server_endpoint(reactor, text)


@pytest.mark.parametrize(
    "text",
    [
        "unix:a:mode=rw",
        "unix:a:mode=",
        "unix:a:mode=-1",
        "unix:a:mode=77777",
        "unix:a:backlog=x",
        "tcp:port",
        "tcp:1:2:3:4:5",
        "",
    ],
)
def test_a_bad_argument_of_a_server_endpoint_is_a_value_error(reactor, text):
    with pytest.raises(ValueError, match="is no server endpoint: "):
        server_endpoint(reactor, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unix",
        "unix:",
        "unix::a",
        "unix:a:",
        "unix:a\\",
        "tcp:host",
        "tcp:host:port",
        "nonsense:a",
        "simulated:a",
    ],
)
def test_a_client_endpoint_that_is_none_is_a_value_error(reactor, text):
    with pytest.raises(ValueError, match="is no client endpoint: "):
        client_endpoint(reactor, text)


@within(5)
async def test_a_tcp_server_is_as_twisted_makes_it(reactor, listen):
    port = await listen("tcp:0:interface=127.0.0.1")
    try:
        assert port.getHost().host == "127.0.0.1"
    finally:
        await port.stopListening()


@within(5)
async def test_a_client_reaches_a_server(tmp_path, reactor, listen):
    port = await listen(f"unix:{tmp_path / 'a.sock'}")
    try:
        endpoint = client_endpoint(reactor, f"unix:{tmp_path / 'a.sock'}")
        protocol = await endpoint.connect(Factory.forProtocol(Protocol))
        protocol.transport.abortConnection()
    finally:
        await port.stopListening()


@pytest.mark.parametrize(
    ("parse", "text", "problem"),
    [
        (client_endpoint, "unix:a\nb", "is one indented by mistake?"),
        (server_endpoint, "tcp:1\nb", "is one indented by mistake?"),
        (client_endpoint, "unix:" + "x" * 108, "at most 107 bytes"),
        (server_endpoint, "haproxy:unix\\:a", "can be no part of another"),
        (client_endpoint, "ssl:localhost:1", "vdproxy[tls]"),
        (server_endpoint, "ssl:1:privateKey=a", "vdproxy[tls]"),
        (server_endpoint, "systemd:domain=INET:index=0", "cannot be used"),
    ],
)
def test_no_endpoint_string_ends_in_anything_but_a_value_error(
    reactor, parse, text, problem
):
    with pytest.raises(ValueError, match=re.escape(problem)):
        parse(reactor, text)
