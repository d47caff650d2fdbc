"""What the fuzzer has found worth keeping, tried again without it."""

from __future__ import annotations

from importlib import import_module

import pytest

from tests.fuzz.inputs import CORPUS, TARGETS, corpus

each_target = pytest.mark.parametrize("target", TARGETS)


@each_target
def test_every_committed_input_is_stood(target):
    check = import_module(f"fuzz.{target}").check
    known = corpus(target)
    assert known
    for name, data in known.items():
        try:
            check(data)
        except Exception as error:
            error.add_note(f"on {CORPUS / target / name}")
            raise


def test_the_corpus_stays_small():
    sizes = [len(data) for target in TARGETS for data in corpus(target).values()]
    assert len(sizes) < 300
    assert sum(sizes) < 300 * 1024
