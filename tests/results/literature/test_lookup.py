from dataclasses import replace

import pytest

from da.data.corruption_names import STANDARD
from da.results.literature import lookup, printed
from da.results.literature.benchmarks import BENCHMARKS, CORRUPTIONS, numbers_of
from da.results.literature.lookup import reference
from da.results.literature.numbers import FILES, rows
from da.results.literature.printed import METHODS, METRICS

OFFICE = "folder:/data/office31/amazon-/data/office31/webcam"


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("source_only", 52.25),
        ("subspace_alignment", 56.90),
        ("dann", 76.66),
        ("target_only", 95.96),
    ],
)
def test_digits_are_those_of_the_dann_paper(method: str, value: float) -> None:
    number = reference(method, "digits:mnist-mnistm", "lenet")
    assert number is not None
    assert number.value == value
    assert "Table 2" in number.where
    assert number.alike
    assert "other photographs" in number.differs
    same = reference(method, "digits_official:mnist-mnistm", "lenet")
    assert same is not None
    assert (same.value, same.alike) == (value, False)


@pytest.mark.parametrize(
    ("method", "task", "backbone", "metric", "value"),
    [
        ("dann", "office31:amazon-webcam", "resnet50", "accuracy", 91.4),
        ("source_only", "officehome:art-real", "resnet50.tv_in1k", "accuracy", 73.7),
        ("coral", "office31:amazon-webcam", "resnet50", "accuracy", 80.25),
        ("dann", "officehome:art-real", "vit_base_patch16_224", "accuracy", 87.9),
        ("dann", "visda2017:synthetic-real", "resnet101", "accuracy", 74.9),
        ("dann", "visda2017:synthetic-real", "resnet101", "mean_class", 79.5),
        ("target_only", "domainnet:clipart-real", "resnet101", "accuracy", 83.8),
        ("pada", "officehome:art-real+partial25", "resnet50", "accuracy", 82.8),
        ("pada", "visda2017:synthetic-real+partial6", "resnet50", "mean_class", 60.5),
        ("osbp", "officehome:art-real+open25", "resnet50", "hos", 76.5),
        ("osbp", "office31:amazon-webcam+open20/11@letters", "resnet50", "hos", 90.7),
        ("osbp", "visda2017:synthetic-real+open6@osbp", "resnet50", "os_star", 62.9),
        ("uniot", "officehome:art-real+universal10/5", "resnet50", "h_score", 84.56),
        ("dann", "officehome:art,clipart,product-real", "resnet50", "accuracy", 82.7),
        ("source_only", "officehome:art-clipart+3shot", "resnet34", "accuracy", 57.7),
        ("cdan", "imageclef_da:caltech-imagenet", "resnet50", "accuracy", 91.3),
        ("dann", "iwildcam:train-test", "resnet50", "macro_f1", 32.2),
    ],
)
def test_each_setting_has_its_numbers(
    method: str, task: str, backbone: str, metric: str, value: float
) -> None:
    number = reference(method, task, backbone, metric=metric)
    assert number is not None
    assert number.value == value
    assert not number.alike


EVERY = ",".join(f"{name}5" for name in CORRUPTIONS)


@pytest.mark.parametrize(
    ("method", "task", "metric", "value"),
    [
        ("eata", "imagenet_c:clean-gaussian_noise5+stream", "online_error", 65.0),
        ("tent", f"imagenet_c5000:clean-{EVERY}+stream", "online_error", 62.6),
        ("tent", f"imagenet_c5000:clean-{EVERY}+stream", "mean_online_error", 62.6),
        ("tent", f"imagenet_c:clean-{EVERY}+stream", "online_error", None),  # of 50,000 images
        ("tent", f"imagenet_c5000:clean-{EVERY}+stream:mixed", "online_error", 86.4),
        ("tent", f"imagenet_c5000:clean-{EVERY}+stream", "accuracy", None),
        ("tent", f"imagenet_c5000:clean-{EVERY}+stream:dirichlet0.1", "online_error", None),
        ("tent", "imagenet_c:clean-gaussian_noise3+stream", "online_error", None),
        ("tent", "imagenet_c5000:clean-gaussian_noise5,fog5+stream", "online_error", None),
        ("tent", "imagenet_c:clean-gaussian_noise5", "online_error", None),
    ],
)
def test_streams_are_printed_with_their_online_error(
    method: str, task: str, metric: str, value: float | None
) -> None:
    number = reference(method, task, "resnet50", metric=metric)
    assert (number and number.value) == value


def test_backbones_with_other_weights_have_none() -> None:
    task = f"imagenet_c5000:clean-{EVERY}+stream"
    assert reference("tent", task, "vit_base_patch16_224", metric="online_error") is None
    task = "officehome:art-real"
    assert reference("dann", task, "vit_base_patch16_224.dino") is None


SAME = {"method": "dann", "task": "officehome:art-real", "backbone": "resnet50"}


@pytest.mark.parametrize(
    "changed",
    [
        {"task": "domainnet126:clipart-real"},  # no printed table
        {"task": "domainnet:art-real"},  # no such domain
        {"task": "emoji:art-real"},
        {"task": "officehome:art-real+partial10"},
        {"task": "officehome:art-real+partial25+rsut"},
        {"task": "officehome:art-real+open20"},
        {"task": "office31:amazon-webcam+open10/11@letters", "metric": "h_score"},
        {"task": "officehome:art-real+stream"},
        {"task": "officehome:art-real+3shot"},
        {"task": "officehome:art,clipart-real"},  # two of the three other domains
        {"task": "officehome:art,clipart,product-real+open25"},
        {"task": "officehome:real"},
        {"backbone": "resnet101"},
        {"backbone": "resnet50.a1_in1k"},
        {"trained": False},
        {"metric": "mean_class"},
        {"metric": "hos"},
        {"method": "fine_tune"},
        {"task": "officehome:art-real+open25", "metric": "hos"},  # repeats another row
    ],
)
def test_anything_else_has_none(changed: dict[str, object]) -> None:
    assert reference(**SAME) is not None  # type: ignore[arg-type]
    assert reference(**SAME | changed) is None  # type: ignore[arg-type]


def test_numbers_of_frozen_features_are_for_frozen_backbones() -> None:
    clip = "vit_large_patch14_clip_quickgelu_336.openai"
    for task in ("officehome:art-real+open15", "office31:amazon-webcam+open10/11"):
        assert reference("ovanet", task, clip, trained=False, metric="h_score") is not None
        assert reference("ovanet", task, clip, metric="h_score") is None


@pytest.mark.parametrize(
    ("task", "value"),
    [
        (OFFICE, 91.4),
        ("folder:x/office-31/Amazon-x/office-31/dslr", 83.6),
        ("folder:OfficeHome/Art-OfficeHome/Real_World", 74.0),
        ("folder:office-home/art-office-home/Real World", 74.0),
        ("folder:office31/amazon/images-office31/webcam/images", 91.4),
        ("folder:caltech/amazon-caltech/webcam", None),
        (f"{OFFICE}+partial10", None),
    ],
)
def test_folders_whose_paths_name_the_data_set(task: str, value: float | None) -> None:
    number = reference("dann", task, "resnet50")
    assert (number and number.value) == value


def test_libraries_that_choose_by_target_labels_are_said_to() -> None:
    number = reference("dann", OFFICE, "resnet50")
    assert number is not None
    assert number.where.endswith("best epoch by target test accuracy")


def test_all_that_is_named_is_printed() -> None:
    every = [row for file in FILES for row in rows(file)]
    assert {name for names in METHODS.values() for name in names} <= {r.method for r in every}
    assert {name for names in METRICS.values() for name in names} <= {r.metric for r in every}
    networks = [*printed.TRAINED.values(), *printed.FROZEN.values()]
    assert {name for names in networks for name in names} <= {r.backbone for r in every}
    for key in printed.PAPERS:
        assert any(row.paper.endswith(key) and row.seen for row in every), key
    assert all(map(numbers_of, BENCHMARKS))


def test_numbers_known_by_hearsay_or_of_one_seed_are_none() -> None:
    row = next(row for row in rows("office31") if lookup._rank(row, "dann", "accuracy"))
    assert not lookup._rank(replace(row, seen=False), "dann", "accuracy")
    assert not lookup._rank(replace(row, metric="accuracy [seed 2019]"), "dann", "accuracy")


def test_a_reference_is_one_number() -> None:
    for benchmark in BENCHMARKS:
        found = [
            (row.source, row.target, row.backbone, method, metric, rank)
            for row in numbers_of(benchmark)
            for method in METHODS
            for metric in METRICS
            if row.method in METHODS[method] and row.metric in METRICS[metric]
            if (rank := lookup._rank(row, method, metric)) and row.source != "avg"
        ]
        assert len(found) == len(set(found)), benchmark


def test_corruptions_are_those_of_the_data_sets() -> None:
    assert CORRUPTIONS == STANDARD
