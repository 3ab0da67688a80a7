import pytest

from da.models.class_order import class_order


def test_classes_are_known_by_name_in_any_order_and_form():
    assert class_order("r", ["a", "b", "c"], ["c", "a", "b"]) == [2, 0, 1]
    assert class_order("r", ["caf\u00e9", "zoo"], ["zoo", "cafe\u0301"]) == [1, 0]


def test_other_classes_are_refused_in_a_short_line():
    theirs, ours = [f"class {i:02}" for i in range(65)], ["class 00", "wolf"]
    with pytest.raises(
        ValueError, match="classes class 00, class 01, class 02 and 62 more, this run"
    ) as e:
        class_order("r", theirs, ours)
    assert str(e.value).endswith("only here: wolf")
    with pytest.raises(ValueError, match="only there: none, only here: b"):
        class_order("r", ["a"], ["a", "b"])
