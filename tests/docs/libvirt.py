"""Devices of a libvirt domain, held to libvirt's own schema."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.peers.programs import find_program

_SCHEMA = Path("/usr/share/libvirt/schemas/domain.rng")

_DOMAIN = """
<domain type='kvm'>
  <name>guest</name>
  <memory>1048576</memory>
  <os><type>hvm</type></os>
  <devices>{devices}</devices>
</domain>
"""


def check_devices(devices: str) -> None:
    """Fail if libvirt would not take *devices*."""
    assert _SCHEMA.exists(), "libvirt0, a Debian package, is not installed"
    xmllint = find_program("xmllint", "libxml2-utils")
    checked = subprocess.run(
        [xmllint, "--noout", "--relaxng", _SCHEMA, "-"],
        input=_DOMAIN.format(devices=devices),
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
