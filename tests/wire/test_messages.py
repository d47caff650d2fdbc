from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest

from tests.wire.decoding import (
    NEITHER,
    decode_each_way,
    each_layout,
    refuse_encoding,
    refuse_size_each_way,
)
from vdproxy.errors import LocalProtocolError, RemoteProtocolError
from vdproxy.wire import messages
from vdproxy.wire.constants import MAX_UNKNOWN, MessageType
from vdproxy.wire.messages import (
    STANDARD,
    DeviceDisplayInfo,
    Message,
    MonConfig,
    Reply,
    Unknown,
)
from vdproxy.wire.messages.base import permit, require

VALUE_CLASSES = [*STANDARD, Unknown, MonConfig, DeviceDisplayInfo]


def test_there_is_one_class_for_each_message_type():
    numbers = [int(message_class.number) for message_class in STANDARD]
    assert numbers == list(range(1, MessageType.VD_AGENT_END_MESSAGE))


@pytest.mark.parametrize("message_class", STANDARD, ids=lambda cls: cls.__name__)
def test_a_class_bears_the_name_of_its_type(message_class):
    words = re.findall("[A-Z][a-z]*", message_class.__name__)
    name = "_".join(["VD_AGENT", *(word.upper() for word in words)])
    assert MessageType(message_class.number).name == name


def test_all_classes_are_exported():
    names = {message_class.__name__ for message_class in (*STANDARD, Message, Unknown)}
    assert names <= set(messages.__all__)
    assert all(hasattr(messages, name) for name in messages.__all__)


@pytest.mark.parametrize("value_class", VALUE_CLASSES, ids=lambda cls: cls.__name__)
def test_a_message_is_a_small_frozen_value(value_class):
    assert is_dataclass(value_class)
    value = object.__new__(value_class)
    assert not hasattr(value, "__dict__")
    for field in fields(value_class):
        with pytest.raises(FrozenInstanceError):
            setattr(value, field.name, 1)


def test_every_message_is_a_message():
    assert all(issubclass(each, Message) for each in (*STANDARD, Unknown))


def test_messages_are_equal_by_value():
    assert Reply(2, 1) == Reply(2, 1)
    assert Reply(2, 1) != Reply(1, 2)
    assert len({Reply(2, 1), Reply(2, 1), Unknown(3, b"")}) == 2


@pytest.mark.parametrize("number", [17, 18, 1000, 2**31, 2**32 - 1])
@pytest.mark.parametrize("payload", [b"", b"\0", bytes(range(256))])
@each_layout
def test_a_message_of_an_undefined_type_stays_as_it_came(layout, number, payload):
    value = decode_each_way(number, payload, layout)
    assert value == Unknown(number, payload)
    assert value.encode(layout) == payload


def test_a_message_of_an_undefined_type_may_have_1_mib():
    payload = bytes(2**20)
    assert decode_each_way(17, payload) == Unknown(17, payload)
    assert len(payload) == MAX_UNKNOWN


def test_a_message_of_an_undefined_type_over_1_mib_is_over_the_limit():
    refuse_size_each_way(17, bytes(2**20 + 1))
    refuse_encoding(Unknown(17, bytes(2**20 + 1)))


def test_a_message_class_must_bring_its_own_decoding_and_encoding():
    with pytest.raises(RemoteProtocolError, match="Message reads no payload"):
        Message.decode(b"", NEITHER)
    with pytest.raises(LocalProtocolError, match="Message has no payload"):
        Message().encode(NEITHER)


def test_what_is_required_and_not_so_is_the_peers_fault():
    require(True, "not said")
    with pytest.raises(RemoteProtocolError, match=r"^what is wrong$"):
        require(False, "what is wrong")


def test_what_is_not_permitted_is_our_own_fault():
    permit(True, "not said")
    with pytest.raises(LocalProtocolError, match=r"^what is wrong$"):
        permit(False, "what is wrong")
