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
