from __future__ import annotations

import re
from enum import IntEnum, IntFlag
from pathlib import Path

import pytest

from vdproxy.wire import constants

HEADER = Path("/usr/include/spice-1/spice/vd_agent.h")

_NUMBER = r"(?P<number>\d+)|\(1 << (?P<bit>\d+)\)"
_ENUM = re.compile(r"enum \{([^}]*)\}")
_ENUMERATOR = re.compile(rf"(?P<name>\w+)(?: = (?:{_NUMBER}))?")
_DEFINE = re.compile(rf"^#define (?P<name>\w+) (?:{_NUMBER})$", re.MULTILINE)

ENUMS = [
    value
    for value in vars(constants).values()
    if isinstance(value, type)
    and issubclass(value, IntEnum | IntFlag)
    and value.__module__ == constants.__name__
]


def header_text():
    assert HEADER.is_file(), f"{HEADER} is missing; install libspice-protocol-dev"
    return re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.DOTALL)


def value_of(match):
    if match["bit"]:
        return 1 << int(match["bit"])
    return int(match["number"]) if match["number"] else None


def header_enums():
    enums = []
    for body in _ENUM.findall(header_text()):
        members = {}
        following = 0
        for enumerator in filter(None, (part.strip() for part in body.split(","))):
            match = _ENUMERATOR.fullmatch(enumerator)
            assert match, f"an enumerator that this test cannot read: {enumerator}"
            value = value_of(match)
            members[match["name"]] = following if value is None else value
            following = members[match["name"]] + 1
        enums.append(members)
    return enums


def header_defines():
    return {m["name"]: value_of(m) for m in _DEFINE.finditer(header_text())}


def members_of(enum):
    return {name: int(member) for name, member in enum.__members__.items()}


def test_the_header_is_read_as_a_compiler_reads_it():
    by_name = {name: value for enum in header_enums() for name, value in enum.items()}
    assert by_name["VDP_END_PORT"] == 3
    assert by_name["VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA"] == 0
    assert by_name["VD_AGENT_CONFIG_MONITORS_FLAG_PHYSICAL_SIZE"] == 2
    assert by_name["VD_AGENT_END_CAP"] == 18
    assert header_defines()["VD_AGENT_EBUTTON_MASK"] == 128


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
def test_an_enum_has_the_members_and_values_of_one_in_the_header(enum):
    masks = {n: v for n, v in header_defines().items() if n.endswith("BUTTON_MASK")}
    assert members_of(enum) in [*header_enums(), masks]


def test_every_enum_of_the_header_has_its_twin():
    ours = [members_of(enum) for enum in ENUMS]
    assert [enum for enum in header_enums() if enum not in ours] == []


def test_every_number_the_header_defines_is_there():
    ours = {name: members_of(enum)[name] for enum in ENUMS for name in members_of(enum)}
    ours |= {
        name: value for name, value in vars(constants).items() if type(value) is int
    }
    defines = header_defines()
    assert {name: ours.get(name) for name in defines} == defines


def test_every_button_is_a_mask_of_the_header():
    masks = {n for n in header_defines() if n.endswith("BUTTON_MASK")}
    assert set(members_of(constants.MouseButtons)) == masks
    assert len(masks) == 7


def test_names_with_the_protocols_prefix_are_the_headers():
    ours = {name for name in vars(constants) if name.startswith("VD")}
    assert ours <= set(header_defines())
    assert ours == {"VD_AGENT_PROTOCOL", "VD_AGENT_MAX_DATA_SIZE"}


def test_no_name_stands_for_two_numbers_of_one_enum():
    for enum in ENUMS:
        assert len(set(members_of(enum).values())) == len(enum.__members__), enum


def test_limits_leave_room_for_what_peers_send():
    assert constants.DEFAULT_MAX_MESSAGE == 100 * 2**20
    assert constants.MAX_FILE_XFER_DATA >= 64 * 1024
    assert len(constants.ClipboardType) <= constants.MAX_GRAB_TYPES
    assert constants.MAX_CAPABILITY_WORDS * 32 > constants.Capability.VD_AGENT_END_CAP
    assert constants.DEFAULT_MAX_MESSAGE < constants.MAX_SKIPPED < 2**31
