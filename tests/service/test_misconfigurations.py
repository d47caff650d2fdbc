"""Every mistake that a configuration can have, and the very line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service.twistd import run
from tests.support import write
from vdproxy.cli.main import main
from vdproxy.errors import ConfigError
from vdproxy.service.settings import load

VM = "[vm:demo]\nguest = simulated:\n"
WITH_CI = f"{VM}clients =\n    vdi unix:a\n    vdi unix:b as ci\n"
VM_KEYS = (
    "allow-groups, allow-users, clients, filters, guest, guest-listen, handlers, "
    "max-clients, max-message, max-queued, max-rate, max-stall, qmp, required"
)
HANDLERS = (
    "audio, capabilities, clipboard, display, file-transfer, graphics-device, "
    "monitors, mouse"
)
SECTIONS = (
    "filter:, frontend:, handler:, vdproxy, vm:, vm: client: filter:, vm: filter:, "
    "vm: frontend:, vm: frontend: filter:, vm: handler:"
)
NAME_HAS = "letters, digits, dots, dashes and underscores"
SIZE = "is not a size, such as 512K, 100M or 4G"
TRUTH = "yes, true, on, no, false, off"

#: What follows a section [vm:demo] that is good, and what is wrong in vm.ini.
SECTION_MISTAKES = {
    "[vm:demo handlr:x]": "unknown section, did you mean vm: handler:?",
    "[handlr:x]": "unknown section, did you mean handler:?",
    "[vmm:demo handler:mouse]": "unknown section, did you mean vm: handler:?",
    "[vdproxi]": "unknown section, did you mean vdproxy?",
    "[DEFAULT]": f"unknown section, known are {SECTIONS}",
    "[vm:demo client:ci]": "unknown section, did you mean vm: client: filter:?",
    "[vm:a/b]": f"unknown section, a name has {NAME_HAS}",
    "[vm:]": f"unknown section, a name has {NAME_HAS}",
    "[vm]": f"unknown section, a name has {NAME_HAS}",
    "[vm:a b]": "unknown section, did you mean vm:?",
    "[handler:mo/use]": f"unknown section, a name has {NAME_HAS}",
    "[handler:monitrs]": "unknown handler monitrs, did you mean monitors?",
    "[filter:x]": "unknown filter x, known are audit, policy",
    "[frontend:vdj]": "unknown frontend vdj, did you mean vdi?",
    "[vm:demmo handler:monitors]": "unknown VM demmo, did you mean demo?",
    "[vm:xyz filter:policy]": "unknown VM xyz, known are demo",
}

#: A line of [vm:demo], and what is wrong with it.
LINE_MISTAKES = {
    "max-client = 3": "max-client: unknown key, did you mean max-clients?",
    "Max-Clients = 3": "Max-Clients: unknown key, did you mean max-clients?",
    "zzz = 3": f"zzz: unknown key, known are {VM_KEYS}",
    "handlers = monitrs": "handlers: unknown handler monitrs, did you mean monitors?",
    "handlers = qqqqqq": f"handlers: unknown handler qqqqqq, known are {HANDLERS}",
    "handlers = mouse mouse": "handlers: mouse twice",
    "handlers = clipboard, clipboard": "handlers: clipboard twice",
    "max-clients = 0": "max-clients: at least 1 is needed",
    "max-clients = -1": "max-clients: at least 1 is needed",
    "max-clients = many": "max-clients: 'many' is not a whole number",
    "max-clients = 1.5": "max-clients: '1.5' is not a whole number",
    "max-clients =": "max-clients: '' is not a whole number",
    "max-message = 0": "max-message: from 1 to 2147483639 bytes are possible",
    "max-message = 2G": "max-message: from 1 to 2147483639 bytes are possible",
    "max-message = 12Q": f"max-message: '12Q' {SIZE}",
    "max-message = 100 M": f"max-message: '100 M' {SIZE}",
    "max-queued = 64": "max-queued: at least 65536 bytes are needed",
    "max-queued = a lot": f"max-queued: 'a lot' {SIZE}",
    "max-stall = 0": "max-stall: from 1 to 3600 seconds are possible",
    "max-stall = 3601": "max-stall: from 1 to 3600 seconds are possible",
    "max-stall = 10s": "max-stall: '10s' is not a whole number",
    "max-rate = 0": "max-rate: at least 1 is needed",
    "guest-listen = unix:x": "guest: guest-listen is given too, and only one can be",
    "clients = vdi": "clients: 'vdi' is not FRONTEND ENDPOINT [as NAME]",
    "clients = vdi unix:a as": (
        "clients: 'vdi unix:a as' is not FRONTEND ENDPOINT [as NAME]"
    ),
    "clients = vdi unix:a as a/b": (
        f"clients: 'a/b' is no client's name, which has {NAME_HAS}"
    ),
    "clients = vdy unix:a": "clients: unknown frontend vdy, did you mean vdi?",
    "clients = vdi unix:": "clients: 'unix:' is no server endpoint: it has no path",
    "clients = vdi unix:a:mod=660": (
        "clients: 'unix:a:mod=660' is no server endpoint: unknown argument 'mod', "
        "known are mode, backlog"
    ),
    "clients = vdi unx:x": (
        "clients: 'unx:x' is no server endpoint: unknown endpoint type unx, "
        "did you mean unix?"
    ),
    "clients =\n    vdi unix:a\n    vdi unix:a:mode=666": (
        "clients: unix:a is served by [vm:demo] already"
    ),
    "filters = polcy": "filters: unknown filter polcy, did you mean policy?",
    "filters = audit audit": "filters: audit twice",
    "required = audit": "required: audit is not among the filters, there are none",
    "filters = audit\nrequired = audti": (
        "required: audti is not among the filters, did you mean audit?"
    ),
}

#: The lines of [vm:demo], and what is wrong with its guest.
GUEST_MISTAKES = {
    "": "guest: missing, and guest-listen too",
    "guest =": "guest: missing, and guest-listen too",
    "guest = simulate:": (
        "guest: 'simulate:' is no client endpoint: unknown endpoint type simulate, "
        "did you mean simulated?"
    ),
    "guest = simulated:files=no": (
        "guest: 'simulated:files=no' is no client endpoint: 'no' is not a folder"
    ),
    "guest = tcp:localhost": (
        "guest: 'tcp:localhost' is no client endpoint: an argument is missing, "
        "or one is unknown"
    ),
    "guest = tcp:localhost:65536": (
        "guest: 'tcp:localhost:65536' is no client endpoint: ports end at 65535"
    ),
    "guest-listen = tcp:99999": (
        "guest-listen: 'tcp:99999' is no server endpoint: ports end at 65535"
    ),
    "guest = tcp:localhost:http": (
        "guest: 'tcp:localhost:http' is no client endpoint: one of its arguments "
        "is not a number"
    ),
    "guest-listen = unix:a\nclients = vdi unix:a": (
        "clients: unix:a is served by [vm:demo] already"
    ),
}

#: What follows a good [vm:demo] with a client ci, and what is wrong in vm.ini.
OTHER_MISTAKES = {
    "[vdproxy]\ncontroll = x": (
        "[vdproxy] controll: unknown key, did you mean control?"
    ),
    "[vdproxy]\nmax-memory = lots": f"[vdproxy] max-memory: 'lots' {SIZE}",
    "[handler:monitors]\nx = 1": "[handler:monitors] x: unknown key, known are owner",
    "[handler:mouse]\nx = 1": "[handler:mouse] x: unknown key, there are none",
    "[vm:demo handler:monitors]\nowners = last": (
        "[vm:demo handler:monitors] owners: unknown key, did you mean owner?"
    ),
    "[handler:monitors]\nowner = a/b": (
        "[handler:monitors] owner: 'a/b' is not first, last or a client's name, "
        f"which has {NAME_HAS}"
    ),
    "[handler:monitors]\nowner = a/b\n[vm:demo handler:monitors]": (
        "[handler:monitors] owner: 'a/b' is not first, last or a client's name, "
        f"which has {NAME_HAS}"
    ),
    "[handler:clipboard]\nshare-between-clients = maybe": (
        f"[handler:clipboard] share-between-clients: 'maybe' is none of {TRUTH}"
    ),
    "[handler:clipboard]\nselections = clipbord": (
        "[handler:clipboard] selections: 'clipbord' is none of "
        "clipboard, primary, secondary"
    ),
    "[frontend:vdi]\nx = 1": "[frontend:vdi] x: unknown key, there are none",
    "[frontend:spice]\npasword-file = x": (
        "[frontend:spice] pasword-file: unknown key, did you mean password-file?"
    ),
    "[filter:policy]\nclipbord = none": (
        "[filter:policy] clipbord: unknown key, did you mean clipboard?"
    ),
    "[filter:policy]\nclipboard = in": (
        "[filter:policy] clipboard: 'in' is none of both, to-guest, from-guest, none"
    ),
    "[vdproxy]\nmax-memory = 1": (
        "[vdproxy] max-memory: at least 1048576 bytes are needed"
    ),
    "[vdproxy]\nmax-memory = much": f"[vdproxy] max-memory: 'much' {SIZE}",
    "[vdproxy]\nmax-clients = 0": "[vdproxy] max-clients: at least 1 is needed",
    "[vdproxy]\nmax-clients-per-uid = 0": (
        "[vdproxy] max-clients-per-uid: at least 1 is needed"
    ),
    "[handler:file-transfer]\nmax-transfers = 121": (
        "[handler:file-transfer] max-transfers: from 1 to 120 are possible"
    ),
    "[handler:file-transfer]\nmax-transfers-of-client = 0": (
        "[handler:file-transfer] max-transfers-of-client: from 1 to 120 are possible"
    ),
    "[handler:clipboard]\nmax-grabs = 0": (
        "[handler:clipboard] max-grabs: from 1 to 100000 are possible"
    ),
    "[handler:clipboard]\nmax-grabs = 100001": (
        "[handler:clipboard] max-grabs: from 1 to 100000 are possible"
    ),
    "[filter:policy]\nfile-max = big": f"[filter:policy] file-max: 'big' {SIZE}",
    "[vm:two]\nguest = simulated:\nclients = vdi unix:a": (
        "[vm:two] clients: unix:a is served by [vm:demo] already"
    ),
}

#: What follows a good [vm:demo] with a client ci and the filter policy, and what is
#: wrong in vm.ini.
FILTER_MISTAKES = {
    "[vm:demo filter:audit]": (
        "[vm:demo filter:audit] audit is not among the VM's filters, known are policy"
    ),
    "[vm:demo client:ci filter:audit]": (
        "[vm:demo client:ci filter:audit] audit is not among the VM's filters, "
        "known are policy"
    ),
    "[vm:demo frontend:vdi filter:audit]": (
        "[vm:demo frontend:vdi filter:audit] audit is not among the VM's filters, "
        "known are policy"
    ),
    "[vm:demo client:cii filter:policy]\nfiles = no": (
        "[vm:demo client:cii filter:policy] unknown client cii, did you mean ci?"
    ),
    "[vm:demo frontend:spic filter:policy]": (
        "[vm:demo frontend:spic filter:policy] unknown frontend spic, "
        "did you mean spice?"
    ),
    "[vm:demo filter:policy]\nfiles = maybe": (
        f"[vm:demo filter:policy] files: 'maybe' is none of {TRUTH}"
    ),
    "[vm:demo client:ci filter:policy]\nfils = no": (
        "[vm:demo client:ci filter:policy] fils: unknown key, did you mean files?"
    ),
}

#: The files a.ini and b.ini, and all that is wrong with them.
FILE_MISTAKES = {
    "no VM": ([b"[vdproxy]\n"], ["a.ini: no section [vm:NAME], nothing to serve"]),
    "nothing": ([b""], ["a.ini: no section [vm:NAME], nothing to serve"]),
    "no VM in two files": (
        [b"# one\n", b"# two\n"],
        ["a.ini, b.ini: no section [vm:NAME], nothing to serve"],
    ),
    "missing": ([None], ["a.ini: No such file or directory"]),
    "not UTF-8": (
        [b"[vm:demo]\nguest = \xff\n"],
        ["a.ini: not UTF-8 text, at byte 18"],
    ),
    "a line outside a section": (
        [b"guest = simulated:\n"],
        ["a.ini: line 1 stands in no section"],
    ),
    "lines that are none": (
        [f"{VM}handlers\nclients: vdi unix:a\n; no comment\n".encode()],
        [f"a.ini: line {number} is no key = value" for number in (3, 4, 5)],
    ),
    "a key twice": (
        [f"{VM}guest = unix:b\n".encode()],
        ["a.ini: [vm:demo] guest: given twice, line 3"],
    ),
    "a section twice": (
        [f"{VM}{VM}".encode()],
        ["a.ini: [vm:demo] is given twice, line 3"],
    ),
    "a section in two files": (
        [VM.encode(), VM.encode()],
        ["b.ini: [vm:demo] stands in a.ini too"],
    ),
    "both files bad": (
        [b"x = 1\n", None],
        ["a.ini: line 1 stands in no section", "b.ini: No such file or directory"],
    ),
    "a mistake in each file": (
        [f"{VM}max-clients = 0\n".encode(), b"[handler:monitors]\nx = 1\n"],
        [
            "a.ini: [vm:demo] max-clients: at least 1 is needed",
            "b.ini: [handler:monitors] x: unknown key, known are owner",
        ],
    ),
}


@pytest.mark.parametrize(("section", "problem"), SECTION_MISTAKES.items())
def test_a_section_that_is_about_nothing(problems, section, problem):
    assert problems(f"{VM}{section}\n") == [f"vm.ini: {section} {problem}"]


@pytest.mark.parametrize(("line", "problem"), LINE_MISTAKES.items())
def test_a_line_of_a_vm(problems, line, problem):
    assert problems(f"{VM}{line}\n") == [f"vm.ini: [vm:demo] {problem}"]


@pytest.mark.parametrize(("lines", "problem"), GUEST_MISTAKES.items())
def test_a_guest(problems, lines, problem):
    assert problems(f"[vm:demo]\n{lines}\n") == [f"vm.ini: [vm:demo] {problem}"]


@pytest.mark.parametrize(("lines", "problem"), OTHER_MISTAKES.items())
def test_a_line_of_another_section(problems, lines, problem):
    assert problems(f"{WITH_CI}{lines}\n") == [f"vm.ini: {problem}"]


def test_all_that_is_wrong_with_a_vm_is_said_at_once(problems):
    lines = problems(
        "[vm:demo]\nguest = tcp:x\nguest-listen = unix:g\nmax-clients = 0\n"
        "filters = polcy\nhandlers = mose\nrequired = audit\nclients = vdi\n"
    )
    keys = [line.partition("] ")[2].partition(":")[0] for line in lines]
    assert sorted(keys) == [
        "clients",
        "filters",
        "guest",
        "guest",
        "handlers",
        "max-clients",
        "required",
    ]


@pytest.mark.parametrize(("lines", "problem"), FILTER_MISTAKES.items())
def test_a_section_about_a_filter(problems, lines, problem):
    text = f"{WITH_CI}filters = policy\n{lines}\n"
    assert problems(text) == [f"vm.ini: {problem}"]


@pytest.mark.parametrize(("files", "lines"), FILE_MISTAKES.values(), ids=FILE_MISTAKES)
def test_a_file(tmp_path, monkeypatch, reactor, files, lines):
    monkeypatch.chdir(tmp_path)
    paths = []
    for name, data in zip(("a.ini", "b.ini"), files, strict=False):
        paths.append(name)
        if data is not None:
            Path(name).write_bytes(data)
    with pytest.raises(ConfigError) as raised:
        load(paths, reactor)
    assert raised.value.problems == lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"{VM}zzz = 3\n", [f"[vm:demo] zzz: unknown key, known are {VM_KEYS}"]),
        (
            f"{VM}clients = vdy unix:a\n[handlr:x]\n",
            [
                "[vm:demo] clients: unknown frontend vdy, did you mean vdi?",
                "[handlr:x] unknown section, did you mean handler:?",
            ],
        ),
        (
            f"{VM}filters = audit\n[vm:demo filter:policy]\n",
            [
                "[vm:demo filter:policy] policy is not among the VM's filters, "
                "known are audit"
            ],
        ),
    ],
)
def test_commands_print_just_these_lines_and_start_nothing(
    tmp_path, monkeypatch, capsys, text, lines
):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, text)
    expected = "".join(f"vm.ini: {line}\n" for line in lines)
    assert (main(["check", "-c", "vm.ini"]), *capsys.readouterr()) == (1, "", expected)
    daemon = run(tmp_path, "-c", "vm.ini")
    assert (daemon.returncode, daemon.stdout, daemon.stderr) == (1, "", expected)
    assert [path.name for path in tmp_path.iterdir()] == ["vm.ini"]
