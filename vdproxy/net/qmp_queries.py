"""What is asked of a QEMU about a VM and the port of its guest's agent."""

from __future__ import annotations

from dataclasses import dataclass

from vdproxy.errors import RemoteProtocolError
from vdproxy.net.qmp import QMPClient, member

#: What the agent's port is called in the guest.
PORT_NAME = "com.redhat.spice.0"

#: Where QOM has the devices that were given an ``id=``, and the others.
_NAMED = "/machine/peripheral"
_UNNAMED = "/machine/peripheral-anon"


@dataclass(frozen=True)
class GuestDevice:
    """The virtserialport of a guest's agent; its *id* is empty if it was given none."""

    id: str
    chardev: str


async def find_port(qmp: QMPClient) -> GuestDevice | None:
    """
    Return the port of the guest's agent, or None if the VM has none.

    :raises RemoteProtocolError: QEMU refuses, answers strangely or is gone. So do
        the others.
    """
    for parent in (_NAMED, _UNNAMED):
        for child in _list(await qmp.ask("qom-list", path=parent), "qom-list"):
            if member(child, "type", str, "qom-list") != "child<virtserialport>":
                continue
            name = member(child, "name", str, "qom-list")
            path = f"{parent}/{name}"
            if await _property(qmp, path, "name") == PORT_NAME:
                chardev = await _property(qmp, path, "chardev")
                return GuestDevice(name if parent == _NAMED else "", chardev)
    return None


async def is_running(qmp: QMPClient) -> bool:
    """Tell whether the VM's processors run."""
    status = await qmp.ask("query-status")
    return member(status, "running", bool, "query-status")


async def is_open(qmp: QMPClient, port: GuestDevice) -> bool:
    """Tell whether the guest has its end of *port* open."""
    for chardev in _list(await qmp.ask("query-chardev"), "query-chardev"):
        if member(chardev, "label", str, "query-chardev") == port.chardev:
            return member(chardev, "frontend-open", bool, "query-chardev")
    raise RemoteProtocolError("query-chardev does not know the port's chardev")


async def _property(qmp: QMPClient, path: str, name: str) -> str:
    value = await qmp.ask("qom-get", path=path, property=name)
    if not isinstance(value, str):
        raise RemoteProtocolError(f"qom-get says of a port's {name} what is no text")
    return value


def _list(answer: object, what: str) -> list[object]:
    if not isinstance(answer, list):
        raise RemoteProtocolError(f"{what} has no list for an answer")
    return answer
