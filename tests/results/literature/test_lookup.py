import re
from dataclasses import replace

import pytest

from da.results.literature import lookup
from da.results.literature.lookup import METHODS, TABLES, reference, rows

OFFICE = "/data/office31"


@pytest.mark.parametrize("file", lookup.FILES)
def test_every_row_has_a_number_and_a_source(file: str) -> None:
    for row in rows(file):
        assert all((row.paper, row.where, row.source, row.target, row.method))
        assert row.year is None or 2010 <= row.year <= 2030
        if re.search("accuracy", row.metric):
            assert 0 <= row.value <= 100


def test_values_are_parsed() -> None:
    digits = rows("digits")
    assert len(digits) == 666
    assert {row.seen for row in digits} == {True, False}
    dann = next(r for r in digits if r.method == "DANN (gradient reversal)" and r.source == "USPS")
    assert (dann.value, dann.std, dann.year) == (73.0, 2.0, 2017)


def test_unknown_benchmark_names_the_known() -> None:
    with pytest.raises(
        ValueError, match=r"'office'.*known: amazon_reviews, cifar10_transfer, digits"
    ):
        rows("office")


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
    number = reference(method, "digits:mnist-mnistm")
    assert number is not None
    assert number.value == value
    assert "Table 2" in number.where
    assert number.alike
    assert "other photographs" in number.differs


@pytest.mark.parametrize(
    ("method", "task", "value"),
    [
        ("dann", f"folder:{OFFICE}/amazon-{OFFICE}/webcam", 91.4),
        ("source_only", f"folder:{OFFICE}/amazon-{OFFICE}/webcam", 75.8),
        ("coral", f"folder:{OFFICE}/amazon-{OFFICE}/webcam", 80.25),
        ("coral_map", f"folder:{OFFICE}/amazon-{OFFICE}/webcam", 64.3),
        ("dann", f"folder:{OFFICE}/amazon/images-{OFFICE}/webcam/images", 91.4),
        ("dann", "folder:x/office-31/Amazon-x/office-31/dslr", 83.6),
        ("dann", "folder:OfficeHome/Art-OfficeHome/Real_World", 74.0),
        ("dann", "folder:office-home/art-office-home/Real World", 74.0),
        ("dann", "folder:VisDA-C/synthetic-VisDA-C/real", 74.9),
        ("target_only", "folder:DomainNet/clipart-DomainNet/real", 83.8),
        ("mcc", "folder:DomainNet/clipart-DomainNet/real", 55.7),
    ],
)
def test_folders_of_a_benchmark(method: str, task: str, value: float) -> None:
    number = reference(method, task)
    assert number is not None
    assert number.value == value
    assert not number.alike


def test_libraries_that_choose_by_target_labels_are_said_to() -> None:
    number = reference("dann", f"folder:{OFFICE}/amazon-{OFFICE}/webcam")
    assert number is not None
    assert number.where.endswith("best epoch by target test accuracy")


def test_folders_that_only_share_names_are_alike() -> None:
    number = reference("dann", "folder:caltech/amazon-caltech/webcam")
    assert number is not None
    assert number.alike


@pytest.mark.parametrize(
    ("method", "task"),
    [
        ("dann", "emoji:noto-twemoji"),
        ("dann", "digits:mnist-optdigits"),
        ("dann", "digits:mnist-mnistm+3shot"),
        ("fine_tune", "digits:mnist-mnistm"),
        ("mcc", "digits:mnist-mnistm"),
        ("dann", "folder:a/cats-a/dogs"),
        ("dann", "folder:a/amazon-a/art"),
    ],
)
def test_no_counterpart_no_number(method: str, task: str) -> None:
    assert reference(method, task) is None


def test_a_reference_was_read_and_was_not_searched_with_target_labels() -> None:
    for file, tables in TABLES.items():
        for table in tables:
            found = [row for row in rows(file) if row.paper == table.paper and row.seen]
            assert [row for row in found if row.metric == table.metric], table
            assert "[" not in table.metric
    printed = {row.method for file in TABLES for row in rows(file)}
    assert set(METHODS.values()) <= printed


def test_numbers_known_by_hearsay_are_no_reference() -> None:
    table = TABLES["office31"][0]
    row = next(row for row in rows("office31") if lookup._is_in(row, table))
    assert not lookup._is_in(replace(row, seen=False), table)


def test_a_reference_is_one_number() -> None:
    for file, tables in TABLES.items():
        for table in tables:
            found = [
                (row.source, row.target, row.method)
                for row in rows(file)
                if lookup._is_in(row, table)
                and row.method in METHODS.values()
                and row.source not in ("avg", "all others (multi-source)")
            ]
            assert found, table
            assert len(found) == len(set(found)), table
