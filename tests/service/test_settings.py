"""What a configuration means, and the one line for each mistake in it."""

from __future__ import annotations

import pytest

from tests.support import write
from vdproxy.hub.budget import Limits
from vdproxy.service.settings import ProcessOptions, VMOptions, load

GUEST = "[vm:demo]\nguest = simulated:\n"
VM_KEYS = (
    "allow-groups, allow-users, clients, filters, guest, guest-listen, handlers, "
    "max-clients, max-message, max-queued, max-rate, max-stall, qmp, required"
)
HANDLERS = (
    "audio, capabilities, clipboard, display, file-transfer, graphics-device, "
    "monitors, mouse"
)


@pytest.fixture
def settings(tmp_path, monkeypatch, reactor):
    """Load vm.ini with this text."""
    monkeypatch.chdir(tmp_path)
    return lambda text: load([write(tmp_path, text)], reactor)


@pytest.mark.parametrize(
    "endpoint", ["unix", "unix:", "tcp:host", "tcp:host:port", "simulated:x=y", ":"]
)
def test_an_endpoint_without_what_it_needs_is_an_error(problems, endpoint):
    (line,) = problems(f"[vm:demo]\nguest = {endpoint}\n")
    assert line.startswith(
        f"vm.ini: [vm:demo] guest: {endpoint!r} is no client endpoint: "
    )


def test_a_qmp_endpoint_is_checked_too(problems):
    (line,) = problems(f"{GUEST}qmp = nowhere\n")
    assert line.startswith("vm.ini: [vm:demo] qmp: 'nowhere' is no client endpoint: ")


@pytest.mark.parametrize(
    "again",
    ["unix:./a", "unix:address=a", "unix:mode=666:a", "unix:a:backlog=5"],
)
def test_one_socket_spelled_twice_is_one_endpoint(problems, again):
    (line,) = problems(f"{GUEST}clients =\n    vdi unix:a\n    vdi {again}\n")
    assert line.startswith("vm.ini: [vm:demo] clients: ")
    assert "already" in line


def test_several_mistakes_are_a_line_each_and_none_is_repeated(problems):
    text = """\
[vm:one]
guest = simulated:
max-client = 3
max-message = x
handlers = foo, monitors
[vm:two]
guest = tpc:y
handlers = monitors
clients =
    vdy unix:a
    vdi unix:b as ?
[handler:monitors]
bar = 1
[handlr:x]
"""
    assert problems(text) == [
        "vm.ini: [vm:one] max-client: unknown key, did you mean max-clients?",
        "vm.ini: [vm:one] max-message: 'x' is not a size, such as 512K, 100M or 4G",
        f"vm.ini: [vm:one] handlers: unknown handler foo, known are {HANDLERS}",
        "vm.ini: [handler:monitors] bar: unknown key, known are owner",
        "vm.ini: [vm:two] guest: 'tpc:y' is no client endpoint: "
        "unknown endpoint type tpc, did you mean tcp?",
        "vm.ini: [vm:two] clients: unknown frontend vdy, did you mean vdi?",
        "vm.ini: [vm:two] clients: '?' is no client's name, which has letters, "
        "digits, dots, dashes and underscores",
        "vm.ini: [handlr:x] unknown section, did you mean handler:?",
    ]


def test_two_numbers_out_of_bounds_are_two_lines(problems):
    assert len(problems(f"{GUEST}max-clients = 0\nmax-message = 0\n")) == 2


def test_a_vm_has_the_defaults_of_the_documentation(settings):
    (vm,) = settings(GUEST).vms
    assert (vm.name, vm.guest, vm.guest_listen, vm.clients) == (
        "demo",
        "simulated:",
        "",
        (),
    )
    assert vm.limits == Limits(16, 100 * 1024 * 1024, 8 * 1024 * 1024, 10, 50_000)
    assert sorted(choice.name for choice in vm.handlers) == HANDLERS.split(", ")


@pytest.mark.parametrize(
    ("text", "size"), [("1", 1), ("512K", 524288), ("3M", 3145728), ("1G", 1073741824)]
)
def test_sizes_are_binary(settings, text, size):
    assert settings(f"{GUEST}max-message = {text}\n").vms[0].limits.max_message == size


def test_capabilities_are_negotiated_though_the_list_does_not_say_so(settings):
    (vm,) = settings(f"{GUEST}handlers =\n").vms
    assert [choice.name for choice in vm.handlers] == ["capabilities"]


def test_clients_are_read_a_line_each_with_their_names(settings):
    lines = "    vdi unix:a:mode=600\n    vdi tcp:5930 as ci.2_b-C\n"
    (vm,) = settings(f"{GUEST}clients =   # who\n{lines}").vms
    assert [(c.frontend.name, c.endpoint, c.name) for c in vm.clients] == [
        ("vdi", "unix:a:mode=600", ""),
        ("vdi", "tcp:5930", "ci.2_b-C"),
    ]


def test_vms_stand_in_the_order_of_the_files(tmp_path, reactor):
    paths = [
        write(tmp_path, "[vm:b]\nguest = simulated:\n", "1.ini"),
        write(tmp_path, "[vm:a]\nguest-listen = unix:x\n", "2.ini"),
    ]
    assert [vm.name for vm in load(paths, reactor).vms] == ["b", "a"]


def test_the_promised_keys_are_the_known_ones():
    keys = {name.replace("_", "-") for name in VMOptions.__dataclass_fields__}
    assert ", ".join(sorted(keys)) == VM_KEYS
    assert set(ProcessOptions.__dataclass_fields__) == {
        "control",
        "status",
        "metrics",
        "max_memory",
        "max_clients",
        "max_clients_per_uid",
    }
