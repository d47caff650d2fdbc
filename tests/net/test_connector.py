"""What the guest's port and QMP do not show of their connector."""

from __future__ import annotations

from twisted.internet.protocol import Factory
from twisted.internet.task import Clock

from tests.net.connections import Endpoint
from tests.support import new_hub
from vdproxy.net.connector import Connector


def test_a_loss_after_the_end_brings_on_no_more_tries():
    clock = Clock()
    endpoint = Endpoint(clock)
    connector = Connector(
        endpoint, Factory(), new_hub(clock), text="unix:x", purpose="nobody"
    )
    connector.stop()
    connector.lost()
    clock.advance(10)
    assert endpoint.times == []
