import pytest

from da.config.task_name import TaskName, short_domain


@pytest.mark.parametrize(
    ("task", "parts"),
    [
        ("emoji:noto-twemoji", ("emoji", "noto", "twemoji", 0)),
        ("emoji:noto-noto", ("emoji", "noto", "noto", 0)),
        ("digits:mnist-mnistm+3shot", ("digits", "mnist", "mnistm", 3)),
        ("folder:/a-b/x-/a-b/y", ("folder", "/a-b/x", "/a-b/y", 0)),
        ("folder:/a-b/x-/a-b/x+10shot", ("folder", "/a-b/x", "/a-b/x", 10)),
        ("folder:/a-b/x-/c/y", ("folder", "/a-b/x", "/c/y", 0)),
        ("folder:a-b/x:a-b/y", ("folder", "a-b/x", "a-b/y", 0)),
        ("odd", ("odd", "", "", 0)),
        ("emoji:noto+5label", ("emoji", "noto", "", 5)),
        ("fashion_mnist+5label", ("fashion_mnist", "", "", 5)),
        ("imagefolder:/a-b/c-d+20label", ("imagefolder", "/a-b/c-d", "", 20)),
        ("luna16_2d:my-scans", ("luna16_2d", "my-scans", "", 0)),
    ],
)
def test_a_name_is_read_without_any_folder_and_printed_again(task, parts):
    name = TaskName.parse(task)
    assert (name.benchmark, name.source, name.target, name.few or 0) == parts
    assert str(name) == task


@pytest.mark.parametrize("end", ["", "+3shot", "+0label"])
def test_a_name_without_its_labels(end):
    assert str(TaskName.parse(f"folder:a+1shot:b{end}").without_labels()) == "folder:a+1shot:b"


def test_labels_are_told_as_tables_tell_them():
    texts = (
        "emoji:noto-twemoji+3shot",
        "emoji:noto+5label",
        "emoji:noto-twemoji",
        "emoji:noto+0label",
    )
    assert [TaskName.parse(text).labels for text in texts] == ["3-shot", "5-label", "", ""]


def test_a_path_is_called_by_its_last_part_that_says_something():
    assert [short_domain(name) for name in ("/x/amazon/images", "webcam", "/")] == [
        *("amazon", "webcam", "/")
    ]


ENDS = [
    "",
    "+partial",
    "+partial25",
    "+open10/11@letters",
    "+universal10/5+3shot",
    "+open7+rsut+unlabelled+stream",
    "+rsut",
    "+rsut50",
    "+dirichlet0.3+1shot",
    "+stream:dirichlet0.1,reset",
]


@pytest.mark.parametrize("end", ENDS)
def test_every_end_is_read_and_printed_again(end):
    name = TaskName.parse(f"officehome:art,clipart-product{end}")
    assert (name.domains, name.end) == ("art,clipart-product", end)
    assert (name.sources, name.targets) == (("art", "clipart"), ("product",))
    assert str(name) == f"officehome:art,clipart-product{end}"


def test_the_parts_of_the_ends():
    name = TaskName.parse("office31:amazon-dslr+universal10/10/11@letters+dirichlet0.3+stream:a,b")
    assert (name.classes, name.counts, name.order) == ("universal", (10, 10, 11), "letters")
    assert (name.frequencies, name.alpha, name.stream) == ("dirichlet", 0.3, "a,b")
    assert name.has_unknown
    assert not TaskName.parse("office31:amazon-dslr+partial10").has_unknown


def test_commas_of_paths_mean_nothing():
    name = TaskName.parse("folder:a,b-c")
    assert (name.sources, name.targets) == (("a,b",), ("c",))
    assert TaskName.parse("emoji:noto").targets == ()
