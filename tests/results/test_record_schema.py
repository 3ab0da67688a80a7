import json
from pathlib import Path

import pytest

from da.config.setting_names import current_names
from da.config.validation import is_run_id
from da.results import record_bundles, records
from da.results.record_schema import parse_record

ID = "0123456789ab"
POINT = {"step": 1, "target_accuracy": 50.0, "snd": 1.5, "loss/task": 0.1, "predicted/cat": 3}
GOOD = {
    "id": ID,
    "settings": {"method": "dann", "task": "moons:0-20", "seed": 0},
    "curve": [POINT, POINT | {"step": 2}],
    "seconds": 1.5,
    "environment": {"os": "x"},
    "made_from": {"code": "ab"},
}
NAN, INF = float("nan"), float("inf")


def with_points(**values: object) -> dict[str, object]:
    return {"curve": [POINT | values, POINT | {"step": 9} | values]}


DAMAGES: list[tuple[dict[str, object], str]] = [
    ({"id": "../../evil"}, 'id is "../../evil"'),
    ({"id": ID.upper()}, 'id is "0123456789AB"'),
    ({"id": "0" * 12}, "it is of run 000000000000, and named"),
    ({"id": [ID]}, 'id is ["0123456789ab"]'),
    ({"curve": []}, "curve is empty"),
    ({"curve": None}, "curve is null"),
    ({"curve": [3]}, "an evaluation is 3"),
    ({"curve": [{}]}, "step of an evaluation is null"),
    ({"curve": [{"step": 1, "target_accuracy": -1}]}, "target_accuracy of an evaluation is -1"),
    ({"curve": [POINT, POINT]}, "step 1 follows step 1"),
    (with_points(step="1"), '"step" of an evaluation is "1"'),
    (with_points(step=10**400), "it has a number that is too large"),
    (with_points(target_accuracy=NAN), '"target_accuracy" of an evaluation is NaN'),
    (with_points(target_accuracy=101), "target_accuracy of an evaluation is 101"),
    (with_points(target_accuracy=True), '"target_accuracy" of an evaluation is true'),
    (with_points(snd=INF), '"snd" of an evaluation is Infinity'),
    (with_points(**{"loss/task": "a"}), '"loss/task" of an evaluation is "a"'),
    ({"settings": []}, "settings is []"),
    ({"settings": {"method": "dann"}}, "task of settings is null"),
    ({"settings": {"method": 3, "task": "a"}}, "method of settings is 3"),
    ({"settings": {"method": "dann", "task": "a", "seed": [1]}}, "seed of settings is [1]"),
    ({"settings": {"method": "dann", "task": "a", "side": [1]}}, "side of settings is [1]"),
    ({"seconds": -1}, "seconds is -1"),
    ({"seconds": NAN}, "seconds is NaN"),
    ({"seconds": None}, "seconds is null"),
    ({"peak_memory": "a"}, 'peak_memory is "a"'),
    ({"environment": {"machine": 3}}, 'environment is {"machine": 3}'),
    ({"made_from": []}, "made_from is []"),
]


@pytest.mark.parametrize(("damage", "said"), DAMAGES)
def test_what_is_no_record_is_refused(damage, said):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        parse_record(json.dumps(GOOD | damage), ID)
    assert str(error.value).startswith(said)


@pytest.mark.parametrize("name", ["id", "settings", "curve", "seconds"])
def test_a_field_that_every_record_has_is_missed(name):
    with pytest.raises(ValueError, match=f"it has no {name}"):
        parse_record(json.dumps({k: v for k, v in GOOD.items() if k != name}), ID)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"\0" * 9, b"\xff\xfe", b'{"a":' * 100_000, b"[" * 100_000, b'{"id": "\\ud800"}'],
)
def test_bytes_that_are_no_json_object_are_refused(content):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        parse_record(content, ID)
    assert len(str(error.value)) < 200


def test_losses_and_diagnoses_alone_may_be_infinite():
    found = parse_record(json.dumps(GOOD | with_points(**{"loss/task": INF})), ID)
    assert found["curve"][0]["loss/task"] == INF


def test_fields_of_later_versions_are_ignored():
    assert parse_record(json.dumps(GOOD | {"later": 1}), ID) == GOOD


@pytest.mark.parametrize("text", ["", "../../evil", ID[1:], ID + "\n", ID.upper(), 3, None])
def test_other_texts_are_no_ids(text):
    assert is_run_id(ID)
    assert not is_run_id(text)


@pytest.mark.slow
def test_every_published_record_passes():
    files = [*(Path(__file__).parents[2] / records.PUBLISHED).glob("*.jsonl*")]
    assert files
    for file in files:
        for id, line in record_bundles.read(file).items():
            stored = json.loads(line)
            stored["settings"] = current_names(stored["settings"])
            assert stored == parse_record(line, id)
