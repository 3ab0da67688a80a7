from dataclasses import replace
from typing import Any

import pytest

from da.results.literature.benchmarks import CORRUPTIONS
from da.results.records import Record
from da.results.tables import build_table, render_table
from tests.results.test_tables import record, texts

LENET = {"backbone": "lenet", "regime": "full", "init": "random"}
RESNET = {"backbone": "resnet50", "regime": "full", "init": "pretrained"}
OFFICE = "office31:amazon-webcam", "office31:dslr-webcam"


def digits(method: str, task: str, accuracy: float, **settings: Any) -> Record:
    return record(method, f"digits:{task}", accuracy, **LENET | settings)


def test_printed_numbers_stand_beneath_with_their_papers() -> None:
    tasks = "mnist-mnistm", "mnist-optdigits"
    records = [digits(m, task, 60) for m in ("source_only", "dann", "mcc") for task in tasks]
    records.append(digits("source_only", "mnistm-mnistm", 95))
    table = build_table(records)
    printed = {label: row for label, row in texts(table).items() if "printed" in label}
    assert printed == {
        "source_only, printed [1]": ["≈52.25", "", "", ""],
        "dann, printed [1]": ["≈76.66", "", "", ""],
        "target_only, printed [1]": ["≈95.96", "", "", ""],
    }
    assert [row.section for row in table.rows] == [0, 0, 0, 1, 2, 2, 2]
    assert sum(note.startswith("≈ mnistm") for note in table.notes) == 1
    assert any(note.startswith("[1] DANN (Ganin et al., JMLR 2016)") for note in table.notes)


def test_printed_numbers_of_several_papers_are_cited_one_by_one() -> None:
    tasks = "imageclef_da:caltech-imagenet", "office31:amazon-webcam"
    row = texts(build_table([record("dann", t, 60, **RESNET) for t in tasks]))["dann, printed"]
    assert row == ["87.0 ± 0.5 [1]", "91.4 [2]", ""]


def test_printed_numbers_of_the_same_task_are_not_marked() -> None:
    pairs = [("amazon", "webcam"), ("dslr", "webcam")]
    folders = [f"folder:office31/{s}-office31/{t}" for s, t in pairs]
    for tasks in (folders, OFFICE):
        table = build_table([record("dann", task, 60, **RESNET) for task in tasks])
        assert table.heads == ("amazon-webcam", "dslr-webcam", "average")
        assert texts(table)["dann, printed [1]"] == ["91.4", "97.9", "94.7"]
        assert not any(note.startswith("≈") for note in table.notes)


@pytest.mark.parametrize(
    "changed",
    [
        {"task": "officehome:art-webcam"},
        {"task": "office31:amazon-webcam+partial10", "method": "mcc"},
        {"task": "office31:amazon,dslr-webcam", "method": "mcc"},
        {"backbone": "resnet101"},
        {"backbone": "efficientnet_lite0"},
        {"init": "random"},
        {"regime": "frozen"},
        {"test": "folder:elsewhere"},
    ],
)
def test_another_set_setting_or_backbone_has_none(changed: dict[str, Any]) -> None:
    usual = {"method": "dann", "task": OFFICE[0], "accuracy": 60.0, **RESNET}
    assert "printed" in render_table([record(**usual)])
    assert "printed" not in render_table([record(**usual | changed)])
    assert "91.4" not in render_table([record(**usual | changed)], format="csv")


def test_another_metric_has_its_own_number_or_none() -> None:
    run = record("osbp", "officehome:art-real+open25", 60, **RESNET)
    measured = {"metric/hos": 70.0, "metric/mean_class": 65.0}
    run = replace(run, curve=[run.curve[0] | measured])
    assert texts(build_table([run], metric="hos"))["osbp, printed [1]"] == ["76.5"]
    assert texts(build_table([run]))["osbp, printed [1]"] == ["76.5"]  # its usual one
    for other in ("mean_class", "accuracy"):
        assert "printed" not in render_table([run], metric=other)
        assert "76.5" not in render_table([run], metric=other, format="csv")


def test_rows_of_predictions_on_arrival_have_the_online_accuracy() -> None:
    task = f"imagenet_c:clean-{','.join(f'{name}5' for name in CORRUPTIONS)}+stream:reset"
    run = record("tent", task, 60, **RESNET | {"backbone": "vit_base_patch16_224"})
    run = replace(run, curve=[run.curve[0] | {"target_accuracy/online": 58.0}])
    rows = texts(build_table([run], metric="accuracy"))
    assert rows["tent (online), printed [1]"] == ["59.6"]
    assert "tent, printed [1]" not in rows


def test_settings_have_their_own_numbers() -> None:
    partial = record("pada", "officehome:art-real+partial25", 60, **RESNET)
    assert texts(build_table([partial]))["pada, printed [1]"] == ["82.8"]
    task, settings = "officehome:art-clipart", RESNET | {"backbone": "resnet34"}
    shots = [record("source_only", name, 60, **settings) for name in (task, f"{task}+3shot")]
    assert texts(build_table(shots))["source_only (3-shot), printed [1]"] == ["57.7"]
    assert texts(build_table(shots[1:]))["source_only, printed [1]"] == ["57.7"]


def test_backbones_of_one_method_have_a_row_each() -> None:
    other = RESNET | {"backbone": "vit_base_patch16_224"}
    records = [record("dann", "officehome:art-real", 60, **each) for each in (RESNET, other)]
    rows = texts(build_table(records))
    assert rows["dann resnet50, printed [1]"] == ["74.0"]
    assert rows["dann vit_base_patch16_224, printed [2]"] == ["87.9"]


def test_a_run_that_begins_with_a_trained_backbone_is_compared() -> None:
    first = replace(digits("source_only", "mnist-mnistm", 60), id="0123456789ab")
    begun = {"regime": "frozen", "init": first.id}
    adapted = digits("subspace_alignment", "mnist-mnistm", 60, **begun)
    label = "subspace_alignment, printed [1]"
    assert texts(build_table([first, adapted]))[label] == ["≈56.9"]
    assert label not in texts(build_table([adapted]))


def test_bought_labels_have_no_printed_counterpart() -> None:
    records = [digits("mcc", "mnist-mnistm", 60), digits("dann", "mnist-mnistm+3shot", 80)]
    assert "76.66" not in render_table(records)
    assert "76.66" not in render_table(records, format="csv")


def test_printed_numbers_are_never_the_best() -> None:
    records = [digits(m, "mnist-mnistm", a) for m, a in (("source_only", 5), ("dann", 6))]
    best = [row.label for row in build_table(records).rows if row.cells[0].best]
    assert best == ["dann"]


def test_differences_say_whether_they_are_beyond_two_deviations() -> None:
    pairs = {"amazon-webcam": (91, 92, 93), "dslr-webcam": (90, 91, 92), "amazon-dslr": (80,)}
    records = [
        record("dann", f"office31:{pair}", reached, seed, **RESNET)
        for pair, each in pairs.items()
        for seed, reached in enumerate(each)
    ]
    table = build_table(records)  # printed: 91.4, 97.9 and 83.6
    assert texts(table)["dann, difference"][:3] == ["+0.6", "-3.6 ?", "-6.9 !"]
    assert [row.label for row in table.rows][1:] == ["dann, printed [1]", "dann, difference"]
    told = " ".join(table.notes)
    assert "! the difference is beyond two deviations" in told
    assert "? ours has one seed" in told


def test_a_printed_deviation_counts_too() -> None:
    task = "imageclef_da:caltech-imagenet"  # 87.0 with a deviation of 0.5
    for reached, shown in ((87.9, "+0.9"), (88.1, "+1.1 !")):
        assert texts(build_table([record("dann", task, reached, **RESNET)]))[
            "dann, difference"
        ] == [shown]


def test_numbers_of_images_that_are_only_similar_are_not_compared() -> None:
    assert "difference" not in render_table([digits("dann", "mnist-mnistm", 60)])


def test_cdan_without_entropy_has_the_numbers_of_cdan() -> None:
    plain = record("cdan", OFFICE[0], 60, **RESNET | {"hp_entropy": False})
    assert texts(build_table([plain]))["cdan, printed [1]"] == ["93.8"]
    both = build_table([plain, record("cdan", OFFICE[0], 60, **RESNET | {"hp_entropy": True})])
    labels = [row.label for row in both.rows if "printed" in row.label]
    assert labels == ["cdan entropy=False, printed [1]", "cdan, printed [2]"]


def test_an_experiment_can_name_the_papers_that_count() -> None:
    run = record("dann", OFFICE[0], 60, **RESNET)
    papers = ("as listed in Li et al. NeurIPS 2021",)
    assert texts(build_table([run], papers=papers))["dann, printed [1]"] == ["82.0 ± 0.4"]
    assert "82.0" in render_table([run], format="csv", papers=papers)
    with pytest.raises(ValueError, match=r"no printed numbers of 'Lee et al\.', known: .*et al"):
        render_table([run], papers=("Lee et al.",))


def test_a_printed_average_of_all_tasks_stands_below_ours() -> None:
    domains = "art", "clipart", "product", "real"
    tasks = [f"officehome:{a}-{b}+open25" for a in domains for b in domains if a != b]
    runs = [record("ovanet", task, 60, **RESNET) for task in tasks]
    runs = [replace(run, curve=[run.curve[0] | {"metric/hos": 70.0}]) for run in runs]
    papers = ("quoting OVANet",)
    average = texts(build_table(runs, papers=papers))["ovanet, printed [1]"][-1]
    assert average == "64.0"
    assert "printed" not in render_table(runs[1:], papers=papers)
