"""What evaluations collect: it is the method's, as the file holds it, and disturbs nothing."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from da.data import tasks
from da.data.domain import Task
from da.data.transforms import Resize
from da.evaluation import changed_inputs, collector, kept_outputs
from da.evaluation.changed_inputs import pair_images
from da.evaluation.collector import Collector, top_directions
from da.evaluation.domain_logits import domain_logits
from da.evaluation.predictions import predict_columns
from da.evaluation.scores import score_all
from da.evaluation.selectors._features import sample_rows
from da.methods import METHODS, Method
from da.methods.source_only import SourceOnly
from da.results import records
from da.results.output_files import find_outputs
from da.runs.run import Run
from da.system.cache import UnwritableError
from da.training.multi_run import train_together
from da.training.setup import assemble, prepare_task
from da.training.sweep import sweep
from da.training.train import train
from tests.conftest import build, points
from tests.fixtures.runs import RUN as PICTURES
from tests.fixtures.runs import stand_in

CPU = torch.device("cpu")
RUN = Run(
    METHODS["dann"].Hparams(hidden=(8,)),
    "moons:0-40",
    backbone="mlp",
    init="random",
    regime="full",
    steps=4,
    batch=16,
    eval_every=2,
)


def prepared(m: Method) -> Task:
    """Return a small task that a method has looked at."""
    g = torch.Generator().manual_seed(0)
    x_s, x_t = (2 * torch.randn(24, 5, generator=g) + shift for shift in (0, 1))
    y = torch.arange(24) % 3
    return prepare_task(m, tasks.build_task("moons:0-1", points(x_s, y, 3), points(x_t, y, 3)))


def test_collecting_changes_neither_a_method_nor_random_numbers_nor_predictions(method):
    task = prepared(method)
    plain = predict_columns(method, task)[""]
    before = copy.deepcopy(method.state_dict())
    torch.manual_seed(3)
    state = torch.get_rng_state()
    found = Collector().collect(method, task, CPU, 1)[""]
    assert torch.equal(state, torch.get_rng_state())
    now = method.state_dict()
    assert all(now[k].nan_to_num(7.5).equal(x.nan_to_num(7.5)) for k, x in before.items())
    assert found.source_logits.equal(plain.source_logits)
    assert found.target_logits.equal(plain.target_logits)
    assert found.source_features.shape == (len(plain.source_logits), found.target_features.shape[1])
    assert found.mixed_logits.shape == (2, *plain.target_logits.shape)
    assert not {"embed", "embed_source"} & vars(method).keys()


@pytest.mark.parametrize("name", ["dann", "cdan", "adda"])
def test_positive_domain_logits_say_source(name):
    method = build(METHODS[name])
    task = prepared(method)
    seen = Collector().collect(method, task, CPU, 1)[""]
    with method.evaluation_mode(), torch.no_grad():
        f_s = method.embed_source(task.source_test.take(torch.arange(len(task.source_test))))
        f_t = method.embed(task.target_test.take(torch.arange(len(task.target_test))))
        f = torch.cat([f_s, f_t])
        if name == "cdan":
            given = method.discriminate(f, method.head(f).softmax(1))
        else:
            given = method.discriminator(f).squeeze(1)
    found = torch.cat([seen.source_domain, seen.target_domain])
    assert torch.allclose(found, given, rtol=1e-3, atol=1e-4)


def test_discriminators_see_large_domains_in_parts(monkeypatch):
    method = build(METHODS["cdan"])
    f_s, f_t, y = torch.randn(7, method.width), torch.randn(40, method.width), torch.arange(7) % 3
    whole = domain_logits(method, f_s, f_t, y, CPU)
    monkeypatch.setattr("da.evaluation.domain_logits.ROWS", 8)
    for name, logits in domain_logits(method, f_s, f_t, y, CPU).items():
        assert torch.allclose(logits, whole[name], atol=1e-6)


def test_head_weight_explains_the_logits_of_a_linear_classifier_only():
    linear, two_heads = build(METHODS["dann"]), build(METHODS["mcd"])
    seen = Collector().collect(linear, prepared(linear), CPU, 1)[""]
    rest = seen.target_logits - seen.target_features @ seen.head_weight.mT
    assert torch.allclose(rest, rest[:1].expand_as(rest), atol=0.02)
    assert Collector().collect(two_heads, prepared(two_heads), CPU, 1)[""].head_weight is None


def test_many_features_keep_their_inner_products(monkeypatch):
    monkeypatch.setattr(collector, "WIDTH", 4)
    low = torch.randn(30, 3) @ torch.randn(3, 9) + 5  # of rank 4, far from the origin
    basis = top_directions(low, 4)
    assert torch.allclose(basis.mT @ basis, torch.eye(4), atol=1e-4)
    assert torch.allclose((low @ basis) @ (low @ basis).mT, low @ low.mT, rtol=1e-3, atol=1e-2)
    wide = top_directions(low[:6], 5)
    assert wide.shape == (9, 4)  # no more than the rank
    method = build(METHODS["dann"])
    one = Collector()
    task = prepared(method)
    first = one.collect(method, task, CPU, 1)[""]
    basis = one.basis
    assert first.target_features.shape[1] == first.head_weight.shape[1] == 4
    one.collect(method, task, CPU, 2)
    assert one.basis is basis


def test_logits_that_are_not_finite_are_given_back_as_they_are(monkeypatch):
    monkeypatch.setattr(collector, "WIDTH", 4)
    method = build(METHODS["dann"])
    task = prepared(method)
    method.head[0].weight.data.fill_(torch.nan)
    one = Collector("all")
    assert one.collect(method, task, CPU, 1)[""].target_logits.isnan().all()
    assert not one.kept


def test_partners_are_of_the_same_class_then_of_another():
    predicted = torch.tensor([0, 0, 1, 1, 1, 2, 0])
    same, other = pair_images(predicted)
    lonely = predicted == 2
    assert same[lonely].tolist() == [-1]
    assert predicted[same[~lonely]].equal(predicted[~lonely])
    assert not (same == torch.arange(7)).any()
    assert (predicted[other] != predicted).all()
    assert (pair_images(torch.zeros(3).long())[1] == -1).all()


def test_mixtures_are_mostly_the_image():
    method = build(METHODS["source_only"])
    task = prepared(method)
    x = task.target_test.take(torch.arange(len(task.target_test)))
    seen = Collector().collect(method, task, CPU, 1)[""]
    same = seen.mixed_with[0]
    assert (same >= 0).sum() > 1
    with method.evaluation_mode(), torch.no_grad():
        mixed = method.predict(0.55 * x + 0.45 * x[same])
    assert torch.allclose(seen.mixed_logits[0][same >= 0], mixed[same >= 0], atol=1e-2)


class Pixels:
    """A stand-in for a method that classifies by the first three pixels."""

    def __init__(self):
        self.method = build(METHODS["source_only"])
        self.method.predict = lambda x: x.float().flatten(1)[:, :3]


@pytest.mark.parametrize("kind", ["pixels", "views", "texts"])
def test_views_are_of_what_the_images_are(kind):
    x = {
        "pixels": (torch.arange(5 * 8 * 8 * 3) % 251).view(5, 8, 8, 3).to(torch.uint8),
        "views": torch.arange(5 * 3 * 4.0).view(5, 3, 4),
        "texts": torch.arange(20).view(5, 4),
    }[kind]
    method = Pixels().method
    task = replace(
        prepared(build(METHODS["source_only"])),
        target_test=replace(
            points(torch.zeros(5, 1), torch.zeros(5).long()).part(torch.arange(5)),
            x=x,
            resize=Resize(8),
        ),
    )
    plain = method.predict(x)
    found, again = (changed_inputs.logits(method, task, plain, "none", CPU) for _ in range(2))
    if kind == "texts":
        assert found == {}
        return
    views = found["target_views"]
    assert views.equal(again["target_views"])
    if kind == "views":
        assert views[0].equal(x[:, 1, :3])
        assert views[1].equal(x[:, 2, :3])
    else:
        assert not views[0].equal(views[1])


def test_each_image_passes_the_network_once_and_a_sample_four_times_more(monkeypatch):
    """Counted exactly; the other images have no view and no mixture."""
    monkeypatch.setattr(tasks, "open_domains", stand_in)
    monkeypatch.setattr(changed_inputs, "MOST", 9)
    parts = assemble(PICTURES, "cpu")
    passed: list[int] = []
    parts.method.backbone.register_forward_hook(lambda _, x, y: passed.append(len(x[0])))
    seen = parts.collector.collect(parts.method, parts.task, CPU, 1)[""]
    n, m = len(seen.source_logits), len(seen.target_logits)
    assert sum(passed) == n + m + 4 * 9
    assert seen.target_views.shape == (2, 9, 3)
    rows = sample_rows(m, 9)
    others = torch.ones(m, dtype=torch.bool)
    others[rows] = False
    assert (seen.mixed_with[:, others] == -1).all()
    monkeypatch.setattr(changed_inputs, "MOST", m)
    whole = parts.collector.collect(parts.method, parts.task, CPU, 1)[""]
    assert seen.mixed_with[:, rows].equal(whole.mixed_with[:, rows])
    assert torch.allclose(seen.mixed_logits[:, rows], whole.mixed_logits[:, rows], atol=1e-2)
    assert {"consistency", "mixval"} <= score_all(seen).keys()


@pytest.mark.parametrize("keep", ["all", "last", "none"])
def test_a_run_keeps_the_outputs_that_it_is_told_to(keep):
    record = train(RUN, device="cpu", quiet=True, outputs=keep)
    records.save(record, Path("results"))
    steps = {"all": [2, 4], "last": [4], "none": []}[keep]
    assert bool(record.outputs) == bool(steps) == bool(find_outputs([record], Path("results")))
    assert (list(kept_outputs.load(record)) if steps else []) == steps


EVERYTHING = """
NEEDS = "logits", "source", "features", "discriminator", "mixtures", "weights"


def score(p):
    sums = [x.double().sum().item() for x in vars(p).values() if x is not None]
    return sum((i + 1) * x for i, x in enumerate(sums))
"""


def test_files_give_the_scores_of_the_record_digit_by_digit(plugins):
    (plugins / "selectors" / "everything.py").write_text(EVERYTHING)
    record = train(RUN, device="cpu", quiet=True, outputs="all")
    found = kept_outputs.load(record)
    for point in record.curve:
        scores = score_all(found[int(point["step"])])
        assert "everything" in scores
        assert scores == {name: point[name] for name in scores}


def test_the_record_is_the_same_whatever_is_kept():
    curves = [train(RUN, device="cpu", quiet=True, outputs=o).curve for o in ("all", "none")]
    assert curves[0] == curves[1]


@pytest.mark.slow
@pytest.mark.parametrize("share", [False, True], ids=["one by one", "steps shared"])
def test_runs_that_train_together_keep_outputs_each(share):
    source_only = replace(RUN, method=SourceOnly.Hparams())
    train(source_only, device="cpu", quiet=True, save_weights=True)
    first = replace(source_only, regime="frozen", init=source_only.id)
    runs = [replace(first, task=f"moons:0-{to}") for to in (20, 40)]
    for run, record in train_together(runs, device="cpu", share_steps=share, outputs="auto"):
        alone = train(run, device="cpu", quiet=True, outputs="all")
        assert list(kept_outputs.load(alone)) == [2, 4]
        assert share or record.outputs == alone.outputs


@pytest.mark.slow
def test_a_full_disk_leaves_the_record(monkeypatch):
    def full(file, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    message = "cannot write .*No space left on device.*make room .*; only the record is stored, in"
    with pytest.raises(UnwritableError, match=message):
        train(RUN, device="cpu", quiet=True, outputs="all")
    assert records.find(RUN.id, Path("results")).outputs == ""
    assert not list(Path("results/outputs").iterdir())
    ((_, error),) = train_together([RUN], device="cpu", outputs="all")
    assert isinstance(error, UnwritableError)


def test_a_folder_that_cannot_be_written_is_found_before_training(monkeypatch):
    Path("results").mkdir()
    Path("results/outputs").write_text("no folder")
    monkeypatch.setattr("da.training.train.fit", lambda *_, **__: pytest.fail("it trained"))
    with pytest.raises(UnwritableError, match="point --results elsewhere"):
        train(RUN, device="cpu", quiet=True, outputs="all")


def test_a_sweep_does_not_train_again_for_outputs():
    first = sweep([RUN], workers=1, outputs="none")
    assert not first[0].outputs
    again = sweep([RUN], workers=1, outputs="all")
    assert again[0].seconds == first[0].seconds
