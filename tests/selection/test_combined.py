import pytest
import torch

from da.methods import METHODS
from da.results.records import Record
from da.runs.run import Run
from da.selection.combined import Combined, render_comparison
from da.selection.pools import Candidate

RUN = Run(METHODS["mcc"].Hparams(), "moons:0-40", "mlp", "random", "full")
POINTS = [
    {"step": 1, "target_accuracy": 70.0, "few_shot": 1.0, "infomax": 0.1, "source_accuracy": 99.0},
    {"step": 2, "target_accuracy": 50.0, "few_shot": 0.0, "infomax": 0.2, "source_accuracy": 50.0},
]


def combined(points: list[dict[str, float]], *, tested: bool = True) -> Combined:
    record = Record(RUN.id, RUN.settings(), points, 1.0)
    members = [Candidate("mcc", record, point) for point in points]
    return Combined(
        "moons:0-40",
        0,
        members,
        {"mean": torch.ones(len(points))},
        {"mean": 60.0} if tested else {},
    )


def test_evaluations_of_a_run_have_steps_and_choosers_of_several_scores_choose() -> None:
    lines = render_comparison([combined(POINTS)], ["infomax", "infomax+gate", "few_shot"])
    assert [line[:10].strip() for line in lines[1:3]] == ["mcc step 1", "mcc step 2"]
    found = {line[:24].strip(): line[24:].strip() for line in lines[4:-1]}
    assert found == {
        "chosen by infomax": "50.0",
        "chosen by infomax+gate": "70.0",
        "chosen by few_shot ‡": "70.0",
        "chosen by oracle ‡": "70.0",
    }
    assert render_comparison([combined(POINTS[:1])], ["infomax"])[1].startswith("mcc  ")


def test_of_equal_scores_the_last_model_is_chosen_and_unknown_ones_are_told() -> None:
    same = [{**point, "infomax": 1.0} for point in POINTS]
    assert combined(same).pick("infomax").point["step"] == 2
    with pytest.raises(ValueError, match="unknown selector 'luck' in 'infomax\\+luck', known: "):
        combined(POINTS).pick("infomax+luck")


def test_without_target_labels_only_weights_are_shown_and_names_are_still_checked() -> None:
    blind = combined([{"step": 1, "infomax": 0.1}], tested=False)
    assert [line[:4].strip() for line in render_comparison([blind], ["infomax"])] == ["moon", "mcc"]
    for name, said in (
        ("luck", "unknown selector 'luck'"),
        ("oracle", "which takes target labels"),
    ):
        with pytest.raises(ValueError, match=said):
            render_comparison([blind], [name])
