from __future__ import annotations

from dataclasses import dataclass

import pytest

from vdproxy.handlers import audio, display, monitors
from vdproxy.handlers.ownership import OwnerOptions, Ownership
from vdproxy.options import Section, read


@dataclass(eq=False)
class Somebody:
    name: str = ""


A, B, C = Somebody("desk"), Somebody("wall"), Somebody("desk")


def after(rule, *askers):
    ownership = Ownership(rule)
    return ownership, [ownership.asked(asker) for asker in askers]


@pytest.mark.parametrize(
    ("rule", "owns"),
    [
        ("first", [True, False, True, False]),
        ("last", [True, True, True, True]),
        ("desk", [True, False, True, True]),
        ("wall", [False, True, False, False]),
        ("none", [False, False, False, False]),
    ],
)
def test_whoever_asks_is_told_whether_it_is_the_owner(rule, owns):
    assert after(rule, A, B, A, C)[1] == owns


@pytest.mark.parametrize(
    ("rule", "owners"),
    [
        ("first", [A, B, C, None]),
        ("last", [C, A, B, None]),
        ("desk", [C, A, None]),
        ("wall", [B, None]),
        ("none", [None]),
    ],
)
def test_when_the_owner_leaves_another_one_that_has_asked_is_it(rule, owners):
    ownership, _ = after(rule, A, B, A, C)
    for owner in owners:
        assert ownership.owner is owner
        ownership.left(owner)


@pytest.mark.parametrize("rule", ["first", "last", "desk"])
def test_before_anybody_asks_nobody_is_the_owner(rule):
    ownership = Ownership(rule)
    ownership.left(A)
    assert ownership.owner is None


def test_the_first_that_comes_back_is_not_the_first_any_more():
    ownership, _ = after("first", A, B)
    ownership.left(A)
    assert not ownership.asked(A)
    assert ownership.owner is B


def options(text):
    problems = []
    return read(OwnerOptions, [Section("f.ini", "s", {"owner": text})], problems), (
        problems
    )


@pytest.mark.parametrize("name", ["first", "last", "desk", "a.b_c-D9"])
def test_the_option_is_a_rule_or_the_name_of_a_client(name):
    assert options(name) == (OwnerOptions(name), [])


@pytest.mark.parametrize("name", ["", "a b", "desk!", "käse", "a/b", "a\n", "*"])
def test_what_no_client_can_be_called_is_one_problem(name):
    assert options(name) == (
        None,
        [
            f"f.ini: [s] owner: {name!r} is not first, last or a client's name, "
            "which has letters, digits, dots, dashes and underscores"
        ],
    )


@pytest.mark.parametrize("module", [monitors, display, audio])
def test_by_default_the_last_that_asked_is_the_owner(module):
    assert module.Options is OwnerOptions
    assert OwnerOptions().owner == "last"
