"""The command line, as a user types it."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from da.cli.main import main
from da.cli.options import describe_record
from da.config.fine_tuning import FineTuning
from da.methods import METHODS
from da.results import records
from da.results.records import Record
from da.runs import experiment as experiments
from da.runs.run import Run
from da.training import attempts, follow

EXPERIMENT = """
from da.methods import METHODS, Network
from da.runs.run import Run


def runs():
    return [
        Run(
            kind.Hparams(),
            "moons:0,9-20" if kind.takes_domains else "moons:0-20" + "+3shot" * kind.takes_shots,
            backbone="mlp",
            init="random",
            regime="full",
            network=Network(neck=0, dropout=0),
            steps=4,
            eval_every=2,
            seed=seed,
        )
        for kind in METHODS.values()
        if not (kind.frozen_only or kind.source_free or kind.taught or kind.takes_names)
        for seed in range(2)
    ]
"""


FULL = "--init random --regime full"


@pytest.fixture
def experiment(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "tiny.py"
    file.write_text(EXPERIMENT)
    return file


def da(*arguments: object) -> None:
    main([str(argument) for argument in arguments])


KINDS = "png", "svg", "pdf"
"""Files of each figure."""


def swept(experiment: Path, *more: object) -> None:
    da("sweep", experiment, "--workers", 1, "--wandb", "off", *more)


@pytest.mark.slow
@pytest.mark.usefixtures("every_score")
def test_sweep_then_table_then_plot(experiment, capsys):
    swept(experiment)
    count = sum(
        not (kind.frozen_only or kind.source_free or kind.taught or kind.takes_names)
        for kind in METHODS.values()
    )
    assert f"{2 * count} of {2 * count} runs" in capsys.readouterr().out
    for style in ("terminal", "markdown", "latex", "csv"):
        da("table", experiment, "--format", style)
        assert "dann" in capsys.readouterr().out
    da("table", experiment, "--chosen-by", "source_accuracy,oracle")
    assert "oracle" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        da("table", experiment, "--chosen-by", "luck")
    assert "known: last, a_distance, " in capsys.readouterr().err
    da("plot", experiment)
    files = capsys.readouterr().out.split()
    assert len(files) == 2 * len(KINDS)
    assert all(Path(file).stat().st_size > 1000 for file in files)


@pytest.mark.slow
def test_accuracy_is_drawn_against_a_setting(experiment, capsys):
    text = EXPERIMENT.replace("METHODS.values()", "[METHODS['source_only']]")
    experiment.write_text(text.replace("seed=seed", "lr=0.1 * 2**seed"))
    swept(experiment)
    capsys.readouterr()
    da("plot", experiment, "--against", "lr")
    files = [Path(file) for file in capsys.readouterr().out.split()]
    assert [file.name for file in files] == [f"tiny-against-lr.{kind}" for kind in KINDS]
    assert all(file.stat().st_size > 1000 for file in files)
    with pytest.raises(SystemExit):
        da("plot", experiment, "--against", "steps")
    said = capsys.readouterr().err
    assert said == "da: 'steps' is no number that varies among these runs, known: lr\n"


@pytest.mark.slow
def test_profile_prints_a_table_and_writes_a_trace(experiment, capsys):
    da("profile", experiment, "--only", "method=dann", "--steps", 1)
    assert "of peak" in capsys.readouterr().out
    assert [file.name for file in Path("plots").iterdir()] == ["tiny-dann.trace.json"]


def test_train_saves_a_record_in_the_published_shape(experiment, capsys):
    words = "--task moons:0-20 --backbone mlp --init random --regime full --steps 2 --seed 1"
    da("train", *words.split(), "--wandb", "off", "dann", "--trade-off", 0.5)
    (file,) = Path("results").glob("*.json")
    assert str(file) in capsys.readouterr().out
    record = json.loads(file.read_text())
    assert record["id"] == file.stem
    assert record["settings"]["method"] == "dann"
    assert record["settings"]["hp.trade_off"] == 0.5
    assert record["settings"]["seed"] == 1
    assert record["curve"][-1]["step"] == 2
    assert 0 <= record["curve"][-1]["target_accuracy"] <= 100
    assert record["seconds"] > 0
    assert record["images_per_second"] > 0
    assert record["environment"]["torch"]


def test_what_a_sweep_warns_of_is_diagnosed_by_id_and_by_file(experiment, capsys):
    kind = "METHODS['dann']"
    text = EXPERIMENT.replace("METHODS.values()", f"[{kind}]").replace("range(2)", "[0]")
    experiment.write_text(text.replace("kind.Hparams()", "kind.Hparams(trade_off=0)"))
    swept(experiment)
    said = [line for line in capsys.readouterr().err.splitlines() if "exactly zero" in line]
    (file,) = Path("results").glob("*.json")
    assert len(said) == 1
    assert said[0].startswith(f"dann moons:0-20 seed 0 {file.stem}: warning: ")
    pages = []
    for run in (file.stem, file):
        da("diagnose", run)
        pages.append(capsys.readouterr().out)
    assert pages[0] == pages[1]
    assert "(2 of 2\n    evaluations, first at step 2)" in pages[0]
    assert "likely cause: the setting trade_off" in pages[0]
    assert "other code" not in pages[0]
    code = json.loads(file.read_text())["made_from"]["code"]
    file.write_text(file.read_text().replace(code, code[::-1]))
    da("diagnose", file)
    assert "\n\nThis record is of other code: train or sweep" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0234, "0.023 s"),
        (0.399, "0.40 s"),
        (2.04, "2.0 s"),
        (45.4, "45 s"),
        (130.0, "2 min"),
    ],
)
def test_what_came_of_a_run_says_how_long_it_took(seconds, said):
    run = Run(METHODS["dann"].Hparams(), "emoji:a-b")
    record = Record(run.id, run.settings(), [{"step": 1, "target_accuracy": 60.0}], seconds)
    assert describe_record("dann", record) == f"dann: 60.0 % in {said}"


def test_what_came_of_a_run_is_the_accuracy_of_the_model_that_it_keeps():
    run = Run(METHODS["mcc"].Hparams(), "emoji:a-b", tuning=FineTuning(chosen_by="infomax"))
    scores = (0.1, 61.0), (0.9, 64.0), (0.9, 66.0), (0.2, 60.0)
    curve = [
        {"step": n, "infomax": score, "target_accuracy": accuracy}
        for n, (score, accuracy) in enumerate(scores)
    ]
    said = describe_record("mcc", Record(run.id, run.settings(), curve, 2.0))
    assert said == "mcc: 64.0 % at step 1, chosen by infomax, in 2.0 s"


def test_lines_of_a_sweep_and_names_at_wandb_tell_runs_apart(experiment, capsys, monkeypatch):
    text = EXPERIMENT.replace("METHODS.values()", "[METHODS['dann']]").replace("range(2)", "[0]")
    text = text.replace("for seed in", "for lr in (0.01, 1e30) for seed in")
    experiment.write_text(text.replace("seed=seed", "lr=lr, seed=seed"))
    names: list[str] = []
    monkeypatch.setattr(follow, "Mirror", lambda id, settings, how: names.append(how.name))
    with pytest.raises(SystemExit):
        swept(experiment)
    runs = experiments.load_experiment(experiment)
    first, second = (f"dann moons:0-20 seed 0 lr={run.lr:.4g} {run.id}" for run in runs)
    told = capsys.readouterr()
    assert re.search(rf"^\[1/2\] {re.escape(first)}: \d+.\d % in ", told.out, re.MULTILINE)
    assert f"\n[2/2] {second} failed: " in told.out
    assert f"1 failed:\n  {second} failed: " in told.err
    assert names == [first, second]


@pytest.mark.parametrize("words", ["", "--save-weights"])
def test_train_says_once_that_weights_are_not_stored(words, experiment, capsys):
    options = f"--task moons:0-20 --backbone mlp {FULL} --steps 2 --wandb off {words}"
    da("train", *options.split(), "source_only")
    told = capsys.readouterr()
    (file,) = Path("results").glob("*.json")
    assert f"source_only moons:0-20 seed 0 {file.stem}: " in told.out
    said = "weights not stored: --save-weights keeps them for prune, export and predict\n"
    assert told.err.count(said) == (words == "")


def test_a_second_sweep_does_nothing(experiment, capsys):
    swept(experiment, "--only", "method=source_only")
    before = {file: file.stat().st_mtime_ns for file in Path("results").glob("*.json")}
    swept(experiment, "--only", "method=source_only")
    assert {file: file.stat().st_mtime_ns for file in Path("results").glob("*.json")} == before
    assert len(before) == 2
    capsys.readouterr()


ONE = "method=source_only", "seed=0"


def changed(file: Path, **changes: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_records_of_other_code_are_told_made_again_or_accepted(experiment, capsys):
    swept(experiment, "--only", *ONE)
    (file,) = Path("results").glob("*.json")
    changed(file, made_from={"code": "0" * 16})
    about = "da: 1 of 1 records are of other code (method source_only): "
    for words in (("table", experiment), ("sweep", experiment, "--wandb", "off", "--accept-old")):
        capsys.readouterr()
        da(*words, "--only", *ONE)
        assert (words[0] == "table") == capsys.readouterr().err.startswith(about)
    swept(experiment, "--only", *ONE)
    told = capsys.readouterr()
    assert told.err.startswith(f"{about}trained again and kept in old/; --accept-old keeps")
    assert "[1/1] source_only moons:0-20 seed 0" in told.out
    da("table", experiment, "--only", *ONE)
    assert capsys.readouterr().err == ""
    da("runs")
    _, now, old, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(rf"{file.stem} +source_only moons:0-20 0 .*\d MB", now)
    assert re.fullmatch(rf"{file.stem}.1 +source_only moons:0-20 0 .* old", old)
    assert last == "1 record, none known to be of other code or data"


@pytest.mark.slow
def test_a_damaged_record_is_one_line_for_all_and_a_sweep_makes_it_again(experiment, capsys):
    swept(experiment, "--only", *ONE)
    (file,) = Path("results").glob("*.json")
    changed(file, curve=[])
    (folder := Path("results")).joinpath("notes.json").write_text("{}")
    said = f"da: {file} is no record: curve is empty; remove it and run it again"
    id = file.stem
    for words in (
        ("table", experiment, "--only", *ONE),
        ("plot", experiment, "--only", *ONE),
        ("diagnose", id),
        ("export", id, "--to", "onnx"),
        ("predict", id, "x.png"),
        ("prune", id, "--sparsity", "0.5"),
        ("wandb", "push", folder, "--mode", "off"),
    ):
        Path("x.png").touch()
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            da(*words)
        assert (words[0], ended.value.code, capsys.readouterr().err) == (words[0], 2, f"{said}\n")
    da("runs", experiment)
    assert re.search(rf"{id} .* damaged\n1 record, 1 damaged, none known", capsys.readouterr().out)
    swept(experiment, "--only", *ONE)
    assert capsys.readouterr().err.startswith(f"{said}: done now\n")
    da("table", experiment, "--only", *ONE)


def test_a_record_of_an_id_that_is_a_path_writes_and_reads_nothing(experiment, capsys):
    swept(experiment, "--only", *ONE, "--save-weights")
    (file,) = Path("results").glob("*.json")
    changed(file, id="../../evil")
    for words in (("export", file, "--to", "onnx"), ("predict", file, file)):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            da(*words)
        assert ended.value.code == 2
        assert 'is no record: id is "../../evil"; remove' in capsys.readouterr().err
    assert not [*Path().parent.rglob("*evil*")]


def test_shards_share_the_runs(experiment, capsys):
    for shard, done in (("1/2", 1), ("2/2", 2)):
        swept(experiment, "--only", "method=source_only", "--shard", shard)
        assert len(list(Path("results").glob("*.json"))) == done
    capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ("train --task moons:0-20 dnan", "dann"),
        ("train --task moon:0-20 dann", "moons"),
        ("train --task emoji:noto-twemojy dann", "twemoji"),
        ("train --task moons:0-20 --backbone resnet5 dann", "lenet"),
        ("train --task moons:0-20 --backbone lenet dann", "random"),
        ("train --task moons:0-20 --augment crop dann", "views"),
        ("train --task moons:0-20 --seed x dann", "--seed INT"),
        ("train --task moons:0-20 --device tpu dann", "cuda"),
        ("train --task moons:0-20+3shot adabn", "labeled"),
        ("train --task moons:0-20 --dropout 1.5 dann", "dropout is at least 0 and below 1"),
        (f"train --task moons:0-20 --backbone lenet {FULL} dann", "does not fit points of 2"),
        ("train --task moons:0-20 --lr -1 dann", "lr is 0 or more"),
        ("train --task moons:0-20 fine_tune", "+3shot"),
        ("train --task folder:here-there dann", "no such folder"),
        ("train --task moons:0-20 --init 0123456789ab dann", "known: none yet"),
        ("table nowhere.py", "tiny.py"),
        ("diagnose 0123", "known: none yet"),
        ("table tiny.py", "sweep"),
        ("table tiny.py --only seed=0,9", "seed=0, seed=1"),
        ("table tiny.py --only sed=0", "seed"),
        ("table tiny.py --only seed=0,9", "no run with 'seed=9', known: seed=0, seed=1"),
        ("table tiny.py --only seed=0 seed=9", "no run with 'seed=9', known: seed=0, seed=1"),
        ("sweep tiny.py --shard 3/2", "1/3"),
        ("sweep tiny.py --checkpoint-minutes nan", "0 for none"),
        ("train --task moons:0-20 --checkpoint-minutes -1 dann", "-1, known: 0 for none"),
        ("plot tiny.py --map 0123", " more"),
        (
            "plot tiny.py --against lr",
            "no records in results: run `da sweep` on the experiment first",
        ),
        ("profile tiny.py --steps 0", "1 and more"),
        ("sweep tiny.py --device tpu", "da: no device 'tpu', known: auto, cpu, cuda"),
        ("tune tiny.py --only method=dann --device tpu", "da: no device 'tpu'"),
        ("tune tiny.py --only method=dann --on rays", "known: local, slurm, ray, ray:ADDRESS"),
        ("tune tiny.py --only method=dann --workers 2", "--workers 2 needs --on slurm or --on ray"),
        ("tune tiny.py --only method=dann --workers 0", "0, known: 1 and more"),
        ("profile tiny.py --device tpu", "da: no device 'tpu'"),
        ("data emojy", "emoji"),
        ("list method", "methods"),
        ("wandb push nowhere", "nowhere"),
        ("swep", "sweep"),
    ],
)
def test_a_mistake_ends_with_status_2_and_one_line(experiment, capsys, words, known):
    (experiment.parent / "experiments").symlink_to(experiment.parent)
    with pytest.raises(SystemExit) as ended:
        da(*words.split())
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert said.err.startswith("da: ")
    assert known in said.err


@pytest.mark.parametrize(
    "words",
    [
        "train --task moons:0-20 --backbone mlp --init random --regime full --steps 2 dann",
        "sweep tiny.py --only method=dann",
        "tune tiny.py --only method=dann --trials 1",
    ],
)
def test_results_that_cannot_be_written_are_told_of_before_training(experiment, capsys, words):
    command, *more = words.split()
    with pytest.raises(SystemExit) as ended:
        da(command, "--results", experiment, *more)
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"da: --results {experiment} is a file, and no folder of records\n"


@pytest.mark.parametrize(
    "words",
    [
        "train --task folder:nowhere-there --results new dann",
        "train --task moons:0-20 --backbone lenet --regime full --results new/er dann",
        "sweep refused.py --results new --workers 1 --wandb off",
        "tune refused.py --results new --search magic",
    ],
)
def test_a_run_that_is_refused_leaves_no_folder(experiment, capsys, words):
    Path("refused.py").write_text(EXPERIMENT.replace("moons:0", "moons:x"))
    with pytest.raises(SystemExit):
        da(*words.split())
    assert capsys.readouterr().err
    assert not Path("new").exists()


@pytest.mark.parametrize(
    ("words", "usage"),
    [
        ("train mcc --help", "da train --task TASK [OPTIONS] mcc [-h]"),
        ("train --seed 1 mcc -h", "da train --task TASK [OPTIONS] mcc [-h]"),
        ("train --help", "da train [-h] [TRAIN OPTIONS] {"),
    ],
)
def test_the_usage_of_a_method_shows_what_stands_before_it(words, usage, capsys):
    with pytest.raises(SystemExit, match="0"):
        da(*words.split())
    assert capsys.readouterr().out.startswith(f"usage: {usage}")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("def runs(:", ", line 2: SyntaxError: invalid syntax"),
        ("import nowhere", ", line 2: ModuleNotFoundError: No module named 'nowhere'"),
        ("def runs():\n    return 1 / 0", ", line 3: ZeroDivisionError: division by zero"),
        ("METHODS['dannn']", ", line 2: ValueError: unknown method 'dannn', known: aad, "),
        ("METHODS['dann'].Hparams(tradeoff=1)", ", line 2: TypeError: "),
        ("def name(run):\n    return run.nothing", ", line 3: AttributeError: 'Run' object has no"),
        ("def runs():\n    return", ": runs() gives None, known: a list of Run"),
        ("def runs():\n    return [1]", ": runs() lists 1, known: Run"),
        ("def name(run):\n    return None", ": name(run) gives None, known: a line of text"),
        ("def name(run):\n    return run.seed", ": name(run) gives 0, known: a line of text"),
        ("def name(run):\n    return 'a\\nb'", r": name(run) gives 'a\nb', known: a line of text"),
        ("import sys; sys.exit(3)", ", line 2: SystemExit: 3"),
        ("def runs():\n    exit('no')", ", line 3: SystemExit: no"),
        ("def runs():\n    return runs()", ", line 3: RecursionError: maximum recursion depth"),
        ("'\0'", ": "),
        ("def runs():\n    return []", ": runs() lists no run"),
    ],
)
def test_a_broken_experiment_is_told_of_with_its_line(experiment, capsys, wrong, said):
    rest = "" if "runs" in wrong else EXPERIMENT
    experiment.write_text(f"from da.methods import METHODS\n{wrong}\n{rest}")
    with pytest.raises(SystemExit) as ended:
        da("table", experiment)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.startswith(f"da: {experiment}{said}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"name = 'caf\xe9'\n",
            "SyntaxError: (unicode error) 'utf-8' codec can't decode byte 0xe9",
        ),
        (b"\x7fELF\0\xff", ""),
        (b"", " has no function runs() -> list[Run]"),
    ],
)
def test_a_file_that_is_no_python_is_named(experiment, capsys, content, said):
    experiment.write_bytes(content)
    with pytest.raises(SystemExit) as ended:
        da("table", experiment)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.startswith(f"da: {experiment}")
    assert said in told


def test_what_an_experiment_prints_does_not_get_into_a_table(experiment, capsys):
    experiment.write_text(
        "\ufeff" + EXPERIMENT.replace("    return [", "    print('hi')\n    return [")
    )
    swept(experiment, "--only", "method=source_only", "seed=0")
    told = capsys.readouterr()
    assert "hi" in told.err.splitlines()
    assert "hi" not in told.out.splitlines()


def test_an_interruption_of_an_experiment_passes(experiment):
    experiment.write_text("raise KeyboardInterrupt")
    with pytest.raises(SystemExit) as ended:
        da("table", experiment)
    assert ended.value.code == 130


def test_a_run_that_is_listed_twice_counts_once(experiment, capsys):
    experiment.write_text(EXPERIMENT.replace("range(2)", "(0, 0)"))
    swept(experiment, "--only", "method=source_only")
    assert "1 of 1 runs" in capsys.readouterr().out


@pytest.mark.parametrize("words", ["table tiny.py", "plot tiny.py", "plot tiny.py --against lr"])
def test_without_records_those_that_are_published_are_named(experiment, capsys, words):
    run = experiments.load_experiment(experiment)[0]
    records.save(records.Record(run.id, run.settings(), [], 1.0), Path("results/published"))
    for command, has in ((words, "has 1 of "), (f"diagnose {run.id}", "has it\n")):
        with pytest.raises(SystemExit) as ended:
            da(*command.split())
        assert ended.value.code == 2
        said = capsys.readouterr().err
        assert said.startswith("da: no record")
        assert f" --results results/published {has}" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("train --trade-off 2 dann", "--trade-off is an option of dann: it stands behind the"),
        ("train --trade_off=2", "--trade-off is an option of a method: it stands behind the"),
        ("train dann --results x", "--results is a general option: it stands before the method, "),
        ("train dann --no-keep-hidden", "--keep-hidden is a general option: it stands before"),
        ("train dann --dropout 0", "--dropout is a general option: it stands before"),
        ("train dan --class-trade-off 1", "--class-trade-off is no option of dan, but of deepjdot"),
        ("train --lrr 1 dann", "unknown option --lrr, known: --lr, --lora-rank\n"),
        ("train dann --trade-of 1", "unknown option --trade-of, known: --trade-off"),
        ("train --zzz 1 dann", "unknown option --zzz, known: those that `da train --help` lists"),
        (
            "train dann --zzz",
            "unknown option --zzz, known: those that `da train dann --help` lists",
        ),
        ("train foo", "unknown method 'foo', known: those of `da list"),
        ("train dan3n", "unknown method 'dan3n', known: dann, dan, mdan, and all of `da list meth"),
        ("train --task moons:0-20", "no method, known: those of `da list methods`"),
        ("train --task moons:0-20 dann extra", "unknown word 'extra': it belongs to no option\n"),
        ("train --task moons:0-20 --seed x dann", "unknown value 'x', known: --seed INT\n"),
        ("train --mean 1 x --task moons:0-20 dann", "unknown value ['1', 'x'], known: --mean [FL"),
        ("table x.py --formt csv", "unknown option --formt, known: --format"),
        ("sweep x.py y.py", "unknown word 'y.py'"),
        ("train", "da train needs --task STR, see `da train --help`\n"),
        ("export", "da export needs RUN --to {onnx,pt2}, see `da export --help`\n"),
        ("train --task moons:0-20 --lr dann", "no method, known: those of `da list methods`"),
        ("train --task a --lr dann --trade-off x", "--trade-off is an option of a method: it stan"),
        ("train --task moons:0-20 dann --trade-off 1 -2", "unknown word '-2': it belongs to no op"),
    ],
)
def test_a_mistaken_option_is_told_with_what_to_do_in_one_short_line(capsys, words, said):
    with pytest.raises(SystemExit) as ended:
        da(*words.split())
    assert ended.value.code == 2
    line = capsys.readouterr().err
    assert line.startswith(f"da: {said}")
    assert line.count("\n") == 1
    assert len(line) < 400


def test_a_long_text_that_is_no_number_is_told_without_what_the_parser_says(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--task", "moons:0-20", "--seed", "x" * 300, "dann"])
    said = capsys.readouterr().err
    assert said.startswith("da: unknown value 'xxx")
    assert said.endswith(", known: --seed INT\n")


def test_a_broken_run_is_listed_and_the_others_go_on(experiment, capsys):
    text = EXPERIMENT.replace('"moons:0-20"', '("moons:0-20" if seed else "moons:0-x")')
    assert text != EXPERIMENT
    experiment.write_text(text)
    with pytest.raises(SystemExit) as ended:
        swept(experiment, "--only", "method=source_only")
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert len(list(Path("results").glob("*.json"))) == 1
    assert "1 failed" in said.err
    assert "unknown rotation 'x'" in said.err


def test_a_sweep_that_is_interrupted_tells_how_far_it_came(experiment, capsys, monkeypatch):
    done = attempts.train_together

    def second_is_interrupted(runs, **how):
        if runs[0].seed == 1:
            raise KeyboardInterrupt
        return done(runs, **how)

    monkeypatch.setattr(attempts, "train_together", second_is_interrupted)
    with pytest.raises(SystemExit) as ended:
        swept(experiment, "--only", "method=source_only")
    assert ended.value.code == 130
    told = "da: 1 of 2 runs have a record; the same command goes on"
    assert but_symptoms(capsys.readouterr().err) == [told]


def but_symptoms(said: str) -> list[str]:
    """The lines but those that warn of a run."""
    return [line for line in said.splitlines() if "seed 0" not in line]


@pytest.mark.slow
def test_an_interrupted_sweep_ends_its_workers_and_says_one_line(experiment):
    text = EXPERIMENT.replace("METHODS.values()", "[METHODS['source_only']]")
    text = text.replace("range(2)", "range(3)").replace("=2", "=20_000")
    experiment.write_text(text.replace("steps=4", "steps=20_000 if seed else 4"))
    process = subprocess.Popen(
        [sys.executable, "-m", "da", "sweep", experiment, "--workers", "2", "--wandb", "off"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored in background
    )
    assert process.stdout.readline().startswith("[1/3] ")
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)  # which ends when no worker holds stderr any more
    assert process.returncode == 130
    told = "da: 1 of 3 runs have a record; the same command goes on"
    assert but_symptoms(said) == [told]
    assert len(list(Path("results").glob("*.json"))) == 1


@pytest.mark.parametrize("what", ["methods", "tasks", "backbones", "selectors"])
def test_list(capsys, what):
    da("list", what)
    said = capsys.readouterr().out
    known = {"methods": "dann", "tasks": "digits:mnist-mnistm", "backbones": "lenet"}
    assert known.get(what, "infomax") in said


def test_data_without_names_tells_the_state(capsys):
    da("data")
    assert "da data emoji" in capsys.readouterr().out


@pytest.mark.slow
def test_help_comes_without_torch():
    code = (
        "import sys; from da.cli.main import main\n"
        "try: main(['--help'])\n"
        "finally: print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith("False")
    assert "sweep" in done.stdout


def test_publish_writes_one_file_and_tables_are_made_of_it(experiment, capsys):
    experiment.write_text(EXPERIMENT.replace("METHODS.values()", "[METHODS['dann']]"))
    with pytest.raises(SystemExit):
        da("publish", experiment, "--out", "public")
    said = capsys.readouterr().err
    assert said == "da: 2 of 2 runs have no record in results: sweep first\n"
    swept(experiment)
    da("publish", experiment, "--out", "public")
    assert "2 records in public/tiny.jsonl, " in capsys.readouterr().out
    assert [file.name for file in Path("public").iterdir()] == ["tiny.jsonl"]
    tables = []
    for folder in ("results", "public"):
        da("table", experiment, "--results", folder)
        tables.append(capsys.readouterr().out)
    assert tables[0] == tables[1]
    before = Path("public/tiny.jsonl").read_bytes()
    da("sweep", experiment, "--results", "public", "--wandb", "off")
    assert "2 of 2 runs" in capsys.readouterr().out
    assert list(Path("public").glob("*.json")) == []
    assert Path("public/tiny.jsonl").read_bytes() == before


def test_the_accuracy_of_a_run_is_that_of_the_model_it_keeps():
    curve = [
        {"step": step, "target_accuracy": accuracy, "infomax": score}
        for step, accuracy, score in ((100, 60.0, 0.5), (200, 70.0, 0.9), (300, 65.0, 0.7))
    ]
    for chosen_by, said in (
        ("last", "dann: 65.0 % in 2.0 s"),
        ("infomax", "dann: 70.0 % at step 200, chosen by infomax, in 2.0 s"),
    ):
        record = Record("0" * 12, {"chosen_by": chosen_by}, curve, 2.0)
        assert describe_record("dann", record) == said
