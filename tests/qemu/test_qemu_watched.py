"""What QEMU's QMP tells of the port, and what vdproxy makes of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.programs import wait_for
from tests.peers.viewer import CLIPBOARD, TEXT
from tests.qemu.port_socket import PortAgent
from tests.qemu.scene import Scene, check_service
from vdproxy.wire.messages import AnnounceCapabilities, ClipboardGrab, ClipboardRelease


@pytest.fixture(params=["qemu-listens", "qemu-connects"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    connects = request.param == "qemu-connects"
    with Scene(tmp_path, connects=connects, watched=True) as scene:
        yield scene


def test_an_agent_that_closes_the_port_is_missed_before_there_is_another(
    scene: Scene,
):
    with scene.agent() as agent:
        viewer = scene.viewer()
        agent.send(ClipboardGrab(CLIPBOARD, (TEXT,), 0))
        assert viewer.expect_grab() == (CLIPBOARD, (TEXT,))
    assert viewer.expect(ClipboardRelease, 5).selection == CLIPBOARD


def test_an_agent_that_opens_the_port_anew_in_silence_is_greeted(scene: Scene):
    with scene.agent() as agent:
        viewer = scene.viewer()
        check_service(agent, viewer)
        settle()
        before = questions(agent)
        agent.reopen()
        wait_for(lambda: questions(agent) > before, 5, "question")
        check_service(agent, viewer)


def test_news_of_former_agents_does_not_disturb_the_present_one(scene: Scene):
    with scene.agent():
        viewer = scene.viewer()
    # The news of the first change comes a second late, of the second at once.
    for _ in range(2):
        with scene.agent() as agent:
            check_service(agent, viewer)
            handshakes, connections = scene.handshakes, scene.connections
            settle()
            check_service(agent, viewer)
            assert (scene.handshakes, scene.connections) == (handshakes, connections)


def questions(agent: PortAgent) -> int:
    """Return how often the agent has been asked for its capabilities."""
    messages = [received.message for received in list(agent.received)]
    announced = [m for m in messages if isinstance(m, AnnounceCapabilities)]
    return sum(message.request for message in announced)


def settle() -> None:
    """
    Let all news of the port come, and all announcements be old.

    While one is young, news of an opening is taken for its own.
    """
    time.sleep(2.5)
