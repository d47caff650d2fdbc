"""vdproxy before the port of a real QEMU that an agent opens and closes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.programs import wait_for
from tests.qemu.scene import Scene, check_service
from tests.real.guest import ACCEPTED
from vdproxy.wire.messages import MonConfig, MonitorsConfig, Reply


@pytest.fixture(params=["qemu-listens", "qemu-connects"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    with Scene(tmp_path, connects=request.param == "qemu-connects") as scene:
        yield scene


def test_agents_that_come_and_go_are_each_greeted(scene: Scene):
    with scene.agent() as agent:
        viewer = scene.viewer()
        check_service(agent, viewer)
    for _ in range(2):
        with scene.agent() as agent:
            check_service(agent, viewer)
    assert (scene.connections, scene.handshakes) == (1, 3)


def test_an_agent_that_waited_for_vdproxy_is_served(scene: Scene):
    scene.vdproxy.stop()
    wait_for(lambda: not scene.machine.port.host_connected, 5, "end of the host")
    with scene.agent() as agent:
        scene.vdproxy.start()
        check_service(agent, scene.viewer())


def test_an_agent_outlives_vdproxy(scene: Scene):
    with scene.agent() as agent:
        for _ in range(2):
            check_service(agent, scene.viewer())
            scene.vdproxy.kill()
            scene.vdproxy.start()
        check_service(agent, scene.viewer())


def test_a_machine_that_is_stopped_is_waited_for(scene: Scene):
    with scene.agent():
        viewer = scene.viewer()
        scene.machine.monitor.execute("stop")
        viewer.send(MonitorsConfig(0, (MonConfig(800, 600),)))
        with pytest.raises(TimeoutError):
            viewer.expect(Reply, 1)
        scene.machine.monitor.execute("cont")
        assert viewer.expect(Reply) == ACCEPTED
    assert (scene.connections, scene.handshakes) == (1, 1)


def test_a_guest_that_boots_again_is_greeted(scene: Scene):
    with scene.agent():
        viewer = scene.viewer()
        scene.machine.monitor.execute("system_reset")
    scene.machine.port.start()
    with scene.agent() as agent:
        check_service(agent, viewer)
