import csv
from pathlib import Path

import pytest

from da.config.task_name import TaskName, short_domain
from da.data import tasks
from da.data.texts import LONGEST, decode_texts, encode_texts, holds_texts

NAME = "text:t.csv?text=review&label=stars&domain=shop:A-B"


def rows() -> list[dict]:
    words = "bad", "good , très bien"
    return [
        {"review": f"{words[i % 2]} {i}", "shop": "AB"[i % 4 // 2], "stars": 1 + 4 * (i % 2)}
        for i in range(40)
    ]


def write(found: list[dict]) -> None:
    with Path("t.csv").open("w", newline="") as opened:
        out = csv.DictWriter(opened, found[0])
        out.writeheader()
        out.writerows(found)


def at(row: int, **cells) -> list[dict]:
    found = rows()
    found[row] |= cells
    return found


def test_rows_of_a_column_become_texts_of_two_domains():
    write(rows())
    task = tasks.load_task(NAME)
    assert task.classes == ("1", "5")
    assert holds_texts(task.source_train.x)
    assert decode_texts(task.target_test.x)[:3] == ["bad 2", "good , très bien 3", "bad 6"]
    assert TaskName.parse(NAME).pair == tasks.parse_task(NAME).pair
    assert [*map(short_domain, TaskName.parse(NAME).pair)] == ["A", "B"]


def test_texts_survive_their_bytes_and_are_cut_between_letters():
    long = "é" * LONGEST
    assert decode_texts(tensor(["a\nb", "", long])) == ["a\nb", "", "é" * (LONGEST // 2)]
    assert decode_texts(tensor(["x" + long]))[0] == "x" + "é" * (LONGEST // 2 - 1)


def test_a_text_may_be_a_book_and_empty_lines_may_follow():
    write(at(0, review="bad " * 50_000))
    with Path("t.csv").open("a") as opened:
        opened.write("\n\n")
    assert len(decode_texts(tasks.load_task(NAME).source_train.x)[0]) == LONGEST


def test_an_empty_file_is_told():
    Path("t.csv").touch()
    with pytest.raises(ValueError, match=r"t\.csv has no column 'review', known: none yet"):
        tasks.load_task(NAME)


def tensor(texts):
    import torch

    return torch.from_numpy(encode_texts(texts))


@pytest.mark.parametrize("end", ["", "+unlabelled"])
def test_a_target_may_have_no_labels(end):
    write([row | ({"stars": ""} if row["shop"] == "B" and not end else {}) for row in rows()])
    task = tasks.load_task(NAME + end)
    assert (task.is_tested, task.classes) == (False, ("1", "5"))


def test_equal_texts_of_two_domains_are_found(capsys):
    from da.data.overlap import count_repeated

    write([*at(2, review="bad 0"), rows()[2] | {"review": "a much longer text of one shop"}])
    source, target = tasks.open_domains(NAME)
    assert count_repeated(tasks.build_task(NAME, source, target), source, target) == 1


@pytest.mark.parametrize(
    ("found", "name", "error"),
    [
        (at(3, review=" "), NAME, "t.csv, line 5, column review: no text"),
        (at(3, stars=""), NAME, "t.csv, line 5, column stars: no label"),
        (rows(), NAME.replace("=review", "=words"), "t.csv has no column 'words', known: review"),
        (rows(), NAME.replace("text=review&", ""), "cannot read .* as a table, known: FILE.csv"),
        (rows(), NAME.replace("A-B", "A-C"), "no two domains 'A-C' .*, known: A-B of A, B"),
        (at(0, stars="five"), NAME, "both domains need the same classes, but .* has five"),
    ],
)
def test_a_mistake_is_told_in_one_line(found, name, error):
    write(found)
    with pytest.raises(ValueError, match=error) as told:
        tasks.load_task(name)
    assert "\n" not in str(told.value)
