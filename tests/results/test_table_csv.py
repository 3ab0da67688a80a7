import csv
import io
from dataclasses import replace
from itertools import product

from da.results.tables import render_table
from tests.results.test_tables import EMOJI, costly, record, twenty


def test_csv_has_a_line_for_each_method_task_and_selector() -> None:
    text = render_table(twenty(), ["oracle", "last"], format="csv")
    lines = list(csv.DictReader(io.StringIO(text)))
    keys = [(line["method"], line["task"], line["chosen_by"]) for line in lines]
    methods = "source_only", "subspace_alignment", "mcc"
    assert sorted(keys) == sorted(product(methods, EMOJI, ("last", "oracle")))
    first = lines[0]
    assert (first["mean"], first["deviation"], first["seeds"]) == ("21.0000", "1.0000", "3")


def test_csv_tells_the_printed_number_and_who_saw_labels() -> None:
    records = [
        record("dann", "digits:mnist-mnistm", 78, backbone="lenet", regime="full"),
        record("source_only", "digits:mnistm-mnistm", 97, backbone="lenet", regime="full"),
    ]
    lines = list(csv.DictReader(io.StringIO(render_table(records, format="csv"))))
    assert [line["method"] for line in lines] == ["dann", "target_only"]
    assert [line["uses_target_labels"] for line in lines] == ["no", "yes"]
    assert [line["printed"] for line in lines] == ["76.66", "95.96"]
    assert all("photographs" in line["differs"] for line in lines)


def test_csv_tells_what_a_run_takes_on_each_machine() -> None:
    runs = [costly("dann", 4), costly("mcc", 2), costly("mcc", 8, "two", seed=1)]
    lines = list(csv.DictReader(io.StringIO(render_table(runs, format="csv"))))
    found = [(line["machine"], line["seconds"], line["images_per_second"]) for line in lines]
    assert found == [
        ("one, cpu", "4.0000", "16000.0000"),
        ("one, cpu; two, cpu", "2.0000; 8.0000", "32000.0000; 8000.0000"),
    ]


def test_csv_counts_test_images_that_are_training_images() -> None:
    records = [replace(record("dann", EMOJI[0], 50), made_from={"repeated": 7})]
    records += [record("mcc", EMOJI[0], 50)]
    lines = list(csv.DictReader(io.StringIO(render_table(records, format="csv"))))
    assert [line["repeated"] for line in lines] == ["7", "0"]
