"""The best single source of each target, chosen with target labels, is a row that says so."""

from da.results.records import Record
from da.results.single_best import join_singles
from da.results.tables import render_table

REACHED = {"a": (60.0, 62.0), "b": (64.0, 54.0), "a,b": (50.0, 52.0)}
"""Accuracy from each source to c, by seed: b is best in one seed, a in the mean."""


def records(method: str = "dann", sources=tuple(REACHED), end: str = "") -> list[Record]:
    return [
        Record(
            f"{method}{source}{seed}",
            {"method": method, "task": f"toy:{source}-c{end}", "seed": seed, "lr": 0.1},
            [{"step": 1, "target_accuracy": accuracy}],
            0.0,
        )
        for source in sources
        for seed, accuracy in enumerate(REACHED[source])
    ]


def rows(plugins, *some: Record) -> list[str]:
    (plugins / "datasets" / "toy.py").write_text('DOMAINS = ("a", "b", "c")\n')
    return render_table(some).splitlines()


def test_the_best_source_is_a_row_below_that_is_never_the_best(plugins):
    found = rows(plugins, *records())
    assert any(line.startswith("dann ") and "51.0 ± 1.4" in line for line in found)
    (best,) = [line for line in found if line.startswith("dann, best single source ‡")]
    assert "61.0 ± 1.4 " in best
    assert found.index(best) > found.index(next(line for line in found if "51.0" in line))
    assert "‡ the source was chosen with target labels, so never the best" in found
    assert not any("54.0" in line or "59.0" in line for line in found)


def test_a_source_without_runs_leaves_no_best_and_hides_nothing(plugins):
    found = rows(plugins, *records(sources=("a", "a,b")))
    assert not [line for line in found if "single" in line]
    (row,) = [line for line in found if line.startswith("dann ")]
    assert "61.0 ± 1.4" in row
    assert "51.0 ± 1.4" in row


def test_each_method_has_its_own_and_other_targets_theirs(plugins):
    (plugins / "datasets" / "toy.py").write_text('DOMAINS = ("a", "b", "c")\n')
    others = records("mcc", ("a",), "+3shot")
    both = records() + records("coral") + others
    joined = join_singles(both)
    named = [r.settings["row"] for r in joined if "row" in r.settings]
    assert named == [f"{name}, best single source ‡" for name in ("dann", "coral") for _ in "01"]
    assert all(record in joined for record in others)


def test_tables_of_single_sources_stay_as_they_are(plugins):
    (plugins / "datasets" / "toy.py").write_text('DOMAINS = ("a", "b", "c")\n')
    singles = records(sources=("a", "b"))
    assert join_singles(singles) == singles
