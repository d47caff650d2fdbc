"""What is promised for later versions is accepted now, and said to do nothing."""

from __future__ import annotations

import pytest

from tests.support import write
from vdproxy.errors import ConfigError
from vdproxy.hub.budget import Limits
from vdproxy.service.settings import load

HANDLERS = (
    "capabilities, clipboard, file-transfer, monitors, mouse, display, audio, "
    "graphics-device"
)

#: Everything that a configuration may hold.
COMPLETE = f"""\
[vdproxy]
control = unix:run/control.sock:mode=660       # HTTP API; optional, no default
status = unix:run/status.sock:mode=666         # the same, GET only; optional
max-memory = 512M                              # of all VMs
metrics = tcp:9469:interface=127.0.0.1         # Prometheus; optional

[vm:fedora]
guest = unix:/run/qemu/fedora/vdagent.sock     # QEMU's chardev socket
#guest-listen = unix:/run/x:mode=660           # or QEMU connects
#guest = simulated:                            # or the embedded agent
qmp = unix:/run/qemu/fedora/qmp.sock           # optional
clients =                                      # FRONTEND ENDPOINT [as NAME]
    vdi unix:/run/vdproxy/fedora.sock:mode=660
    vdi unix:/run/vdproxy/fedora-ci.sock:mode=660 as ci
    spice tcp:5930:interface=127.0.0.1
handlers = {HANDLERS}   # this is the default
filters = policy, audit                        # in this order
required = audit                               # fail closed
max-clients = 16
max-message = 100M

[handler:clipboard]                            # for every VM
selections = clipboard                         # clipboard, primary, secondary
share-between-clients = yes
[vm:fedora filter:policy]                      # for one VM; wins key by key
clipboard = both                               # both | to-guest | from-guest | none
clipboard-types = text, png                    # or bmp, tiff, jpg, file-list, any
clipboard-max = 1M
files = yes
file-max = 4G
monitors = yes
"""
NOTES = [
    "[vdproxy] control: not in this version, without effect",
    "[vdproxy] status: not in this version, without effect",
    "[vdproxy] metrics: not in this version, without effect",
    "[vm:fedora] clients: frontend spice is not in this version, without effect",
]


def loaded(tmp_path, monkeypatch, reactor, text):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, text)
    return load(["vm.ini"], reactor)


def test_the_complete_example_is_accepted_as_it_stands(tmp_path, monkeypatch, reactor):
    (vm,) = loaded(tmp_path, monkeypatch, reactor, COMPLETE).vms
    assert (vm.name, vm.guest, vm.guest_listen, vm.qmp) == (
        "fedora",
        "unix:/run/qemu/fedora/vdagent.sock",
        "",
        "unix:/run/qemu/fedora/qmp.sock",
    )
    assert [(c.frontend.name, c.endpoint, c.name) for c in vm.clients] == [
        ("vdi", "unix:/run/vdproxy/fedora.sock:mode=660", ""),
        ("vdi", "unix:/run/vdproxy/fedora-ci.sock:mode=660", "ci"),
    ]
    assert [choice.name for choice in vm.handlers] == HANDLERS.split(", ")
    assert [(c.name, c.closed) for c in vm.filters] == [
        ("policy", True),
        ("audit", True),
    ]
    assert vm.limits == Limits()


def test_what_has_no_effect_is_noted_in_a_line_each(tmp_path, monkeypatch, reactor):
    notes = loaded(tmp_path, monkeypatch, reactor, COMPLETE).notes
    assert sorted(notes) == sorted(f"vm.ini: {note}" for note in NOTES)


def test_a_filter_that_no_vm_lists_is_noted(tmp_path, monkeypatch, reactor):
    text = "[vm:a]\nguest = simulated:\n[filter:policy]\nclipboard = none\n"
    notes = loaded(tmp_path, monkeypatch, reactor, text).notes
    assert notes == ("vm.ini: [filter:policy] no VM lists policy, without effect",)


def test_what_has_an_effect_is_not_noted(tmp_path, monkeypatch, reactor):
    text = "[vm:a]\nguest = simulated:\nclients = vdi unix:a as b\nmax-clients = 2\n"
    assert loaded(tmp_path, monkeypatch, reactor, text).notes == ()


@pytest.mark.parametrize(
    "lines",
    [
        "[handler:clipboard]\nselections = primary, secondary\n",
        "[handler:file-transfer]\n",
        "[handler:audio]\n",
        "[vm:a handler:clipboard]\nshare-between-clients = no\n",
        "[filter:policy]\nclipboard = to-guest\nclipboard-types = bmp tiff, jpg\n",
        "[filter:policy]\nclipboard-types = file-list\nmonitors = no\nfiles = off\n",
        "[filter:policy]\nclipboard-max = 64K\n",
        "[filter:policy]\nfile-max = 12\n",
        "[filter:audit]\n",
        "[vm:a filter:policy]\nclipboard = none\n",
        "[vm:a frontend:spice]\npassword-file = x\nname = y\nuuid = z\n",
        "[vm:a frontend:spice filter:policy]\nclipboard = from-guest\n",
        "[vm:a client:ci filter:policy]\nclipboard = both\n",
    ],
)
def test_every_promised_key_is_known(tmp_path, monkeypatch, reactor, lines):
    text = (
        "[vm:a]\nguest = simulated:\nclients = vdi unix:a as ci\n"
        f"filters = policy, audit\n{lines}"
    )
    assert loaded(tmp_path, monkeypatch, reactor, text).vms


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ("[vdproxy]\ncontrol = nowhere\n", "[vdproxy] control: "),
        ("[vdproxy]\nstatus = nowhere\n", "[vdproxy] status: "),
        ("[vdproxy]\nmetrics = nowhere\n", "[vdproxy] metrics: "),
        (
            "[vm:b]\nguest = simulated:\nclients = spice nowhere\n",
            "[vm:b] clients: ",
        ),
    ],
)
def test_an_endpoint_without_effect_is_checked_like_any_other(
    tmp_path, monkeypatch, reactor, lines, place
):
    with pytest.raises(ConfigError) as raised:
        loaded(tmp_path, monkeypatch, reactor, f"[vm:a]\nguest = simulated:\n{lines}")
    (line,) = raised.value.problems
    assert line.startswith(f"vm.ini: {place}")
