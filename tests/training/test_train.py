"""What is told of a run while it trains."""

from dataclasses import replace

import pytest
import torch

from da.methods import METHODS, Network
from da.runs.run import Run
from da.training.setup import assemble
from da.training.train import fit, train


def run_of(method: str) -> Run:
    return Run(
        METHODS[method].Hparams(),
        "moons:0-20",
        backbone="mlp",
        init="random",
        regime="full",
        network=Network(neck=0, dropout=0),
        steps=10,
        eval_every=2,
    )


def told(method: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What training prints on a stdout that is no terminal."""
    run = run_of(method)
    fit(run, assemble(run, "cpu"))
    return capsys.readouterr().out.splitlines()


def test_each_look_is_a_row_of_one_table(capsys):
    head, *lines = told("dann", capsys)
    assert head.split("  ")[-2:] == ["loss task", "loss domain"]
    assert "target %  source %   infomax" in head
    assert [line.split()[0] for line in lines] == ["2", "4", "6", "8", "10"]
    assert {len(line) for line in lines} == {len(head)}
    assert len(head) < 80


def test_other_losses_are_told_beneath_other_heads(capsys):
    lines = told("adda", capsys)
    heads = [i for i, line in enumerate(lines) if "step" in line]
    assert len(heads) == 2
    assert "loss confusion" in lines[heads[1]]


def test_each_evaluation_is_given_to_a_callback_which_cannot_change_it():
    seen = []

    def keep(point):
        seen.append(dict(point))
        point.clear()

    record = train(run_of("dann"), quiet=True, on_evaluation=keep)
    assert seen == record.curve
    assert len(seen) == 5


def test_random_numbers_of_a_callback_do_not_change_the_run():
    def draw(point):
        torch.manual_seed(0)

    run = replace(run_of("dann"), network=Network(dropout=0.5))
    drawn = train(run, quiet=True, on_evaluation=draw)
    assert drawn.curve == train(run, quiet=True).curve


@pytest.mark.parametrize("error", [ZeroDivisionError("enough"), MemoryError("enough memory")])
def test_an_error_of_the_callback_ends_the_run_as_it_is(error, tmp_path):
    def stop(point):
        raise error

    with pytest.raises(type(error)) as raised:
        train(run_of("dann"), quiet=True, on_evaluation=stop, save_weights=True)
    assert raised.value is error
    assert not [*tmp_path.rglob("*.json")]
