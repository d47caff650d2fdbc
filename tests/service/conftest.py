"""What tests of configurations share."""

from __future__ import annotations

import pytest

from tests.support import write
from vdproxy.errors import ConfigError
from vdproxy.service.settings import load


@pytest.fixture
def problems(tmp_path, monkeypatch, reactor):
    """Load vm.ini with this text and return what is wrong with it."""
    monkeypatch.chdir(tmp_path)

    def problems(text):
        write(tmp_path, text)
        with pytest.raises(ConfigError) as raised:
            load(["vm.ini"], reactor)
        return raised.value.problems

    return problems
