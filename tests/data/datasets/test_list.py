import csv
from pathlib import Path

import pytest

import da
from da.data import tasks
from da.data.datasets import list as lists
from da.data.reading import Reading
from da.training.train import train
from tests.fixtures.datasets import image_folder


@pytest.fixture(autouse=True)
def folders(monkeypatch, tmp_path) -> None:
    """Two folders of class folders, and a list file of each with numbers as labels."""
    monkeypatch.setenv("DA_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for name, each in (("a", 5), ("b", 4)):
        write_list(image_folder(Path(name), each=each))


def write_list(root: Path, name: str = "") -> Path:
    classes = sorted(path.name for path in root.iterdir())
    lines = [
        f"{file.as_posix()} {i}\n"
        for i, label in enumerate(classes)
        for file in sorted((root / label).iterdir())
    ]
    file = Path(f"{name or root.name}.txt")
    file.write_text("".join(lines))
    return file


def test_lists_give_the_losses_of_the_same_folders():
    settings = {"backbone": "lenet", "init": "random", "regime": "full", "side": 28}
    settings |= {"steps": 3, "batch": 4, "eval_every": 1}
    listed, plain = (
        train(da.Run(da.methods.MCC(), task, **settings), device="cpu", quiet=True)
        for task in ("list:a.txt-b.txt", "folder:a-b")
    )
    assert listed.curve == plain.curve
    assert listed.made_from["source"] == plain.made_from["source"]


def test_numbers_are_named_by_a_file_or_by_folders_or_not_at_all(tmp_path):
    assert lists.open_domain("a.txt").classes == ("cat", "dog")
    Path("classes.txt").write_text("Felis\nCanis\n")
    assert lists.open_domain("a.txt").classes == ("Felis", "Canis")
    Path("classes.txt").write_text("Felis\n")
    with pytest.raises(ValueError, match=r"classes.txt has 1 names, .*a.txt has the label 1"):
        lists.open_domain("a.txt")
    Path("classes.txt").unlink()
    Path("c.txt").write_text("a/cat/cat-00.png 10\na/cat/cat-01.png 9\n")
    assert lists.read_list(Path("c.txt")).classes == ("9", "10")
    assert lists.read_list(Path("c.txt")).y.tolist() == [1, 0]


def test_words_are_classes_and_paths_may_have_blanks():
    Path("my cat.png").write_bytes(Path("a/cat/cat-00.png").read_bytes())
    Path("c.txt").write_text("my cat.png cat\na/dog/dog-00.png\tdog\n\n")
    found = lists.read_list(Path("c.txt").resolve())
    assert (found.classes, found.y.tolist()) == (("cat", "dog"), [0, 1])
    assert [file.name for file in found.files] == ["my cat.png", "dog-00.png"]


def test_csv_has_a_header():
    with Path("c.csv").open("w") as file:
        table = csv.writer(file)
        table.writerow(["id", "label", "path"])
        table.writerows([[1, "cat", "a/cat/cat-00.png"], [2, "dog", "a/dog/dog-00.png"]])
    assert lists.open_domain("c.csv").y.tolist() == [0, 1]
    Path("d.csv").write_text("file,label\nx,1\n")
    with pytest.raises(ValueError, match="columns file, label, known: path and label"):
        lists.open_domain("d.csv")


def test_paths_are_found_next_to_the_list_or_under_da_data(monkeypatch, tmp_path):
    (tmp_path / "lists").mkdir()
    Path("lists/a.txt").write_text(Path("a.txt").read_text())
    with pytest.raises(ValueError, match=r"a.txt, line 1: no image 'a/cat/cat-00.png', and 9 more"):
        lists.open_domain("lists/a.txt")
    monkeypatch.setenv("DA_DATA", str(tmp_path))
    assert len(lists.open_domain("lists/a.txt").x) == 10
    monkeypatch.chdir(tmp_path / "home")
    assert lists.pair("a.txt-b.txt") == ("a.txt", "b.txt")


@pytest.mark.parametrize("end", ["", "+unlabelled"])
def test_a_target_may_have_no_labels(end):
    if not end:
        paths = [line.split()[0] for line in Path("b.txt").read_text().splitlines()]
        Path("b.txt").write_text("\n".join(paths))
    task = tasks.load_task(f"list:a.txt-b.txt{end}")
    assert (task.classes, task.is_tested, len(task.target_test)) == (("cat", "dog"), False, 8)


def test_other_labels_of_the_same_images_are_noticed():
    before = lists.open_domain("a.txt").y.tolist()
    Path("a.txt").write_text("".join(sorted(Path("a.txt").read_text().splitlines(True))[::-1]))
    assert lists.open_domain("a.txt").y.tolist() == before[::-1]
    text = Path("a.txt").read_text()
    Path("a.txt").write_text(text.replace("cat-00.png 0", "cat-00.png 1"))
    assert lists.open_domain("a.txt").y.sum() == sum(before) + 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lists no image"),
        ("a/cat/cat-00.png 0\na/cat/cat-00.png 1\n", "line 2: .* has a second label"),
        ("a/cat/cat-00.png 0\na/cat/cat-01.png\n", "line 2: no label after"),
        ("a/cat/cat-00.png 0\n", "has one class only, 'cat'"),
        ("a/cat/no.png 0\n", "line 1: no image 'a/cat/no.png'"),
    ],
)
def test_faults_of_a_list_are_told_by_their_line(text, said):
    Path("c.txt").write_text(text)
    with pytest.raises(ValueError, match=said):
        lists.open_domain("c.txt")


def test_an_image_that_is_listed_twice_counts_once(capsys):
    text = Path("a.txt").read_text()
    Path("a.txt").write_text(text + text)
    assert len(lists.open_domain("a.txt").x) == 10
    assert "left out: 10 repeated lines" in capsys.readouterr().err


def test_bad_images_of_both_lists_are_named_at_once():
    for name in "ab":
        Path(f"{name}/cat/cat-00.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"a/cat/cat-00.png.*b/cat/cat-00.png"):
        tasks.open_domains("list:a.txt-b.txt")
    assert tasks.open_domains("list:a.txt-b.txt", Reading(skip_bad=True))[0].left_out == 1


def test_a_missing_list_is_named():
    with pytest.raises(ValueError, match=r"no such file: 'c.txt'; known: two files as in"):
        lists.pair("a.txt-c.txt")
