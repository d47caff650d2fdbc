"""What holds once everybody has heard everything, and when all have left."""

from __future__ import annotations

from collections import deque
from functools import reduce
from operator import or_
from typing import Any

from tests.stateful.grab import Grab
from tests.stateful.room import Room
from vdproxy.hub.client import Client
from vdproxy.hub.handler import Handler

#: What a handler keeps for as long as it lives, by name.
_LASTING = {"_vm", "_selections", "messages", "_options", "options", "_other_forms"}


def is_quiet(room: Room) -> bool:
    """Tell whether nobody has something to hear, and nothing is being held back."""
    agent = room.agent
    if agent is not None and not (agent.current and agent.ready and room.hub.guest.up):
        return False
    views = [room.hub_view(selection) for selection in room.selections]
    return (
        room.hub.guest.queued == 0
        and all(c.current and c.ready for c in room.clients)
        and not any(view._gate._held or view._releasing for view in views)
    )


def check_quiet(room: Room) -> None:
    """Check that all agree on everything."""
    for selection in room.selections:
        _check_owner(room, selection)
    _check_transfers(room)
    agent = room.agent
    if agent is not None and agent.mouse is not None:
        held = reduce(or_, (c.buttons or 0 for c in room.clients), 0)
        assert agent.mouse.buttons == held, f"{agent.mouse}, and {held:x} are held"


def _check_owner(room: Room, selection: int) -> None:
    peers = [p for p in room.peers if p.ready and p.reaches(selection)]
    if any(p.clipboards[selection].ambiguous for p in peers):
        return
    owner = room.hub_view(selection)._owner
    owners = [p for p in peers if p.hub_side is owner]
    grab: Grab | None = None
    for peer in owners:
        grab = peer.clipboards[selection].view
        assert grab is not None, f"{peer} does not know that it owns {selection}"
        assert grab.owner is peer, f"{peer} does not know that it owns {selection}"
    for peer in peers:
        view = peer.clipboards[selection].view
        if peer in owners:
            continue
        if grab is not None and grab.offered and room.may_paste(peer, grab.owner):
            assert view is grab, f"{peer} sees {view}, which is {grab}"
        elif view is not None:
            assert view.owner is peer, f"{peer} sees {view}, which nobody has"
            assert view.superseded or not view.offered, f"{peer} thinks to own {view}"


def _check_transfers(room: Room) -> None:
    agent = room.agent
    live = [] if agent is None else [(t.client, t.id) for t in agent.live.values()]
    assert len(live) == len(set(live)), f"one id runs twice: {live}"
    known = {(client, t.id) for client in room.clients for t in client.transfers}
    if agent is not None and agent.is_linux:
        assert set(live) == known, f"the agent has {live}, the clients {known}"


def check_empty(room: Room) -> None:
    """Check that nothing is left of those who were there."""
    for handler in room.handlers:
        left = [path for path, _ in _left_in(handler, type(handler).__name__)]
        assert not left, f"left over: {left}"


def _left_in(holder: Any, path: str) -> list[tuple[str, Any]]:
    """Return what an object of vdproxy, and those it has, keeps, by its path."""
    found: list[tuple[str, Any]] = []
    for name, value in vars(holder).items():
        here = f"{path}.{name}"
        if isinstance(value, Client):
            found.append((here, value))
        elif name == "_selections":
            for number, selection in value.items():
                found += _left_in(selection, f"{here}[{number}]")
        elif name in _LASTING:
            continue
        elif isinstance(value, (dict, list, set, deque)):
            if value:
                found.append((here, value))
        elif (
            hasattr(value, "__dict__")
            and type(value).__module__.startswith("vdproxy.handlers")
            and not isinstance(value, Handler)
        ):
            found += _left_in(value, here)
    return found
