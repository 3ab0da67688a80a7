import csv
import sys
from pathlib import Path

import numpy as np
import pytest

import da
from da.config.task_name import TaskName, short_domain
from da.data import tasks
from da.results import tables
from da.training.train import train

HEAD = "t.csv?label=y&domain=site"
NAME = f"table:{HEAD}:A-B"


@pytest.fixture(autouse=True)
def file(monkeypatch, tmp_path) -> None:
    """Forty rows of two sites, with two features that tell the classes."""
    monkeypatch.chdir(tmp_path)
    write(rows())


def rows() -> list[dict]:
    draw = np.random.default_rng(0)
    return [
        {"age": 40 + 20 * (i % 2) + draw.normal(), "site": "AB"[i % 4 // 2], "y": i % 2}
        | {"height": 1e5 * draw.normal()}
        for i in range(40)
    ]


def write(found: list[dict], name: str = "t.csv") -> None:
    with Path(name).open("w", newline="") as opened:
        out = csv.DictWriter(opened, found[0])
        out.writeheader()
        out.writerows(found)


def test_columns_become_scaled_features():
    task = tasks.load_task(NAME)
    assert task.classes == ("0", "1")
    assert len(task.target_test) == 20
    both = np.concatenate([task.source_train.x, task.target_test.x])
    assert both.shape == (40, 2)
    assert np.allclose([both.mean(0), both.std(0)], [[0, 0], [1, 1]], atol=1e-5)
    assert tasks.load_task(NAME.replace("site:", "site&columns=age:")).source_train.x.shape[1] == 1


def test_closed_form_methods_and_mlp_learn_from_them():
    short = {"steps": 150, "batch": 8, "eval_every": 150, "lr": 0.01}
    frozen = da.Run(da.methods.CORALMap(), NAME, backbone="identity", **short)
    full = da.Run(da.methods.MCC(), NAME, backbone="mlp", init="random", regime="full", **short)
    records = [train(run, device="cpu", quiet=True) for run in (frozen, full)]
    assert all(record.curve[-1]["target_accuracy"] > 85 for record in records)
    assert "table: target accuracy" in tables.render_table(records)
    assert "A-B" in tables.render_table(records)


def test_the_name_is_cut_without_the_file():
    name = TaskName.parse("table:x-y/t.csv?label=y&domain=site:A-B+3shot")
    assert list(map(short_domain, name.pair)) == ["A", "B"]
    assert str(name) == "table:x-y/t.csv?label=y&domain=site:A-B+3shot"
    assert tasks.parse_task(NAME).pair == TaskName.parse(NAME).pair


@pytest.mark.parametrize("end", ["", "+unlabelled"])
def test_a_target_may_have_no_labels(end):
    if not end:
        write([row | ({"y": ""} if row["site"] == "B" else {}) for row in rows()])
    task = tasks.load_task(NAME + end)
    assert (task.is_tested, task.classes) == (False, ("0", "1"))


def at(row: int, **cells) -> list[dict]:
    found = rows()
    found[row] |= cells
    return found


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (at(3, age="nan"), "t.csv, line 5, column age: 'nan', no finite number"),
        (at(4, age=""), "t.csv, line 6, column age: no number"),
        (at(0, height="tall"), "t.csv, line 2, column height: 'tall', no finite number"),
        (at(4, y=""), "t.csv, line 6, column y: no label"),
    ],
)
def test_wrong_cells_are_told_by_file_line_and_column(found, said):
    write(found)
    with pytest.raises(ValueError, match=said):
        tasks.load_task(NAME)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("t.csv:A-B", "cannot read 't.csv:A-B' as a table, known: FILE.csv"),
        (f"{HEAD}:A-C", "no two domains 'A-C' .*known: A-B of A, B"),
        ("t.csv?label=z&domain=site:A-B", "has no column 'z', known: age, height, site and 1 more"),
        (f"{HEAD}&color=red:A-B", "cannot read"),
        ("u.csv?label=y&domain=site:A-B", "no such file: 'u.csv'"),
    ],
)
def test_wrong_names_are_told(name, said):
    with pytest.raises(ValueError, match=said):
        tasks.parse_task(f"table:{name}")


def test_a_ragged_file_is_told():
    Path("t.csv").write_text("a,site,y\n1,A,0\n2,A\n")
    with pytest.raises(ValueError, match=r"t.csv, row 3: 2 cells for 3 columns"):
        tasks.load_task(NAME)


def test_a_changed_file_is_read_again():
    assert len(tasks.load_task(NAME).target_test) == 20
    write(rows()[:39])
    assert len(tasks.load_task(NAME).target_test) == 19


def test_parquet_gives_the_features_of_csv():
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(rows()), "t.parquet")
    made, plain = (tasks.load_task(name) for name in (NAME.replace("csv", "parquet"), NAME))
    assert np.allclose(made.source_train.x, plain.source_train.x)
    assert made.classes == plain.classes


def test_parquet_without_pyarrow_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    Path("t.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=r'needs pyarrow: pip install "da-lab\[table\]"'):
        tasks.load_task(NAME.replace("csv", "parquet"))
