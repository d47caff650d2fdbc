"""Keys are not pasted, anything else is."""

import pytest

from vdproxy.api import Clipboard, ClipboardGrab, ClipboardRequest, ClipboardType
from vdproxy.testing import Installed, ModelVM, logged
from vdproxy_paste_guard import Options, make

TEXT = ClipboardType.VD_AGENT_CLIPBOARD_UTF8_TEXT
REQUEST = ClipboardRequest(0, TEXT)
KEY = b"-----BEGIN PRIVATE KEY-----\nMC4CAQ...\n-----END PRIVATE KEY-----\n"
NOTHING = b""


def guarded(options=None, special=None):
    """Return a VM with a guard, and two clients of it, of which one is called ci."""
    options = options or Options()
    guard = Installed("paste-guard", make(options), options, special or {})
    vm = ModelVM(filters=[guard])
    vm.agent.come_up()
    return vm, vm.client(), vm.client(name="ci")


def pasted(owner, data, paster):
    """Have *owner* copy *data*, and return what *paster* is answered."""
    owner.say(ClipboardGrab(0, (TEXT,)))
    paster.say(REQUEST)
    assert REQUEST in owner.heard()
    paster.heard()
    owner.say(Clipboard(0, TEXT, data))
    (answer,) = paster.heard()
    return answer.data


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "ENCRYPTED ", "OPENSSH "])
def test_a_key_is_not_pasted(kind):
    key = KEY.replace(b"PRIVATE", f"{kind}PRIVATE".encode())
    vm, client, _ = guarded()
    assert pasted(client, key, vm.agent) == NOTHING


def test_a_key_goes_from_nobody_to_nobody():
    vm, client, other = guarded()
    assert pasted(vm.agent, KEY, client) == NOTHING
    assert pasted(client, KEY, other) == NOTHING


def test_a_key_in_the_midst_of_other_text_is_found():
    vm, client, _ = guarded()
    assert pasted(client, b"\xff see below:\n" * 5000 + KEY, vm.agent) == NOTHING


def test_other_text_is_pasted():
    vm, client, other = guarded()
    text = b"-----BEGIN PUBLIC KEY----- is PRIVATE"
    assert pasted(client, text, vm.agent) == text
    assert pasted(client, text, other) == text


def test_the_log_says_why_and_not_what():
    vm, client, _ = guarded()
    with logged() as events:
        pasted(client, KEY, vm.agent)
    assert events.having("it holds a private key")
    assert "MC4CAQ" not in events.all_there_is


def test_markers_are_lines_and_each_is_enough():
    vm, client, _ = guarded(Options("\nPuTTY-User-Key-File\n\ntop secret"))
    assert pasted(client, b"PuTTY-User-Key-File-3: ssh-rsa", vm.agent) == NOTHING
    assert pasted(client, b"this is top secret", vm.agent) == NOTHING
    assert pasted(client, b"top\nsecret", vm.agent) == b"top\nsecret"
    assert pasted(client, KEY, vm.agent) == KEY


def test_a_client_may_have_markers_of_its_own():
    vm, client, ci = guarded(special={("vdi", "ci"): Options("token")})
    assert pasted(ci, b"token", vm.agent) == NOTHING
    assert pasted(client, b"token", vm.agent) == b"token"


@pytest.mark.parametrize("markers", ["", "\n \n"])
def test_a_guard_without_markers_is_refused(markers):
    with pytest.raises(ValueError, match="markers: at least one"):
        Options(markers)
