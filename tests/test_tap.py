"""The command line of ``twistd vdproxy``."""

from __future__ import annotations

import pytest
from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins
from twisted.python.usage import UsageError

from tests.support import write
from vdproxy.service.proxy import ProxyService
from vdproxy.service.supervision import Supervision
from vdproxy.tap import Options, makeService

GUEST = "[vm:demo]\nguest = simulated:\n"


def parsed(*arguments):
    options = Options()
    options.parseOptions(arguments)
    return options


@pytest.fixture
def ini(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda text, name="vm.ini": write(tmp_path, text, name)


def test_twistd_knows_vdproxy():
    makers = {maker.tapname: maker for maker in getPlugins(IServiceMaker)}
    assert makers["vdproxy"].module == "vdproxy.tap"
    assert makers["vdproxy"].options is Options


def test_without_a_file_it_is_used_wrongly():
    with pytest.raises(SystemExit, match="a configuration is needed: -c FILE"):
        parsed()


@pytest.mark.parametrize(
    "arguments", [("--nonsense",), ("-c",), ("-c", "vm.ini", "more")]
)
def test_a_command_line_that_means_nothing_is_used_wrongly(ini, arguments):
    ini(GUEST)
    with pytest.raises(UsageError):
        parsed(*arguments)


@pytest.mark.parametrize("option", ["-c", "--config"])
def test_a_file_is_read(ini, option):
    options = parsed(option, ini(GUEST))
    assert [vm.name for vm in options.settings.vms] == ["demo"]


def test_several_files_are_read_together(ini):
    second = ini("[vm:two]\nguest = simulated:\n", "b.ini")
    options = parsed("-c", ini(GUEST), "-c", second)
    assert [vm.name for vm in options.settings.vms] == ["demo", "two"]


@pytest.mark.parametrize("check", [(), ("--check-config",)])
def test_mistakes_are_a_line_each_on_stderr_and_status_1(ini, capsys, check):
    ini(f"{GUEST}max-client = 3\nhandlers = monitrs\n")
    with pytest.raises(SystemExit) as raised:
        parsed("-c", "vm.ini", *check)
    assert raised.value.code == 1
    assert capsys.readouterr() == (
        "",
        "vm.ini: [vm:demo] max-client: unknown key, did you mean max-clients?\n"
        "vm.ini: [vm:demo] handlers: unknown handler monitrs, did you mean monitors?\n",
    )


def test_a_file_that_is_missing_is_a_line_too(ini, capsys):
    with pytest.raises(SystemExit) as raised:
        parsed("-c", "no.ini")
    assert raised.value.code == 1
    assert capsys.readouterr().err == "no.ini: No such file or directory\n"


@pytest.mark.parametrize("order", [("-c", "vm.ini"), ()])
def test_checking_a_good_file_is_status_0_without_a_word(ini, capsys, order):
    ini(GUEST)
    rest = () if order else ("-c", "vm.ini")
    with pytest.raises(SystemExit) as raised:
        parsed(*order, "--check-config", *rest)
    assert raised.value.code == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("flags", [[], ["--trace"]])
def test_the_service_has_a_vm_for_each_section(ini, flags):
    second = ini("[vm:two]\nguest = simulated:\n", "b.ini")
    service = makeService(parsed("-c", ini(GUEST), "-c", second, *flags))
    proxy, supervision = service
    assert isinstance(proxy, ProxyService)
    assert [vm.hub.name for vm in proxy.vms] == ["demo", "two"]
    assert isinstance(supervision, Supervision)
