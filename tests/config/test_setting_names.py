"""Renamed settings: old records and ids stay, and a former name leads to the name of now."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from da.cli.main import main
from da.config.setting_names import RENAMED, SETTINGS, current_names, first_names
from da.methods import METHODS
from da.models import saved_weights
from da.models.finetuning import FineTuning
from da.results import records
from da.runs.experiment import load_experiment
from da.runs.run import Run
from tests.fixtures.runs import RUN

STOPPED = replace(RUN, tuning=FineTuning(chosen_by="infomax", patience=2))


def test_each_name_of_now_is_a_setting_and_no_former_one_is():
    assert set(SETTINGS.values()) <= STOPPED.settings().keys()
    assert not STOPPED.settings().keys() & SETTINGS.keys()
    assert len(set(SETTINGS.values())) == len(SETTINGS)


def test_names_go_back_and_forth_in_the_same_order():
    old = {"look_every": 9, "seed": 1, "kept": "last", "hp.kept": 3}
    new = {"eval_every": 9, "seed": 1, "chosen_by": "last", "hp.kept": 3}
    assert [*current_names(old).items()] == [*new.items()]
    assert [*first_names(new).items()] == [*old.items()]
    assert current_names(new) == new


def test_the_memory_format_was_a_choice_of_two():
    for old, now in [(True, "channels_last"), (False, "contiguous"), ("auto", "auto"), ([], [])]:
        assert current_names({"channels_last": old}) == {"memory_format": now}
        assert first_names({"memory_format": now}) == {"channels_last": old}


def test_an_id_is_that_of_the_first_names():
    """As versions before the new names computed them."""
    assert STOPPED.id == "0e5dac172ff0"
    task = Run(METHODS["dann"].Hparams(), "emoji:noto-twemoji", regime="full")
    assert replace(task, memory_format="contiguous").id == "e6a493d175fc"


def test_a_record_of_an_earlier_version_is_read_by_the_names_of_now(tmp_path):
    old = first_names(STOPPED.settings())
    assert Run.of(old) == STOPPED
    point = {"step": 1.0, "target_accuracy": 50.0}
    file = tmp_path / f"{STOPPED.id}.json"
    file.write_text(
        json.dumps({"id": STOPPED.id, "settings": old, "curve": [point], "seconds": 1.0})
    )
    (found,) = records.load(tmp_path, {STOPPED.id: STOPPED.settings()})
    assert [*found.settings.items()] == [*STOPPED.settings().items()]
    records.save(found, tmp_path)
    assert json.loads(file.read_text())["settings"]["chosen_by"] == "infomax"
    assert not (tmp_path / "old").exists()


def test_weights_of_an_earlier_version_have_the_same_digest():
    about = {"origin": "random", "settings": STOPPED.settings()}
    old = about | {"settings": first_names(STOPPED.settings())}
    assert saved_weights.hash_network({}, about) == saved_weights.hash_network({}, old)
    other = about | {"settings": replace(STOPPED, seed=7).settings()}
    assert saved_weights.hash_network({}, about) != saved_weights.hash_network({}, other)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("train --task moons:0-20 --look-every 5 dann", "--look-every is called --eval-every"),
        ("train --task moons:0-20 --kept infomax dann", "--kept is called --chosen-by"),
        (
            "train --task moons:0-20 --channels-last dann",
            "--channels-last is called --memory-format",
        ),
        ("train --task moons:0-20 --keep dann", "--keep is called --save-weights"),
        ("train --task moons:0-20 dann --keep", "--keep is called --save-weights"),
        ("sweep tiny.py --keep", "--keep is called --save-weights"),
        ("tune tiny.py --choose-by oracle", "--choose-by is called --chosen-by"),
        ("table tiny.py --only look_every=5", "no setting 'look_every': it is called eval_every"),
    ],
)
def test_a_former_name_on_a_command_line_leads_to_the_new_one(
    words, said, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    Path("tiny.py").write_text(
        'import da\n\n\ndef runs():\n    return [da.Run(da.methods.DANN(), "moons:0-20")]\n'
    )
    with pytest.raises(SystemExit, match="2"):
        main(words.split())
    assert capsys.readouterr().err == f"da: {said} now\n"


@pytest.mark.parametrize("name", RENAMED)
def test_a_former_name_in_an_experiment_leads_to_the_new_one(name, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(f"import da\n\n\ndef runs():\n    return [da.FineTuning({name}=1)]\n")
    with pytest.raises(ValueError, match=rf"line 5: TypeError: {name} is called {RENAMED[name]} n"):
        load_experiment(file)
