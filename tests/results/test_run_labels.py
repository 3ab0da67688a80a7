"""What tells runs of one experiment apart."""

from da.results.run_labels import label_runs, list_differences

DANN = {"method": "dann", "task": "moons:0-40", "lr": 0.001, "seed": 0, "hp.trade_off": 1.0}
MCC = {"method": "mcc", "task": "moons:0-40", "lr": 0.1, "seed": 0, "hp.temperature": 2.5}


def differences(*runs: dict) -> list[str]:
    return [*list_differences({str(i): run for i, run in enumerate(runs)}).values()]


def test_a_label_has_title_differing_settings_and_id():
    runs = {"a": DANN, "b": DANN | {"lr": 0.01, "hp.trade_off": 0.5}}
    assert label_runs(runs) == {
        "a": "dann moons:0-40 seed 0 lr=0.001 trade_off=1 a",
        "b": "dann moons:0-40 seed 0 lr=0.01 trade_off=0.5 b",
    }


def test_method_task_and_seed_tell_runs_apart_without_settings():
    other = DANN | {"task": "moons:0-20", "lr": 0.5}
    assert differences(DANN, MCC, other, DANN | {"seed": 1}) == [""] * 4


def test_a_setting_that_varies_for_one_title_is_listed_for_all_runs_of_the_method():
    runs = DANN, DANN | {"lr": 0.1}, DANN | {"seed": 1}, MCC
    assert differences(*runs) == ["lr=0.001", "lr=0.1", "lr=0.001", ""]


def test_a_setting_that_a_record_of_an_earlier_version_lacks_is_no_difference():
    assert differences(DANN, DANN | {"deterministic": False}) == ["", ""]


def test_values_are_short():
    runs = {"lr": 0.0012345678, "head": [512, 8]}, {"lr": 1e30, "head": []}
    assert differences(*(DANN | run for run in runs)) == [
        "lr=0.001235 head=512,8",
        "lr=1e+30 head=none",
    ]


def test_where_many_settings_differ_values_of_most_runs_are_left_out():
    usual = DANN | {"regime": "full", "backbone": "efficientnet_lite0", "last": 0}
    changes = {}, {"regime": "frozen"}, {"last": 2}, {"last": 1, "backbone": "resnet18"}
    assert differences(*(usual | change for change in changes)) == [
        "last=0",
        "regime=frozen last=0",
        "last=2",
        "backbone=resnet18 last=1",
    ]
