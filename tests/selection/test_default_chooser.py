"""A chooser is proposed by a rule, and tried where it was not chosen."""

from da.results.records import Record
from da.selection.default_chooser import propose, split_by_tasks, try_elsewhere
from da.selection.pools import Pool, build_pools


def pool(task: str, **accuracies: float) -> Pool:
    """A pool in which each score takes an evaluation of the accuracy that is given for it."""
    curve = [
        {"step": i, "target_accuracy": a, **{s: float(s == name) for s in accuracies}}
        for i, (name, a) in enumerate(accuracies.items())
    ]
    record = Record("0" * 12, {"method": "mcc", "task": f"emoji:noto-{task}"}, curve, 1.0)
    return build_pools([record])[0]


POOLS = [
    pool("a", risky=90.0, infomax=60.0, steady=62.0),
    pool("b", risky=40.0, infomax=58.0, steady=57.0),
    pool("c", risky=95.0, infomax=59.0, steady=61.0),
    pool("d", risky=90.0, infomax=58.5, steady=60.0),
]
NAMES = "risky", "infomax", "steady"


def test_best_mean_is_proposed_among_those_that_are_never_far_below() -> None:
    assert propose(POOLS, NAMES) == "steady"
    assert propose(POOLS[2:], NAMES) == "risky"


def test_trial_looks_at_other_tasks_alone() -> None:
    first, second = split_by_tasks(POOLS)
    assert [p.task[-1] for p in first] == ["a", "c"]
    assert [p.task[-1] for p in second] == ["b", "d"]
    trial = try_elsewhere(first, second, NAMES)
    assert (trial.proposed.name, trial.proposed.picked) == ("risky", [40, 90])
    assert (trial.usual.picked, trial.wins) == ([58, 58.5], False)
    assert try_elsewhere(second, first, NAMES).wins
