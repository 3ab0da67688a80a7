"""Pools: which evaluations compete."""

from da.results.records import Record
from da.selection.pools import build_pools

TASK = "emoji:noto-twemoji"


def record(
    method: str, accuracies: list[float], seed: int = 0, task: str = TASK, **more: float
) -> Record:
    """A run whose scores are its accuracy and its opposite."""
    curve = [
        {"step": 10.0 * i, "target_accuracy": a, "infomax": a, "snd": -a, "source_accuracy": 90.0}
        for i, a in enumerate(accuracies, 1)
    ]
    curve[-1] |= more
    settings = {"method": method, "task": task, "seed": seed}
    return Record(
        f"{len(method):02}{seed:02}{abs(hash((method, task))) % 10**8:08}", settings, curve, 1.0
    )


RECORDS = [
    record(method, [40.0 + seed, 50.0], seed)
    for seed in range(2)
    for method in ("source_only", "dann", "mcc")
]


def test_pools_are_of_a_task_and_seed() -> None:
    pools = build_pools(RECORDS)
    assert [(p.task, p.seed, len(p.candidates)) for p in pools] == [(TASK, 0, 6), (TASK, 1, 6)]
    assert pools[1].accuracies == [41, 50] * 3
    assert [c.label for c in pools[0].candidates][::2] == ["source_only", "dann", "mcc"]


def test_pools_are_of_a_method_or_run_where_asked() -> None:
    other = record("dann", [10.0])
    other = Record("f" * 12, other.settings | {"lr": 0.5}, other.curve, 1.0)
    found = [Record(r.id, r.settings | {"lr": 0.1}, r.curve, 1.0) for r in RECORDS]
    sizes = [len(p.candidates) for p in build_pools([*found, other], "method")]
    assert sorted(sizes) == [2, 2, 2, 2, 2, 3]
    assert [len(p.candidates) for p in build_pools(RECORDS, "run")] == [2] * 6


def test_runs_that_saw_target_labels_do_not_compete_nor_predictions_on_the_way() -> None:
    shown = record("fine_tune", [99.0], task=f"{TASK}+3shot")
    upper = record("source_only", [98.0], task="emoji:twemoji-twemoji")
    stream = record("tent", [60.0], **{"target_accuracy/online": 97.0})
    [pool, _] = build_pools([*RECORDS, shown, upper, stream])
    assert max(pool.accuracies) == 60


def test_baseline_is_source_only_at_its_last_evaluation() -> None:
    assert [pool.baseline for pool in build_pools(RECORDS, "run")] == [50.0] * 6
    assert build_pools(RECORDS[1:2])[0].baseline is None


def test_budgets_of_labels_do_not_compete() -> None:
    found = [
        record("source_only", [a], task=f"{TASK}+{n}label") for n, a in ((5, 30.0), (50, 60.0))
    ]
    assert sorted(pool.accuracies for pool in build_pools(found)) == [[30.0], [60.0]]
