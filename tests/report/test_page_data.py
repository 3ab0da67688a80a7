import json
from dataclasses import replace

import pytest

from da.report.page_data import describe_experiment
from da.results import aggregate
from da.results.tables import build_table
from da.runs.experiment import load_experiment
from tests.report.experiments import EXPERIMENT, make_records


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    file = tmp_path_factory.mktemp("experiment") / "shifts.py"
    file.write_text(EXPERIMENT)
    return make_records(load_experiment(file))


def test_each_selector_has_the_table_that_it_has_elsewhere(found):
    data = describe_experiment(found)
    assert [*data["tables"]] == ["last", "source_accuracy", "infomax", "oracle"]
    for name, shown in data["tables"].items():
        table = build_table(found, [name])
        assert shown["cells"] == [[str(cell) for cell in row.cells] for row in table.rows]
        assert shown["labels"] == ["source_only", "dann", "mcc"]
        assert shown["notes"] == table.notes
    assert data["tables"]["last"]["cells"] != data["tables"]["infomax"]["cells"]
    assert data["by_selector"]["heads"][2] == "infomax"
    assert [data["rows"][i] for i in data["first_rows"]] == ["source_only", "mcc", "dann"]


def test_runs_are_columns_with_rounded_curves(found):
    runs = describe_experiment(found)["runs"]
    assert len(runs["id"]) == len(set(runs["id"])) == 18
    assert runs["grids"] == [(10, 20, 30)]
    assert [*runs["values"]] == ["target_accuracy", "infomax", "source_accuracy", "loss/task"]
    one = next(r for r in found if r.id == runs["id"][5])
    for short, point in zip(runs["values"]["target_accuracy"][5], one.curve, strict=True):
        assert short == pytest.approx(point["target_accuracy"], abs=5e-4)
        assert len(str(short)) <= 6


def test_a_quantity_of_some_runs_alone_and_numbers_that_are_none(found):
    bad = replace(found[0], curve=[{**p, "loss/own": float("nan")} for p in found[0].curve])
    data = describe_experiment([bad, *found[1:]])
    json.dumps(data, allow_nan=False)
    own = data["runs"]["values"]["loss/own"]
    assert own.count(None) == 17
    assert [None] * 3 in own


def test_confused_images_are_summed_over_seeds(found):
    confusion = describe_experiment(found)["confusion"]
    cells = [tuple(confusion["cells"][i : i + 5]) for i in range(0, len(confusion["cells"]), 5)]
    of_dann = {cell[2:4]: cell[4] for cell in cells if cell[:2] == (1, 0)}
    same = [r for r in found if r.settings["method"] == "dann" and r.settings["task"][-2:] == "20"]
    assert of_dann[1, 0] == sum(r.curve[-1]["confusion/1/0"] for r in same)
    assert sum(of_dann.values()) == 200
    assert confusion["classes"][0] == ["a</script>", "b"]


def test_records_without_a_confusion_matrix_say_so(found):
    bare = [
        replace(r, curve=[{k: v for k, v in p.items() if k[:9] != "confusion"} for p in r.curve])
        for r in found
    ]
    assert "confused" in describe_experiment(bare)["confusion"]


def test_warnings_have_run_cause_and_whether_they_last(found):
    data = describe_experiment(found)
    warnings = data["warnings"]
    assert len(warnings["run"]) == 18
    assert warnings["warning"][0].endswith("a</script> 100%")
    assert warnings["at"][0] == [10, 20, 30]
    assert all(warnings["lasts"])
    assert warnings["diagnosed"] == 18


def test_settings_that_differ_stand_apart_from_those_of_all(found):
    settings = describe_experiment(found)["settings"]
    assert settings["shared"]["steps"] == "30"
    assert "seed" not in settings["shared"]
    assert settings["rows"][0] == {"method": "source_only"}
    assert settings["rows"][2]["hp.temperature"] == "2.5"


def test_machines_are_counted(found):
    environment = describe_experiment(found)["environment"]
    assert (environment["runs"], environment["seconds"]) == ([18], 45.0)


def test_an_online_row_of_a_stream_counts_its_run_once(found):
    streamed = [
        replace(r, curve=[{**p, "target_accuracy/online": 50.0} for p in r.curve]) for r in found
    ]
    data = describe_experiment(streamed)
    assert len(data["rows"]) == 6
    warned = {data["rows"][data["runs"]["row"][run]] for run in data["warnings"]["run"]}
    assert (data["warnings"]["diagnosed"], warned) == (18, {"source_only", "dann", "mcc"})


def test_targets_without_labels_have_scores_and_no_accuracy(found):
    blind = [
        replace(r, curve=[{k: v for k, v in p.items() if k != "target_accuracy"} for p in r.curve])
        for r in found
    ]
    data = describe_experiment(blind)
    assert "no labels" in data["by_selector"]
    assert "target_accuracy" not in data["runs"]["values"]
    assert data["tables"]["infomax"]["heads"] == ("source_accuracy", "infomax")


def test_no_records_are_one_line():
    with pytest.raises(ValueError, match="da sweep"):
        describe_experiment([])


def test_the_tables_come_from_the_records_that_are_shown(found):
    """A method whose label changes is another row, in tables and in columns of runs alike."""
    named = [replace(r, settings=r.settings | {aggregate.ROW: "mine"}) for r in found[:1]]
    data = describe_experiment([*named, *found[1:]])
    assert data["rows"] == data["tables"]["last"]["labels"]
