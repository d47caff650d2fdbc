"""All named cases."""

from __future__ import annotations

from tests.hostile.case import Case
from tests.hostile.clipboard import CLIPBOARDS
from tests.hostile.devices import DEVICE_CASES
from tests.hostile.files import FILES
from tests.hostile.framing import FRAMING

CASES = [*FRAMING, *CLIPBOARDS, *FILES, *DEVICE_CASES]


def sent_by(sender: str) -> list[Case]:
    """Return the cases that say something from the client or from the guest."""
    return [case for case in CASES if getattr(case, sender) is not None]
