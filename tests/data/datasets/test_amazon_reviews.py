from pathlib import Path

import numpy as np
import pytest
import torch

import da
from da.data import tasks
from da.data.datasets import amazon_reviews
from da.results.literature.lookup import reference

TASK = "amazon_reviews:books-dvd"


def lines(count: int, seed: int) -> list[str]:
    """Reviews in the format of the DANN paper's files: word 7 praises, word 4999 blames."""
    draw = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        word = 7 if i % 2 else 4990 + draw.integers(10)
        others = sorted({*draw.integers(8, 4980, 3).tolist()})
        pairs = sorted([(word, draw.integers(1, 4)), *((other, 1) for other in others)])
        rows.append(f"{i % 2 * 2 - 1} " + " ".join(f"{w}:{n}" for w, n in pairs))
    return rows


def write_lines(**changed: list[str]) -> None:
    Path("amazon_reviews").mkdir(exist_ok=True)
    for shop in ("books", "dvd"):
        for part, count in (("train", 40), ("test", 30)):
            found = changed.get(f"{shop}_{part}", lines(count, len(shop) + count))
            Path(f"amazon_reviews/{shop}_{part}.svmlight").write_text("\n".join(found) + "\n")


def write_arrays(monkeypatch) -> None:
    """The same reviews of two shops as the sparse matrix that code of multi-source papers reads."""
    monkeypatch.setattr(amazon_reviews, "SHOWN", 40)
    every = [lines(40, n + 40) + lines(30, n + 30) for n in map(len, ("books", "dvd"))]
    labels, words, reviews, counts = [], [], [], []
    for review, line in enumerate(line for shop in every for line in shop):
        label, *cells = line.split()
        labels.append([int(label)])
        for cell in cells:
            word, count = cell.split(":")
            words.append(int(word))
            reviews.append(review)
            counts.append(float(count))
    Path("amazon_reviews").mkdir(exist_ok=True)
    np.savez(
        "amazon_reviews/amazon.npz",
        xx_data=[*counts, 9.0],
        xx_row=[*words, 5001],  # a word beyond those that are used
        xx_col=[*reviews, 0],
        xx_shape=[30000, 140],
        yy=labels,
        offset=[[0], [70], [140], [140], [140]],
    )


def test_reviews_have_the_roles_of_the_paper():
    write_lines()
    task = tasks.load_task(TASK)
    assert task.classes == ("negative", "positive")
    assert [len(part) for part in (task.source_train, task.source_test)] == [36, 4]
    assert [len(part) for part in (task.target_train, task.target_test)] == [40, 30]
    x, y = task.target_test.take(torch.arange(30)), task.target_test.y
    assert x.shape == (30, 5000)
    assert ((x[:, 7] > 0) == (y == 1)).all()
    assert not set(task.target_train.rows.tolist()) & set(task.target_test.rows.tolist())


def test_both_kinds_of_files_hold_the_same(monkeypatch):
    write_lines()
    first = [domain.data_digest for domain in tasks.open_domains(TASK)]
    for file in Path("amazon_reviews").iterdir():
        file.unlink()
    write_arrays(monkeypatch)
    assert [domain.data_digest for domain in tasks.open_domains(TASK)] == first


@pytest.mark.slow
def test_a_table_shows_what_the_paper_printed():
    write_lines()
    short = {"steps": 100, "eval_every": 100, "batch": 16, "backbone": "identity"}
    runs = [da.Run(method(), TASK, **short) for method in (da.methods.SourceOnly, da.methods.DANN)]
    records = [da.train(run, device="cpu", quiet=True) for run in runs]
    assert all(record.curve[-1]["target_accuracy"] > 80 for record in records)
    shown = da.table(records)
    assert "79.0" in shown
    assert "78.4" in shown


def test_numbers_are_those_of_the_papers_networks_on_counts():
    printed = [reference(m, TASK, "identity") for m in ("source_only", "dann", "mcc")]
    assert [row.value for row in printed[:2] if row] == [79.0, 78.4]
    assert printed[2] is None


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"dvd_test": ["1 3:1", "1 5000:1"]}, r"dvd_test.svmlight, line 2: .* out of bounds"),
        ({"dvd_test": ["1 3:1", "1 -2:1"]}, "dvd_test.svmlight, line 2: word -2"),
        ({"dvd_train": ["5 3:1"]}, "dvd_train.svmlight, line 1: label '5', known: -1 and 1"),
        ({"dvd_train": ["1 3"]}, "dvd_train.svmlight, line 1: "),
        ({"dvd_test": [""]}, "dvd_test.svmlight, line 1: "),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_line(changed, error):
    write_lines(**changed)
    with pytest.raises(ValueError, match=error) as told:
        tasks.load_task(TASK)
    assert "\n" not in str(told.value)


def test_unknown_shops_and_missing_files_are_named():
    with pytest.raises(ValueError, match=r"unknown domain 'toys' .*, known: books, dvd, elec"):
        tasks.load_task("amazon_reviews:books-toys")
    with pytest.raises(ValueError, match=r"no reviews of books: .* holds books_train.svmlight"):
        tasks.load_task(TASK)
