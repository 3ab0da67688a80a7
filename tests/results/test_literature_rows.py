from da.results.tables import build_table, render_table
from tests.results.test_tables import record, texts


def test_printed_numbers_stand_beneath_with_their_papers() -> None:
    records = [
        record(method, task, 60)
        for method in ("source_only", "dann", "mcc")
        for task in ("digits:mnist-mnistm", "digits:mnist-optdigits")
    ]
    records.append(record("source_only", "digits:mnistm-mnistm", 95))
    table = build_table(records)
    printed = {label: row for label, row in texts(table).items() if "printed" in label}
    assert printed == {
        "source_only, printed [1]": ["≈52.25", "", ""],
        "dann, printed [1]": ["≈76.66", "", ""],
        "target_only, printed [1]": ["≈95.96", "", ""],
    }
    assert [row.section for row in table.rows] == [0, 0, 0, 1, 2, 2, 2]
    assert sum(note.startswith("≈ mnistm") for note in table.notes) == 1
    assert any(note.startswith("[1] DANN (Ganin et al., JMLR 2016)") for note in table.notes)


def test_printed_numbers_of_several_papers_are_cited_one_by_one() -> None:
    records = [record("dann", t, 60) for t in ("digits:mnist-mnistm", "digits:synfont-mnist")]
    row = texts(build_table(records))["dann, printed"]
    assert row == ["≈76.66 [1]", "≈89.35 [2]", ""]


def test_printed_numbers_of_the_same_task_are_not_marked() -> None:
    pairs = [("amazon", "webcam"), ("dslr", "webcam")]
    records = [record("dann", f"folder:office31/{s}-office31/{t}", 60) for s, t in pairs]
    table = build_table(records)
    assert table.heads == ("amazon-webcam", "dslr-webcam", "average")
    assert texts(table)["dann, printed [1]"] == ["91.4", "97.9", "94.7"]
    assert not any(note.startswith("≈") for note in table.notes)


def test_bought_labels_have_no_printed_counterpart() -> None:
    records = [
        record("mcc", "digits:mnist-mnistm", 60),
        record("dann", "digits:mnist-mnistm+3shot", 80),
    ]
    assert "76.66" not in render_table(records)
    assert "76.66" not in render_table(records, format="csv")


def test_printed_numbers_are_never_the_best() -> None:
    records = [record(m, "digits:mnist-mnistm", a) for m, a in (("source_only", 5), ("dann", 6))]
    best = [row.label for row in build_table(records).rows if row.cells[0].best]
    assert best == ["dann"]
