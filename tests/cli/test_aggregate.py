from pathlib import Path

import pytest

from da.cli import main
from da.methods import METHODS
from da.results import records
from da.runs.run import Run
from da.selection.combined import compare
from da.training.train import train

EXPERIMENT = """
import da


def runs():
    methods = da.methods.SourceOnly(), da.methods.CORAL()
    how = "mlp", "random", "full"
    return [
        da.Run(m, "moons:0-40", *how, steps=20, eval_every=10, seed=seed)
        for seed in (0, 1) for m in methods
    ] + [da.Run(da.methods.FineTune(), "moons:0-40+3shot", *how, steps=20, eval_every=10)]
"""


@pytest.fixture
def experiment() -> str:
    """Four runs whose outputs were kept, and one that saw target labels."""
    Path("pool.py").write_text(EXPERIMENT)
    for name, seed in [
        ("source_only", 0),
        ("coral", 0),
        ("source_only", 1),
        ("coral", 1),
        ("fine_tune", 0),
    ]:
        task = "moons:0-40" + "+3shot" * (name == "fine_tune")
        run = Run(
            METHODS[name].Hparams(),
            task,
            "mlp",
            "random",
            "full",
            steps=20,
            eval_every=10,
            seed=seed,
        )
        records.save(train(run, device="cpu", quiet=True, outputs="all"), Path("results"))
    return "pool.py"


def lines(capsys, *words: str) -> list[str]:
    main.main(["aggregate", *words])
    return capsys.readouterr().out.splitlines()


@pytest.mark.slow
def test_one_task_and_seed_shows_each_model_and_several_their_means(experiment, capsys):
    found = lines(capsys, experiment, "--only", "seed=0", "--chosen-by", "entropy")
    assert found[0].split() == ["moons:0-40", "seed", "0", "target", "%", "mean", "iwa"]
    assert [line.split()[0] for line in found[1:3]] == ["source_only", "coral"]
    assert [line[:17].strip() for line in found[4:]] == [
        "source_only", "chosen by entropy", "chosen by oracle", "mean", "iwa",
    ]  # fmt: skip
    ranked = lines(capsys, experiment, "--only", "seed=0", "--chosen-by", "entropy+infomax+gate")
    assert "chosen by entropy+infomax+gate" in ranked[5]
    best = max(found[1].split()[1], found[2].split()[1], key=float)
    assert found[6].split()[-1] == best
    every = lines(capsys, experiment, "--only", "seed=0", "--by", "mean", "--every-evaluation")
    assert sum("coral" in line for line in every) == 2
    found = lines(capsys, experiment)
    assert found[0].split() == ["2", "tasks", "and", "seeds", "mean", "lowest", "below"]


MISTAKES = {
    "--out x.pt2": "unknown ending '.pt2' of x.pt2, known: .onnx",
    "--out x.onnx": "--out is one model: name --by, known: mean, iwa",
    "--out x.onnx --by iwa": "not of 2 tasks and seeds: narrow --only",
    "--out x.onnx --by iwa --only seed=0 --every-evaluation": "--out needs weights",
    "--only seed=0 --chosen-by luck": "unknown selector 'luck', known: a_distance",
    "--only seed=0 --out x.onnx --by iwa": "no weights of run",
}


@pytest.mark.slow
@pytest.mark.usefixtures("every_score")
def test_mistakes_are_one_line(experiment, capsys):
    def fail(words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main.main(["aggregate", experiment, *words.split()])
        assert ended.value.code == 2
        return capsys.readouterr().err

    assert [said for words, said in MISTAKES.items() if said not in fail(words)] == []
    for file in Path("results/outputs").glob("*"):
        file.unlink()
    assert "train or sweep it again with --outputs all" in fail("")


def test_models_that_reject_images_are_not_combined(tmp_path):
    with pytest.raises(ValueError, match="has unknown classes, which combined models do not"):
        compare("emoji:noto-twemoji+open7", 0, [], ["mean"], tmp_path)
