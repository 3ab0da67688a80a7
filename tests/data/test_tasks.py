import os
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from da.config.registry import DATASETS
from da.config.task_name import has_one_domain
from da.data import catalog, datasets
from da.data import tasks as data_tasks
from da.data.datasets import digits, emoji, moons
from da.data.domain import PARTS, Domain, load_domain, save_domain
from da.system.cache import cache_home
from tests.conftest import points
from tests.fixtures.datasets import image_folder


def parts(text: str) -> tuple[str, str, str, int]:
    name = data_tasks.parse_task(text)
    return name.benchmark, *name.pair, name.few or 0


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("moons:0-40", ("moons", "0", "40", 0)),
        ("moons:0-0+12shot", ("moons", "0", "0", 12)),
        ("emoji:noto-twemoji+3shot", ("emoji", "noto", "twemoji", 3)),
        ("digits:mnist-mnistm", ("digits", "mnist", "mnistm", 0)),
        ("emoji:noto", ("emoji", "noto", "", 0)),
        ("moons:40+20label", ("moons", "40", "", 20)),
        ("fashion_mnist", ("fashion_mnist", "", "", 0)),
        ("fashion_mnist+5label", ("fashion_mnist", "", "", 5)),
    ],
)
def test_a_name_says_benchmark_source_target_and_shots(name, parsed):
    assert parts(name) == parsed
    assert str(data_tasks.parse_task(name)) == name


def test_folders_may_have_dashes_and_pluses_in_their_names(tmp_path):
    source, target = tmp_path / "a-b+3shot", tmp_path / "c-d+"
    source.mkdir()
    target.mkdir()
    pair = f"folder:{source}-{target}"
    assert parts(f"{pair}+3shot") == ("folder", str(source), str(target), 3)
    assert parts(pair) == ("folder", str(source), str(target), 0)


@pytest.mark.parametrize("name", ["nothing:a-b", "", "noto-twemoji", ":"])
def test_an_unknown_benchmark_is_answered_with_the_known_ones(name):
    with pytest.raises(ValueError, match=r"unknown benchmark .*known: .*arrays.*emoji:.*folder:"):
        data_tasks.parse_task(name)


@pytest.mark.parametrize("name", ["Office31", "office-31", "offic31"])
def test_a_benchmark_written_almost_right_is_named(name):
    known = f"unknown benchmark '{name}' in '{name}:a-b', known: office31"
    with pytest.raises(ValueError, match=f"^{known}$"):
        data_tasks.parse_task(f"{name}:a-b")


@pytest.mark.parametrize(
    ("name", "wrong", "known"),
    [
        ("emoji:noto-apple", "apple", "noto, twemoji, fluent, contrast, openmoji"),
        ("emoji:apple", "apple", "noto, twemoji"),
        ("emoji:noto-", "", "noto, twemoji"),
        ("digits:svhn-mnist", "svhn", "mnist, mnistm, optdigits, synfont"),
        ("emoji:noto-twemoji+3shots", "twemoji.3shots", "noto, twemoji"),
        ("moons:0-x", "x", "degrees"),
    ],
)
def test_an_unknown_domain_is_answered_with_the_known_ones(name, wrong, known):
    with pytest.raises(ValueError, match=f"unknown .*'{wrong}' in .*known: .*{known}"):
        data_tasks.parse_task(name)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("emoji", "emoji:noto-twemoji of noto, twemoji, fluent, contrast, openmoji"),
        ("digits:+3shot", "digits:mnist-mnistm of mnist, mnistm"),
        ("moons", "moons:0-40"),
        ("luna16", "luna16:PATH"),
    ],
)
def test_a_task_without_domains_is_answered_with_how_it_is_written(name, known):
    said = f"no domains in task {name!r}, known: {known}"
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        data_tasks.parse_task(name)


@pytest.mark.parametrize(
    ("name", "word"), [("moons:0-1+0shot", "shot"), ("moons:0+0label", "label")]
)
def test_none_is_no_number_of_shots_or_labels(name, word):
    with pytest.raises(
        ValueError, match=f"no {word}s in '{re.escape(name)}': say \\+1{word} or more"
    ):
        data_tasks.parse_task(name)


@pytest.mark.parametrize("name", ["emoji:noto+5shot", "emoji:noto-twemoji+5label"])
def test_shots_are_of_two_domains_and_labels_of_one(name):
    known = re.escape("known: +5shot of two domains, +5label of one")
    with pytest.raises(ValueError, match=f"in '{re.escape(name)}', {known}"):
        data_tasks.parse_task(name)


@pytest.fixture
def pair() -> tuple[Domain, Domain]:
    """Target training rows are in an order that is not that of the numbers."""
    source = points(torch.arange(20.0)[:, None], torch.arange(20) % 2)
    target = points(-torch.arange(20.0)[:, None], torch.arange(20) // 2 % 2)
    rows = target.rows | {"target_train": torch.tensor([9, 8, 1, 0, 7, 2, 3]).clone()}
    return source, replace(target, rows=rows)


def test_a_task_shows_the_parts_of_its_domains(pair):
    source, target = pair
    task = data_tasks.build_task("moons:0-1", source, target)
    assert task.source_train.rows.equal(source.rows["source_train"])
    assert task.source_test.rows.equal(source.rows["source_test"])
    assert task.target_train.rows.equal(target.rows["target_train"])
    assert task.target_test.rows.equal(target.rows["target_test"])
    assert task.source_test.y.equal(source.y[10:])
    assert task.target_test.y.equal(target.y[10:])
    assert task.target_test.take(torch.tensor([1])).item() == -11
    assert task.shots is None
    assert not hasattr(task.target_train, "y")


def test_shots_are_the_first_of_each_class(pair):
    task = data_tasks.build_task("moons:0-1+2shot", *pair)
    assert task.shots.rows.tolist() == [9, 8, 7, 2]
    assert task.shots.y.tolist() == [0, 0, 1, 1]
    assert len(task.target_train) == 7


def test_shots_are_not_tested_on(pair):
    source, target = pair
    every = torch.arange(20)
    target = replace(target, rows=target.rows | {"target_test": every})
    task = data_tasks.build_task("moons:0-1+2shot", source, target)
    assert set(task.target_test.rows.tolist()) == set(range(20)) - {9, 8, 7, 2}


def test_a_domain_with_itself_is_tested_on_images_it_was_not_trained_with(pair):
    _, target = pair
    target = replace(target, rows=target.rows | {"target_test": torch.arange(20)})
    task = data_tasks.build_task("moons:1-1", target, target)
    assert task.target_test.rows.equal(target.rows["source_test"])


def test_too_few_images_for_the_shots_name_the_class(pair):
    source, target = pair
    target = replace(target, classes=("cat", "dog"))
    with pytest.raises(ValueError, match=r"\+4shot: dog has only 3 target training images"):
        data_tasks.build_task("moons:0-1+4shot", source, target)


def test_classes_that_differ_are_named(monkeypatch):
    classes = {"0": ("cat", "cup", "dog"), "1": ("bus", "cat", "cup")}
    whole = moons.open_domain("0")
    monkeypatch.setattr(moons, "open_domain", lambda name: replace(whole, classes=classes[name]))
    with pytest.raises(ValueError, match=r"same classes, but only 0 has dog, only 1 has bus$"):
        data_tasks.open_domains("moons:0-1")
    classes["1"] = ("cat",)
    with pytest.raises(
        ValueError, match=r"^moons:0-1: both .* but only 0 has cup, dog; moons:0-1\+partial"
    ):
        data_tasks.open_domains("moons:0-1")


def test_folders_without_their_benchmark_are_told_how_they_are_written():
    with pytest.raises(ValueError, match=r"yours are folder:photos/amazon-photos/webcam$"):
        data_tasks.parse_task("photos/amazon-photos/webcam")


def test_a_task_is_found_by_its_name():
    task = data_tasks.load_task("moons:0-30+3shot")
    assert (task.name, task.classes) == ("moons:0-30+3shot", ("upper", "lower"))
    assert len(task.shots) == 6
    assert not task.source_train.x.equal(task.target_train.x)


def test_pixels_are_stored_once_and_read_where_they_are(tmp_path):
    g = np.random.default_rng(0)
    x = g.integers(256, size=(6, 4, 4, 3), dtype=np.uint8)
    rows = {name: np.arange(i, 6) for i, name in enumerate(PARTS)}
    save_domain(tmp_path / "d", x, np.arange(6) % 2, ("a", "b"), rows)
    domain = load_domain(tmp_path / "d")
    assert (domain.x.numpy() == x).all()
    assert domain.y.tolist() == [0, 1, 0, 1, 0, 1]
    assert domain.classes == ("a", "b")
    assert {name: r.tolist() for name, r in domain.rows.items()} == {
        name: r.tolist() for name, r in rows.items()
    }
    domain.x[0] = 0
    assert (load_domain(tmp_path / "d").x.numpy() == x).all()


def test_pixels_are_read_from_disk_as_they_are_taken(tmp_path):
    x = np.zeros((6, 64, 64, 3), np.uint8)
    save_domain(tmp_path, x, np.arange(6) % 2, ("a", "b"), {name: np.arange(6) for name in PARTS})
    domain = load_domain(tmp_path)
    x[:] = 7
    with (tmp_path / "x.npy").open("r+b") as file:
        file.seek(-x.nbytes, os.SEEK_END)
        file.write(x.tobytes())
    assert domain.x.unique().tolist() == [7]


def test_the_digest_is_of_the_pixels(tmp_path):
    rows = {name: np.arange(2) for name in PARTS}
    digests = []
    for value in (0, 0, 1):
        x = np.full((2, 4, 4, 3), value, np.uint8)
        save_domain(tmp_path / str(len(digests)), x, np.arange(2), ("a", "b"), rows)
        digests.append(load_domain(tmp_path / str(len(digests))).digest)
    assert digests[0] == digests[1] != digests[2]


def test_a_map_of_the_file_is_stored_as_it_is(tmp_path):
    x = np.full((2, 4, 4, 3), 7, np.uint8)
    np.save(tmp_path / "x.npy", x)
    rows = {name: np.arange(2) for name in PARTS}
    save_domain(
        tmp_path, np.load(tmp_path / "x.npy", mmap_mode="r"), np.arange(2), ("a", "b"), rows
    )
    assert load_domain(tmp_path).x.unique().tolist() == [7]


def test_every_benchmark_says_how_its_tasks_are_written():
    tasks = [task for name in DATASETS for task in catalog.list_tasks(name)]
    for name, module in (("emoji", emoji), ("digits", digits)):
        n = len(module.DOMAINS)
        assert len([task for task in tasks if task.startswith(f"{name}:")]) == n * (n - 1) + n
    assert {re.split(r"\W*:", task)[0] for task in tasks} == set(DATASETS)
    wanted = {"folder:PATH/amazon-PATH/webcam", "cifar10[:PATH]", "luna16_2d:PATH", "emoji:noto"}
    assert wanted <= set(tasks)
    assert all(task in data_tasks.describe_syntax() for task in wanted - {"emoji:noto"})


def test_tables_know_the_benchmarks_whose_tasks_are_of_one_domain():
    single = {name for name in DATASETS if datasets.task_syntax(name).endswith((":PATH", ":PATH]"))}
    assert single == {name for name in DATASETS if has_one_domain(name)}


TOY = '''"""Two small domains."""
import torch
from da.data.domain import Domain

DOMAINS = "a", "b"

def open_domain(name):
    rows = torch.arange(8)
    roles = dict.fromkeys(("source_train", "source_test", "target_train", "target_test"), rows)
    x = torch.zeros(8, 4, 4, 3, dtype=torch.uint8)
    return Domain(("c", "d"), x, rows % 2, roles, "toy")
'''


@pytest.fixture
def toy(plugins) -> None:
    """A data set of two small domains."""
    (plugins / "datasets" / "toy.py").write_text(TOY)


def test_prepare_opens_every_domain(toy):
    lines = list(catalog.prepare_benchmarks(["toy"]))
    assert [line.split() for line in lines] == [
        f"toy:{name} 8 images, 4 x 4 x 3, 2 classes".split() for name in "ab"
    ]


@pytest.mark.parametrize("name", ["nothing", "folder"])
def test_prepare_knows_what_can_be_fetched(name):
    fetched = ".*cifar10, .*digits, .*emoji, .*fashion_mnist, .*office31"
    with pytest.raises(ValueError, match=f"unknown benchmark '{name}', known: {fetched}"):
        list(catalog.prepare_benchmarks([name]))


def test_state_says_what_is_here(toy):
    told = "\n".join(catalog.describe_benchmarks())
    assert "a, b; nothing is stored\n" in f"{told}\n"  # it may need no storing
    assert "not here: da data emoji" in told
    (cache_home() / "toy").mkdir(parents=True)
    (cache_home() / "toy" / "x.npy").write_bytes(bytes(3_000_000))
    lines = list(catalog.describe_benchmarks())
    assert len(lines) == len(DATASETS)
    assert any(line.startswith("toy") and "3 MB in" in line for line in lines)


def test_a_task_is_mapped_once_for_each_domain_and_keeps_rows_and_labels(pair):
    task = data_tasks.build_task("moons:0-1+2shot", *pair)
    seen = []

    def change(x):
        seen.append(len(x))
        return x + 1

    mapped = task.map(change, lambda x: 2 * change(x))
    assert seen == [len(pair[0].x), len(pair[1].x)]
    for name in ("source_train", "source_test", "target_train", "target_test", "shots"):
        before, after = getattr(task, name), getattr(mapped, name)
        factor = 1 if name.startswith("source") else 2
        assert after.x.equal(factor * (before.x + 1))
        assert after.rows.equal(before.rows)
    assert mapped.target_test.y.equal(task.target_test.y)
    assert data_tasks.build_task("moons:0-1", *pair).map(change).shots is None


def test_digests_are_told_without_decoding(tmp_path):
    root = image_folder(tmp_path / "a", each=3)
    name = f"folder:{root}-{image_folder(tmp_path / 'b', each=4)}"
    assert data_tasks.current_digests(name) is None
    assert not (cache_home() / "folder").exists()
    pair = data_tasks.open_domains(name)
    assert data_tasks.current_digests(name) == data_tasks.digest_domains(name, *pair)
    (root / "cat/cat-00.png").unlink()
    assert data_tasks.current_digests(name) is None


def test_a_digest_tells_labels_classes_and_roles_apart(pair):
    source, _ = pair
    others = [
        replace(source, y=1 - source.y),
        replace(source, classes=("cat", "dog")),
        replace(source, digest="other pixels"),
        replace(source, rows=source.rows | {"source_test": torch.arange(9, 20)}),
    ]
    assert len({domain.data_digest for domain in [source, replace(source), *others]}) == 5
    assert list(data_tasks.digest_domains("moons:0", source, source)) == ["source"]
    assert list(data_tasks.digest_domains("moons:0-1", *pair)) == ["source", "target"]
