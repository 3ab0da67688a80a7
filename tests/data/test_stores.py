import pytest

from da.data import stores
from da.data.stores import SMALL, choose_store, read_once

ROOM = 10**13


@pytest.mark.parametrize(
    ("pixels", "encoded", "free", "features", "expected"),
    [
        (SMALL, SMALL // 9, ROOM, False, "pixels"),
        (SMALL, SMALL // 9, ROOM, True, "pixels"),  # few: a later run may need them again
        (SMALL, SMALL // 9, SMALL, False, "encoded"),  # they would take more than half the room
        (2 * SMALL, SMALL, ROOM, False, "encoded"),
        (2 * SMALL, SMALL, ROOM, True, "files"),
        (2 * SMALL, 3 * SMALL, ROOM, True, "pixels"),  # of large photos
        (2 * SMALL, SMALL, SMALL, False, "files"),
        (SMALL, SMALL, 10, False, "files"),
    ],
)
def test_the_store_is_chosen_by_size_room_and_use(pixels, encoded, free, features, expected):
    with read_once(features):
        assert choose_store(pixels, encoded, free) == expected


def test_the_user_may_choose(monkeypatch):
    monkeypatch.delenv("DA_STORE", raising=False)
    assert stores.forced_store() is None
    monkeypatch.setenv("DA_STORE", "encoded")
    assert stores.forced_store() == "encoded"
    monkeypatch.setenv("DA_STORE", "jpeg")
    with pytest.raises(ValueError, match="DA_STORE is 'jpeg', known: pixels, encoded, files"):
        stores.forced_store()


def test_the_choice_is_a_line():
    assert stores.describe_store("encoded", 115 * 10**9, 18 * 10**9) == (
        "115.0 GB as pixels: kept as files of 18.0 GB in one, and decoded whenever they are used "
        "(DA_STORE)"
    )


def test_room_is_that_of_the_folder_that_will_be(tmp_path):
    assert stores.free_room(tmp_path / "a" / "b") > 0
