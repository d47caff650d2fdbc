"""What the benchmarks make of what they measure."""

from __future__ import annotations

import json

import pytest

from bench.race import Goal, Race, Spread
from bench.report import table, write_json


class Runner:
    """A contestant whose rounds come out as they are told to, the first to warm up."""

    def __init__(self, name, log, figure, *values):
        self._name, self._log, self._figure = name, log, figure
        self._values = iter((None, *values))

    def __call__(self):
        self._log.append(self._name)
        value = next(self._values)
        return {} if value is None else {self._figure: value}


def ran(goals=(), **contestants):
    log = []
    race = Race("some work", ["bare"], goals)
    runners = {n: Runner(n, log, "MB/s", *v) for n, v in contestants.items()}
    race.run(runners, len(next(iter(contestants.values()))))
    return race, log


def test_contestants_take_turns_and_each_begins_once():
    _, log = ran(bare=[1, 1, 1], vdproxy=[1, 1, 1], socat=[1, 1, 1])
    warm_up, *rounds = [log[at : at + 3] for at in range(0, len(log), 3)]
    assert warm_up == ["bare", "vdproxy", "socat"]
    assert rounds == [
        ["bare", "vdproxy", "socat"],
        ["vdproxy", "socat", "bare"],
        ["socat", "bare", "vdproxy"],
    ]


def test_what_warms_up_does_not_count():
    race, _ = ran(bare=[4.0, 2.0, 9.0])
    assert race.spread("bare", "MB/s") == Spread(4.0, 2.0, 9.0)


def test_a_ratio_is_of_the_same_round():
    race, _ = ran(bare=[1.0, 10.0, 100.0], vdproxy=[2.0, 5.0, 100.0])
    assert race.ratio("vdproxy", "bare", "MB/s") == Spread(1.0, 0.5, 2.0)


def test_a_figure_that_one_has_not_has_no_ratio():
    race, _ = ran(bare=[1.0], vdproxy=[2.0])
    race.results["bare"] = [{"other": 1.0}]
    assert race.ratio("vdproxy", "bare", "MB/s") is None
    assert race.spread("bare", "MB/s") is None
    assert race.figures == ["other", "MB/s"]


@pytest.mark.parametrize(
    ("goal", "value", "reached"),
    [
        (Goal("MB/s", "vdproxy", at_least=1.2), 1.2, True),
        (Goal("MB/s", "vdproxy", at_least=1.2), 1.19, False),
        (Goal("MB/s", "vdproxy", at_most=20), 20, True),
        (Goal("MB/s", "vdproxy", at_most=20), 20.1, False),
    ],
)
def test_a_goal_is_a_bound(goal, value, reached):
    assert goal.reached(value) is reached


def test_a_table_says_which_goals_are_reached():
    goals = [
        Goal("MB/s", "vdproxy", of="bare", at_least=0.8),
        Goal("MB/s", "vdproxy", at_most=5),
    ]
    race, _ = ran(goals, bare=[10.0] * 3, vdproxy=[7.0, 6.0, 9.0])
    lines = list(table(race))
    assert "| bare | **10** 10 to 10 |  |" in lines
    assert "| vdproxy | **7** 6 to 9 | **0.7** 0.6 to 0.9 |" in lines
    assert lines[-3:] == [
        "Goal: vdproxy / bare, MB/s at least 0.8: 0.7, NOT reached.",
        "",
        "Goal: vdproxy, MB/s at most 5: 7, NOT reached.",
    ]


def test_json_has_every_round_and_goal(tmp_path):
    goal = Goal("MB/s", "vdproxy", of="bare", at_least=0.5)
    race, _ = ran([goal], bare=[10.0, 20.0], vdproxy=[10.0, 10.0])
    path = tmp_path / "new" / "bench.json"
    write_json(path, {"cores": 2}, [race])
    whole = json.loads(path.read_text())
    assert whole["machine"] == {"cores": 2}
    assert len(whole["load_after"]) == 3
    (told,) = whole["races"]
    assert told["rounds"]["vdproxy"] == [{"MB/s": 10.0}, {"MB/s": 10.0}]
    assert told["ratios"]["vdproxy / bare"]["MB/s"]["median"] == 0.75
    assert told["goals"][0]["reached"] is True
