"""Several label columns: a head each on what every method aligns, and the class as without them."""

from dataclasses import replace
from itertools import islice

import pytest
import torch

from da.config.label_columns import LabelColumns
from da.data import tasks
from da.data.domain import Domain, LabeledImages, Task
from da.data.label_columns import Column
from da.data.loaders import batches, target_batches
from da.evaluation import predictions, scores
from da.methods import METHODS, Method, Network
from da.methods._column_heads import ColumnHeads, add_heads, find_heads
from da.runs.run import Run
from da.training.engine import fit
from da.training.setup import prepare_task
from da.training.train import train
from tests.conftest import build, points, skip_without
from tests.contracts.test_leak import Secret

every_method = pytest.mark.parametrize("kind", METHODS.values(), ids=METHODS)
SIDE = Column("side", ("left", "right"), torch.arange(120) % 2)
TWO = LabelColumns(("class", "side"))


def domain(gap: float) -> Domain:
    """Three classes along feature 0, two sides along feature 1, in every combination."""
    y = torch.arange(120) % 3
    x = 0.3 * torch.randn(120, 5, generator=torch.Generator().manual_seed(0)) + gap
    x[:, 0] += 2 * y
    x[:, 1] += 3 * SIDE.y
    return replace(points(x, y, 3), columns=(SIDE,), digest=f"toy {gap}")


def guarded(kind: type[Method]) -> Task:
    """A task whose target labels, but for bought shots, raise when they are read."""
    name = "moons:0-1+3shot" if kind.takes_shots else "moons:0-1"
    task = tasks.build_task(name, domain(0), domain(0.2))
    y = task.target_test.classes.as_subclass(Secret)
    side = replace(SIDE, y=SIDE.y.as_subclass(Secret))
    test = task.target_test
    return replace(
        task,
        target_train=LabeledImages(task.target_train.x, task.target_train.rows, y, columns=(side,)),
        target_test=LabeledImages(test.x, test.rows, y, columns=(side,)),
    )


def trained(kind: type[Method], steps: int, labels: LabelColumns | None = None) -> tuple:
    """A method after some steps, its task, its losses, and how often its neck was called."""
    method = build(kind)
    if labels:
        add_heads(method, labels, [2])
    task = prepare_task(method, guarded(kind))
    calls: list[int] = []
    method.neck.register_forward_hook(lambda *_: calls.append(1))
    optimizer = torch.optim.Adam(method.parameters(), 0.02)
    torch.manual_seed(1)
    some = islice((target_batches if kind.source_free else batches)(task, 24, 0), steps)
    losses: dict[str, torch.Tensor] = {}
    for _, now in fit(method, some, optimizer, steps, every=1):
        losses |= now
    return method, task, losses, len(calls)


@every_method
def test_a_second_column_is_learned_on_the_features_of_every_method(kind):
    method, task, losses, _ = trained(kind, 20, TWO)
    seen = predictions.predict_columns(method, task)["side"]
    names = scores.list_scorable(seen)
    assert {"bnm", "entropy", "infomax", "snd", "source_accuracy"} <= {*names}
    assert all(scores.score(name, seen) is not None for name in names)
    if kind.source_free:  # its heads are those of the run that it begins with
        assert all(p.grad is None for p in find_heads(method).parameters())
        return
    assert "task_side" in losses
    assert predictions.accuracy(seen.source_logits, seen.source_y) > 60
    assert predictions.accuracy(seen.target_logits, SIDE.y[task.target_test.rows]) > 60


@every_method
def test_a_head_of_weight_0_changes_nothing_and_computes_nothing_twice(kind):
    alone, _, _, calls = trained(kind, 3)
    both, _, _, as_many = trained(kind, 3, replace(TWO, column_weight=0.0))
    state = both.state_dict()
    assert calls == as_many
    assert all(torch.equal(w, state[name]) for name, w in alone.state_dict().items()
               if isinstance(w, torch.Tensor))  # fmt: skip


def test_learned_weights_are_those_of_kendall_and_others():
    labels = LabelColumns(("class", "side"), 0.5, "uncertainty")
    heads = ColumnHeads(labels, [2], build(METHODS["mcd"]))
    heads.log_variances.data = torch.tensor([0.3, -0.4])
    given = {"task": 2.0, "task_rival": 1.0, "disagree": 5.0}
    found = heads.join({name: torch.tensor(x) for name, x in given.items()},
                       {"side": torch.tensor(3.0)})  # fmt: skip
    s = torch.tensor([0.3, -0.4])
    first, second = (-s).exp().tolist()
    expected = {"task": 2 * first, "task_rival": first, "disagree": 5.0}
    expected |= {"task_side": 0.5 * 3 * second, "task_weights": -0.05}
    assert {name: x.item() for name, x in found.items()} == pytest.approx(expected)


def test_learned_weights_are_trained():
    method, *_ = trained(METHODS["dann"], 5, replace(TWO, column_weighting="uncertainty"))
    assert (find_heads(method).log_variances != 0).all()


def test_a_method_that_embeds_no_labeled_images_is_refused():
    class Other(METHODS["source_only"]):
        def forward(self, batch, progress):
            f = self.neck(self.backbone(batch.source.x))
            return {"task": self.task_loss(self.head(f), batch.source.y)}

    with pytest.raises(ValueError, match="Other embeds no labeled images"):
        trained(Other, 1, TWO)


def shuffled(domain: Domain) -> Domain:
    """With the second column's labels of its test images in another order."""
    test, y = domain.rows["target_test"], SIDE.y.clone()
    y[test] = y[test[torch.randperm(len(test), generator=torch.Generator().manual_seed(0))]]
    return replace(domain, columns=(replace(SIDE, y=y),))


@pytest.mark.parametrize("name", ["dann", "mcd", "coral_map"])
def test_permuted_target_labels_change_the_marks_of_their_column_alone(name, monkeypatch):
    skip_without(METHODS[name].needs)
    run = Run(
        METHODS[name].Hparams(),
        "moons:0-40",
        backbone="identity",
        labels=TWO,
        network=Network(neck=8),
        steps=4,
        batch=16,
        lr=0.05,
        eval_every=2,
    )
    curves = []
    for target in (domain(0.2), shuffled(domain(0.2))):
        monkeypatch.setattr(tasks, "open_domains", lambda *_, t=target, **__: (domain(0), t))
        curves.append(train(run, device="cpu", quiet=True).curve)
    marks = [[[point.pop(f"target_accuracy/{c}") for c in ("side", "mean")] for point in curve]
             for curve in curves]  # fmt: skip
    assert curves[0] == curves[1]
    assert marks[0] != marks[1]
