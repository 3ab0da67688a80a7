from dataclasses import replace

import pytest
import torch

from da.data import loaders, tasks
from da.data.domain import Domain
from da.methods import METHODS, Network
from da.models import backbones
from da.models.backbones.mlp import MLP
from da.results.records import Record
from da.runs.method_code import code_digest
from da.runs.run import Run
from da.training.setup import assemble
from da.training.train import train
from tests.conftest import THREADS
from tests.fixtures.runs import CLASSES, RUN, run_of, stand_in, trained

FULL = Run(
    METHODS["source_only"].Hparams(),
    "moons:0-40",
    backbone="mlp",
    init="random",
    regime="full",
    steps=2,
    eval_every=2,
)
MAPPED = replace(
    FULL,
    method=METHODS["coral_map"].Hparams(),
    regime="frozen",
    init=FULL.id,
    network=Network(neck=8),
)


@pytest.mark.parametrize("change", [{}, {"features": 8}])
def test_a_run_builds_its_task_once(change, monkeypatch):
    train(FULL, device="cpu", save_weights=True, quiet=True)
    built, usual = [], tasks.build_task
    monkeypatch.setattr(tasks, "build_task", lambda *a: built.append(a[0]) or usual(*a))
    assemble(replace(MAPPED, **change), "cpu")
    assert built == ["moons:0-40"]


def test_a_record_says_what_its_data_was():
    for task in ("moons:0-40", "moons:0"):
        made_from = train(replace(FULL, task=task), device="cpu", quiet=True).made_from
        assert made_from.pop("code") == code_digest(FULL.method.owner.name)
        assert made_from == {**tasks.current_digests(task), "threads": THREADS}


def test_a_record_says_how_many_test_images_are_training_images(monkeypatch):
    source, target = tasks.open_domains("moons:0-40")
    x = target.x.clone()
    x[target.rows["target_test"][:7]] = source.x[source.rows["source_train"][:7]]
    monkeypatch.setattr(
        tasks, "open_domains", lambda *_: (source, replace(target, x=x, digest="other"))
    )
    assert train(FULL, device="cpu", quiet=True).made_from["repeated"] == 7


CYCLE = "odd", "other", "even"
"""The classes of `stand_in` in another order."""


def reordered(name: str, side: int = 0, *_) -> tuple[Domain, Domain]:
    """Do as `stand_in` does, with the same class of each picture under another number."""
    place = torch.tensor([CYCLE.index(label) for label in CLASSES])
    source, target = (replace(d, classes=CYCLE, y=place[d.y]) for d in stand_in(name, side))
    return source, target


@pytest.mark.parametrize("head", [(), (3,)])
@pytest.mark.parametrize("name", ["tent", "shot", "distill"])
def test_classes_of_a_finished_run_are_known_by_their_names(name, head, monkeypatch):
    monkeypatch.setattr(tasks, "open_domains", stand_in)
    first = replace(RUN, network=replace(RUN.network, head=head))
    trained(first)
    run = run_of(name, network=first.network, init=first.id)

    def logits() -> torch.Tensor:
        parts = assemble(run, "cpu")
        method = parts.method.eval()
        x = parts.task.target_test.to_input(torch.arange(5), parts.device)
        return (method.guide if method.taught else method.predict)(x)

    usual = logits()
    monkeypatch.setattr(tasks, "open_domains", reordered)
    assert logits().equal(usual[:, [CLASSES.index(label) for label in CYCLE]])


@pytest.mark.parametrize("name", ["tent", "shot", "distill"])
def test_a_finished_run_of_other_classes_is_refused(name, monkeypatch):
    monkeypatch.setattr(tasks, "open_domains", stand_in)
    trained(RUN)
    others = tuple(replace(d, classes=("even", "ant", "odd")) for d in stand_in("digits"))
    monkeypatch.setattr(tasks, "open_domains", lambda *_: others)
    said = f"run '{RUN.id}' has the classes even, odd, other, this run ant, even, odd; only there: "
    with pytest.raises(ValueError, match=said + "other, only here: ant"):
        assemble(run_of(name, init=RUN.id), "cpu")


def test_a_backbone_alone_has_no_classes(monkeypatch):
    monkeypatch.setattr(tasks, "open_domains", stand_in)
    trained(RUN)
    others = tuple(replace(d, classes=("ant", "bee", "cat")) for d in stand_in("digits"))
    monkeypatch.setattr(tasks, "open_domains", lambda *_: others)
    assemble(run_of("dann", init=RUN.id), "cpu")


def trained_with(threads: int, run: Run) -> Record:
    torch.set_num_threads(threads)
    try:
        return train(run, device="cpu", quiet=True)
    finally:
        torch.set_num_threads(THREADS)


def test_a_deterministic_run_does_not_depend_on_the_number_of_threads(monkeypatch):
    monkeypatch.setattr(tasks, "open_domains", stand_in)
    run = replace(run_of("dann"), deterministic=True)
    one, two = trained_with(1, run), trained_with(2, run)
    assert one.curve == two.curve
    assert one.made_from["threads"] == two.made_from["threads"] == 1
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_record_of_regime_full_says_of_how_many_threads_it_is():
    assert trained_with(2, FULL).made_from["threads"] == 2
    assert trained_with(1, FULL).made_from["threads"] == 1


def test_a_record_of_frozen_features_does_not_depend_on_threads():
    train(FULL, device="cpu", save_weights=True, quiet=True)
    assert "threads" not in trained_with(2, MAPPED).made_from


@pytest.mark.parametrize(("batch", "warned"), [(64, False), (3000, False), (100_000, True)])
def test_a_batch_of_many_copies_is_told_of_in_one_line_before_training(batch, warned, capsys):
    loaders.warn_of_copies.cache_clear()
    for _ in range(2):
        parts = assemble(replace(FULL, batch=batch), "cpu")
    assert len(parts.task.source_train) == len(parts.task.target_train) == 300
    told = capsys.readouterr().err
    assert told.startswith("da: a batch of 100000 shows each image 333 times or more in ") == warned
    assert told.count("\n") == warned


@pytest.mark.parametrize("regime", ["frozen", "full"])
def test_the_record_tells_the_full_name_of_the_weights(monkeypatch, regime):
    def tagged(*_):
        network = MLP(2)
        network.tag = "timm test_vit.r160_in1k"
        return network

    backbones._frozen_backbone.cache_clear()
    monkeypatch.setattr(backbones, "_build", tagged)
    made_from = assemble(replace(FULL, regime=regime, init="pretrained"), "cpu").made_from
    assert made_from["network"] == "timm test_vit.r160_in1k"
    backbones._frozen_backbone.cache_clear()
