"""What is told of a run while it trains."""

import pytest

from da.methods import METHODS, Network
from da.runs.run import Run
from da.training.setup import assemble
from da.training.train import fit


def told(method: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What training prints on a stdout that is no terminal."""
    run = Run(
        METHODS[method].Hparams(),
        "moons:0-20",
        backbone="mlp",
        init="random",
        regime="full",
        network=Network(neck=0, dropout=0),
        steps=10,
        eval_every=2,
    )
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
