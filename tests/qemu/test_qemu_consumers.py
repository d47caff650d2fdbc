"""Several that want one port of a real QEMU."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.peers.programs import wait_for
from tests.qemu.scene import Scene, check_service


def test_a_consumer_that_waits_behind_vdproxy_disturbs_nobody(tmp_path: Path):
    with (
        Scene(tmp_path) as scene,
        scene.agent() as agent,
        socket.socket(socket.AF_UNIX) as other,
    ):
        viewer = scene.viewer()
        other.connect(str(scene.port_path))
        check_service(agent, viewer)
        assert scene.connections == 1


def test_vdproxy_waits_behind_a_consumer_that_never_answers(tmp_path: Path):
    with Scene(tmp_path) as scene, scene.agent() as agent:
        with socket.socket(socket.AF_UNIX) as other:
            check_service(agent, scene.viewer())
            other.connect(str(scene.port_path))
            scene.vdproxy.stop()
            scene.vdproxy.start()
            scene.wait_until_connected(2)
            with scene.connect() as client:
                assert client.drain(1) == []
        check_service(agent, scene.viewer())
        assert scene.connections == 2


@pytest.mark.parametrize("connects", [False, True], ids=["listens", "connects"])
def test_a_second_vdproxy_is_served_when_the_first_one_ends(
    tmp_path: Path, connects: bool
):
    with (
        Scene(tmp_path, connects=connects) as scene,
        scene.agent() as agent,
        scene.another_vdproxy("second") as second,
    ):
        words = "cannot listen for the guest" if connects else "connected to the"
        wait_for(lambda: words in second.log, 5, "second", lambda: second.log)
        check_service(agent, scene.viewer())
        assert "agent is up" not in second.log
        scene.vdproxy.stop()
        wait_for(lambda: "is up" in second.log, 15, "agent", lambda: second.log)
        check_service(agent, scene.viewer("second"))
