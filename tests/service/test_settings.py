"""What a configuration means, and the one line for each mistake in it."""

from __future__ import annotations

import pytest

from tests.support import write
from vdproxy.errors import ConfigError
from vdproxy.service.settings import ProcessOptions, VMOptions, load

GUEST = "[vm:demo]\nguest = simulated:\n"
VM_KEYS = (
    "clients, filters, guest, guest-listen, handlers, max-clients, max-message, "
    "qmp, required"
)
SECTIONS = "client:, filter:, frontend:, handler:, vdproxy, vm:"
HANDLERS = (
    "audio, capabilities, clipboard, display, file-transfer, graphics-device, "
    "monitors, mouse"
)


@pytest.fixture
def problems(tmp_path, monkeypatch, reactor):
    """Load vm.ini with this text and return what is wrong with it."""
    monkeypatch.chdir(tmp_path)

    def problems(text):
        write(tmp_path, text)
        with pytest.raises(ConfigError) as raised:
            load(["vm.ini"], reactor)
        assert str(raised.value) == "\n".join(raised.value.problems)
        return raised.value.problems

    return problems


@pytest.fixture
def settings(tmp_path, monkeypatch, reactor):
    """Load vm.ini with this text."""
    monkeypatch.chdir(tmp_path)
    return lambda text: load([write(tmp_path, text)], reactor)


MISTAKES = {
    "[vm:demo handlr:x]": "unknown section, did you mean handler:?",
    "[handlr:x]": "unknown section, did you mean handler:?",
    "[vdproxi]": "unknown section, did you mean vdproxy?",
    "[DEFAULT]": f"unknown section, known are {SECTIONS}",
    "[vm:a/b]": (
        "unknown section, a VM's name has letters, digits, dots, dashes and underscores"
    ),
    "[vm:]": (
        "unknown section, a VM's name has letters, digits, dots, dashes and underscores"
    ),
    "[handler:monitrs]": "unknown handler monitrs, did you mean monitors?",
    "[filter:x]": "unknown filter x, known are audit, policy",
    "[frontend:vdj]": "unknown frontend vdj, did you mean vdi?",
    "[vm:demmo handler:monitors]": "unknown VM demmo, did you mean demo?",
    "[vm:xyz filter:policy]": "unknown VM xyz, known are demo",
    "[vm:demo frontend:spic filter:policy]": (
        "unknown frontend spic, did you mean spice?"
    ),
}


@pytest.mark.parametrize("section", MISTAKES)
def test_an_unknown_section_is_told_with_the_nearest_known(problems, section):
    assert problems(f"{GUEST}{section}\n") == [f"vm.ini: {section} {MISTAKES[section]}"]


def test_a_vm_name_with_a_space_in_it_is_an_unknown_section(problems):
    (line,) = problems("[vm:a b]\nguest = simulated:\n")
    assert line.startswith("vm.ini: [vm:a b] unknown section, ")


def test_a_policy_for_a_client_that_no_line_names_is_an_error(problems):
    (line,) = problems(f"{GUEST}[vm:demo client:ci filter:policy]\nfiles = no\n")
    assert line.startswith("vm.ini: [vm:demo client:ci filter:policy] unknown client")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("max-client = 3", "max-client: unknown key, did you mean max-clients?"),
        ("Max-Clients = 3", "Max-Clients: unknown key, did you mean max-clients?"),
        ("zzz = 3", f"zzz: unknown key, known are {VM_KEYS}"),
        (
            "handlers = monitrs",
            "handlers: unknown handler monitrs, did you mean monitors?",
        ),
        (
            "handlers = qqqqqq",
            f"handlers: unknown handler qqqqqq, known are {HANDLERS}",
        ),
        ("handlers = monitors monitors", "handlers: monitors twice"),
        ("handlers = clipboard, clipboard", "handlers: clipboard twice"),
        ("filters = polcy", "filters: unknown filter polcy, did you mean policy?"),
        ("required = audit", "required: audit is not among the filters"),
        ("max-clients = 0", "max-clients: at least 1 is needed"),
        ("max-clients = -1", "max-clients: at least 1 is needed"),
        (
            "max-clients = many",
            "max-clients: 'many' is not a whole number",
        ),
        (
            "max-clients = 1.5",
            "max-clients: '1.5' is not a whole number",
        ),
        ("max-clients =", "max-clients: '' is not a whole number"),
        (
            "max-message = 0",
            "max-message: from 1 to 2147483639 bytes are possible",
        ),
        (
            "max-message = 2G",
            "max-message: from 1 to 2147483639 bytes are possible",
        ),
        (
            "max-message = 12Q",
            "max-message: '12Q' is not a size, such as 512K, 100M or 4G",
        ),
        (
            "max-message = 100 M",
            "max-message: '100 M' is not a size, such as 512K, 100M or 4G",
        ),
        (
            "guest-listen = unix:x",
            "guest: guest-listen is given too, and only one can be",
        ),
        ("clients = vdi", "clients: 'vdi' is not FRONTEND ENDPOINT [as NAME]"),
        (
            "clients = vdi unix:a as",
            "clients: 'vdi unix:a as' is not FRONTEND ENDPOINT [as NAME]",
        ),
        (
            "clients = vdi unix:a as a/b",
            "clients: 'vdi unix:a as a/b' is not FRONTEND ENDPOINT [as NAME]",
        ),
        ("clients = vdy unix:a", "clients: unknown frontend vdy, did you mean vdi?"),
        (
            "clients = vdi unix:",
            "clients: 'unix:' is no server endpoint: it has no path",
        ),
        (
            "clients = vdi unix:a:mod=660",
            "clients: 'unix:a:mod=660' is no server endpoint: unknown argument 'mod', "
            "known are mode, backlog",
        ),
        (
            "clients = vdi unx:x",
            "clients: 'unx:x' is no server endpoint: unknown endpoint type unx, "
            "did you mean unix?",
        ),
        (
            "clients =\n    vdi unix:a\n    vdi unix:a:mode=666",
            "clients: unix:a is served by [vm:demo] already",
        ),
    ],
)
def test_a_bad_line_of_a_vm_is_told_with_its_key(problems, line, problem):
    assert problems(f"{GUEST}{line}\n") == [f"vm.ini: [vm:demo] {problem}"]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("", "guest: missing, and guest-listen too"),
        ("guest =", "guest: missing, and guest-listen too"),
        (
            "guest = simulate:",
            "guest: 'simulate:' is no client endpoint: unknown endpoint type simulate, "
            "did you mean simulated?",
        ),
        (
            "guest = simulated:files=no",
            "guest: 'simulated:files=no' is no client endpoint: 'no' is not a folder",
        ),
        (
            "guest = tcp:localhost",
            "guest: 'tcp:localhost' is no client endpoint: an argument is missing, "
            "or one is unknown",
        ),
        (
            "guest = tcp:localhost:http",
            "guest: 'tcp:localhost:http' is no client endpoint: one of its arguments "
            "is not a number",
        ),
        (
            "guest-listen = unix:a\nclients = vdi unix:a",
            "clients: unix:a is served by [vm:demo] already",
        ),
    ],
)
def test_a_bad_guest_is_told_with_its_key(problems, lines, problem):
    assert problems(f"[vm:demo]\n{lines}\n") == [f"vm.ini: [vm:demo] {problem}"]


@pytest.mark.parametrize(
    "endpoint", ["unix", "unix:", "tcp:host", "tcp:host:port", "simulated:x=y", ":"]
)
def test_an_endpoint_without_what_it_needs_is_an_error(problems, endpoint):
    (line,) = problems(f"[vm:demo]\nguest = {endpoint}\n")
    assert line.startswith(
        f"vm.ini: [vm:demo] guest: {endpoint!r} is no client endpoint: "
    )


@pytest.mark.parametrize(
    "again",
    ["unix:./a", "unix:address=a", "unix:mode=666:a", "unix:a:backlog=5"],
)
def test_one_socket_spelled_twice_is_one_endpoint(problems, again):
    (line,) = problems(f"{GUEST}clients =\n    vdi unix:a\n    vdi {again}\n")
    assert line.startswith("vm.ini: [vm:demo] clients: ")
    assert "already" in line


def test_one_endpoint_of_two_vms_is_told_with_both(problems):
    text = f"{GUEST}clients = vdi unix:a\n[vm:two]\nguest = simulated:\n"
    assert problems(f"{text}clients = vdi unix:a\n") == [
        "vm.ini: [vm:two] clients: unix:a is served by [vm:demo] already"
    ]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (
            "[vdproxy]\ncontroll = x",
            "[vdproxy] controll: unknown key, did you mean control?",
        ),
        (
            "[vdproxy]\nmax-memory = lots",
            "[vdproxy] max-memory: 'lots' is not a size, such as 512K, 100M or 4G",
        ),
        (
            "[handler:monitors]\nx = 1",
            "[handler:monitors] x: unknown key, known are owner",
        ),
        (
            "[handler:clipboard]\nshare-between-clients = maybe",
            "[handler:clipboard] share-between-clients: 'maybe' is none of "
            "yes, true, on, no, false, off",
        ),
        (
            "[handler:clipboard]\nselections = clipbord",
            "[handler:clipboard] selections: 'clipbord' is none of "
            "clipboard, primary, secondary",
        ),
        (
            "[vm:demo filter:policy]\nclipboard = in",
            "[vm:demo filter:policy] clipboard: 'in' is none of "
            "both, to-guest, from-guest, none",
        ),
        (
            "[frontend:spice]\npasword-file = x",
            "[frontend:spice] pasword-file: unknown key, did you mean password-file?",
        ),
        (
            "[filter:policy]\nclipboard-max = big",
            "[filter:policy] clipboard-max: 'big' is not a size, "
            "such as 512K, 100M or 4G",
        ),
    ],
)
def test_a_bad_line_of_another_section_is_told_with_its_key(problems, lines, problem):
    assert problems(f"{GUEST}{lines}\n") == [f"vm.ini: {problem}"]


@pytest.mark.parametrize("text", ["", "[vdproxy]\n", "# nothing\n"])
def test_a_configuration_without_a_vm_is_an_error(problems, text):
    assert problems(text) == ["vm.ini: no section [vm:NAME], nothing to serve"]


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
        "vm.ini: [vm:two] clients: 'vdi unix:b as ?' is not "
        "FRONTEND ENDPOINT [as NAME]",
        "vm.ini: [handlr:x] unknown section, did you mean handler:?",
    ]


def test_two_numbers_out_of_bounds_are_two_lines(problems):
    assert len(problems(f"{GUEST}max-clients = 0\nmax-message = 0\n")) == 2


def test_mistakes_in_two_files_name_their_files(tmp_path, monkeypatch, reactor):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, f"{GUEST}max-clients = 0\n", "a.ini")
    write(tmp_path, "[handler:monitors]\nx = 1\n", "b.ini")
    with pytest.raises(ConfigError) as raised:
        load(["a.ini", "b.ini"], reactor)
    assert raised.value.problems == [
        "a.ini: [vm:demo] max-clients: at least 1 is needed",
        "b.ini: [handler:monitors] x: unknown key, known are owner",
    ]


def test_a_vm_has_the_defaults_of_the_documentation(settings):
    (vm,) = settings(GUEST).vms
    assert (vm.name, vm.guest, vm.guest_listen, vm.clients) == (
        "demo",
        "simulated:",
        "",
        (),
    )
    assert (vm.max_clients, vm.max_message) == (16, 100 * 1024 * 1024)
    assert sorted(choice.name for choice in vm.handlers) == HANDLERS.split(", ")


@pytest.mark.parametrize(
    ("text", "size"), [("1", 1), ("512K", 524288), ("3M", 3145728), ("1G", 1073741824)]
)
def test_sizes_are_binary(settings, text, size):
    assert settings(f"{GUEST}max-message = {text}\n").vms[0].max_message == size


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
    }
