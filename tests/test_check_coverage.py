"""The bounds that modules are held to, and the exceptions from them."""

from __future__ import annotations

import pytest

from tests.check_coverage import problems

HUB, CLI = "vdproxy/hub/hub.py", "vdproxy/cli/main.py"


def report(path, missed, *, of=100):
    """Return what is said of a module that has *of* lines and no branches."""
    lines = list(range(1, missed + 1))
    summary = {
        "percent_covered": 100 * (of - missed) / of,
        "missing_lines": missed,
        "missing_branches": 0,
    }
    return {path: {"summary": summary, "missing_lines": lines, "missing_branches": []}}


@pytest.mark.parametrize(("path", "missed"), [(HUB, 0), (CLI, 0), (CLI, 10)])
def test_a_module_at_its_bound_is_as_it_has_to_be(path, missed):
    assert list(problems(report(path, missed), {})) == []


@pytest.mark.parametrize(("path", "missed"), [(HUB, 1), (CLI, 11)])
def test_a_module_below_its_bound_is_told_with_what_is_not_reached(path, missed):
    (line,) = problems(report(path, missed), {})
    assert line.startswith(f"{path} is below its ")
    assert "lines [1" in line


def test_a_branch_that_is_not_taken_counts_as_a_line_does():
    found = report(HUB, 0)
    found[HUB]["summary"] |= {"percent_covered": 99.0, "missing_branches": 2}
    found[HUB]["missing_branches"] = [[7, 9], [8, -3]]
    assert list(problems(found, {})) == [
        f"{HUB} is below its 100 %: lines [], branches ['7->9', '8->exit']"
    ]
    assert list(problems(found, {HUB: 2})) == []


def test_an_exception_may_not_grow_and_has_to_be_told_when_it_shrinks():
    assert list(problems(report(HUB, 3), {HUB: 3})) == []
    for missed in (2, 4):
        (line,) = problems(report(HUB, missed), {HUB: 3})
        assert line == f"{HUB} misses {missed} lines and branches, not 3"


@pytest.mark.parametrize(("path", "missed"), [(HUB, 0), (CLI, 10)])
def test_a_module_that_has_come_to_its_bound_is_no_exception(path, missed):
    (line,) = problems(report(path, missed), {path: 11})
    assert "no exception any more" in line


def test_an_exception_for_a_module_that_is_gone_is_told():
    (line,) = problems({}, {HUB: 3})
    assert line == f"{HUB} is an exception and is not there"
