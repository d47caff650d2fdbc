"""One class for each kind of reader, and what each says."""

from __future__ import annotations

import pytest

from vdproxy.errors import (
    ConfigError,
    LocalProtocolError,
    ProtocolError,
    Refused,
    RemoteProtocolError,
    VdproxyError,
)


@pytest.mark.parametrize(
    ("error", "base"),
    [
        (LocalProtocolError, ProtocolError),
        (RemoteProtocolError, ProtocolError),
        (ProtocolError, VdproxyError),
        (ConfigError, VdproxyError),
        (Refused, VdproxyError),
    ],
)
def test_every_error_can_be_caught_as_its_kind(error, base):
    assert issubclass(error, base)


def test_the_two_sides_of_a_protocol_error_are_told_apart():
    assert not issubclass(LocalProtocolError, RemoteProtocolError)
    assert not issubclass(RemoteProtocolError, LocalProtocolError)


def test_a_configuration_error_is_its_problems_a_line_each():
    error = ConfigError(["a.ini: one", "b.ini: two"])
    assert error.problems == ["a.ini: one", "b.ini: two"]
    assert str(error) == "a.ini: one\nb.ini: two"
