"""Formats that a run chooses by what is faster on its machine."""

import json
import time
from dataclasses import replace

import pytest
import torch
from torch import nn

import da
from da.data import stored, tasks
from da.evaluation import diagnostics
from da.models.own_backbone import OwnBackbone
from da.system.cache import cache_home, without_making
from da.training import engine, formats
from da.training.formats import Formats, choose_formats, measure_formats
from da.training.setup import assemble
from da.training.train import train
from tests.fixtures.runs import run_of, stand_in

RUN = run_of("dann", batch=4)
FP32, FP32_CONTIGUOUS = Formats(), Formats("fp32", "contiguous")
BF16, BF16_CONTIGUOUS = Formats("bf16"), Formats("bf16", "contiguous")
ALL = FP32, FP32_CONTIGUOUS, BF16, BF16_CONTIGUOUS
IMAGES = torch.arange(2 * 3 * 12 * 12, dtype=torch.uint8).view(2, 3, 12, 12)


def network() -> nn.Module:
    layers = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout()
    return OwnBackbone(nn.Sequential(*layers), 4)


def taking(*seconds: float):
    """A function that finds these seconds for the formats, in the order of `ALL`."""
    return lambda network, x, tried: {each: seconds[ALL.index(each)] for each in tried}


def refusing(*_):
    raise AssertionError("measured")


def choose(measure, batch: int = 4, images=IMAGES, **settings) -> Formats:
    return choose_formats(replace(RUN, batch=batch, **settings), network(), images, measure)


@pytest.mark.parametrize(
    ("seconds", "settings", "chosen"),
    [
        ((9, 8, 3, 2), {"precision": "auto", "memory_format": "auto"}, BF16_CONTIGUOUS),
        ((9, 8, 2, 2), {"precision": "auto", "memory_format": "auto"}, BF16),
        ((2, 2, 2, 2), {"precision": "auto", "memory_format": "auto"}, FP32),
        ((2, 1, 3, 3), {"precision": "auto", "memory_format": "auto"}, FP32_CONTIGUOUS),
        ((104, 100, 9, 9), {"memory_format": "auto"}, FP32),
        ((106, 100, 9, 9), {"memory_format": "auto"}, FP32_CONTIGUOUS),
        ((2, 9, 1, 9), {"precision": "auto"}, BF16),
        ((9, 2, 9, 1), {"precision": "auto", "memory_format": "contiguous"}, BF16_CONTIGUOUS),
        ((1, 1, 9, 8), {"precision": "bf16", "memory_format": "auto"}, BF16_CONTIGUOUS),
    ],
)
def test_the_first_of_the_fastest_is_chosen_among_those_that_are_allowed(seconds, settings, chosen):
    assert choose(taking(*seconds), **settings) == chosen


def test_formats_that_are_given_are_not_measured():
    assert choose(refusing) == FP32
    assert choose(refusing, memory_format="contiguous") == FP32_CONTIGUOUS
    frozen = replace(da.Run(da.methods.DANN(), "moons:0-20"), precision="bf16")
    assert choose_formats(frozen, network(), IMAGES, refusing) == BF16


def test_later_runs_choose_what_was_measured_first():
    auto = {"memory_format": "auto"}
    assert choose(taking(2, 1), **auto) == FP32_CONTIGUOUS
    assert choose(refusing, seed=3, lr=0.1, **auto) == FP32_CONTIGUOUS
    (file,) = (cache_home() / "formats").glob("*.json")
    assert json.loads(file.read_text())["input"] == [8, 3, 12, 12]


def test_as_many_images_are_measured_as_pass_the_backbone_at_once(monkeypatch):
    seen = []

    def see(network, x, tried):
        seen.append(len(x))
        return dict.fromkeys(tried, 1.0)

    for parts in (1, 2, 100):
        own = da.Optimization(accumulate=parts)
        choose(see, memory_format="auto", batch=6, optimization=own)
    monkeypatch.setattr(formats, "count_processes", lambda: 3)
    choose(see, memory_format="auto", batch=6)
    assert seen == [12, 6, 2, 4]


@pytest.mark.parametrize(
    "other",
    [
        {"batch": 3},
        {"images": IMAGES[..., :8]},
        {"deterministic": True},
        {"precision": "auto"},
        {"backbone": "resnet18"},
    ],
)
def test_another_size_network_or_choice_is_measured_anew(other):
    auto = {"memory_format": "auto"}
    assert choose(taking(2, 1, 5, 5), **auto) == FP32_CONTIGUOUS
    assert choose(taking(1, 2, 5, 5), **auto | other) == FP32


def test_a_damaged_measurement_is_made_again():
    auto = {"memory_format": "auto"}
    choose(taking(2, 1), **auto)
    (file,) = (cache_home() / "formats").glob("*.json")
    file.write_text("{")
    assert choose(taking(1, 2), **auto) == FP32


def test_what_was_measured_is_listed_and_removed():
    auto = {"memory_format": "auto"}
    choose(taking(2, 1), **auto)
    assert any(line.startswith("formats ") for line in stored.describe_stored())
    assert "formats: removed 1 of 1, together 0 MB" in [*stored.free(["formats"])]
    assert choose(taking(1, 2), **auto) == FP32


def test_nothing_is_measured_where_nothing_may_be_written():
    with without_making():
        assert choose(refusing, memory_format="auto") == FP32


def test_a_process_that_is_not_the_first_measures_nothing(monkeypatch):
    told = {FP32: 2.0, FP32_CONTIGUOUS: 1.0}
    monkeypatch.setattr(formats, "is_first", lambda: False)
    monkeypatch.setattr(formats, "take_from_first", lambda own: told)
    assert choose(refusing, memory_format="auto") == FP32_CONTIGUOUS


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (
            (2, 9, 3, 9),
            "warning: precision bf16 takes 1.50 times as long as fp32 for your backbone on",
        ),
        ((2, 9, 2.05, 9), ""),
        ((2, 9, 1, 9), ""),
    ],
)
def test_bf16_that_is_slower_is_told_of_in_one_line(seconds, said, capsys):
    formats._warn.cache_clear()
    for _ in range(2):
        assert choose(taking(*seconds), precision="bf16") == BF16
    told = capsys.readouterr().err
    assert told.startswith(said)
    assert told.count("\n") == bool(said)


def test_a_backbone_without_weights_is_not_measured():
    run = replace(RUN, precision="auto", memory_format="auto")
    assert choose_formats(run, nn.Identity(), IMAGES, refusing) == FP32


def test_the_pass_of_the_faster_format_takes_less_time(monkeypatch):
    """Of two formats of which one waits."""
    monkeypatch.setattr(formats, "_SECONDS", 0)
    waiting = network()
    waiting.register_forward_pre_hook(
        lambda *_: time.sleep(0.02 * torch.is_autocast_enabled("cpu"))
    )
    found = measure_formats(waiting, IMAGES, [FP32, BF16])
    assert found[BF16] > 0.02 > found[FP32]


def test_a_measurement_leaves_network_and_random_numbers_as_they_are(monkeypatch):
    monkeypatch.setattr(formats, "_SECONDS", 0)
    measured = network().eval()
    before = {name: value.clone() for name, value in measured.state_dict().items()}
    random = torch.get_rng_state()
    measure_formats(measured, IMAGES, ALL)
    assert torch.get_rng_state().equal(random)
    assert all(value.equal(before[name]) for name, value in measured.state_dict().items())
    assert measured.layout == torch.channels_last
    assert not measured.training
    assert all(p.grad is None and p.is_contiguous() for p in measured.parameters())


@pytest.mark.parametrize("given", [FP32, FP32_CONTIGUOUS])
def test_weights_and_images_have_the_memory_format(given, monkeypatch):
    monkeypatch.setattr(tasks, "open_domains", stand_in)
    backbone = assemble(replace(RUN, memory_format=given.memory_format), "cpu").method.backbone
    convolution = [m for m in backbone.modules() if isinstance(m, nn.Conv2d)][1]
    assert backbone.layout == given.layout
    assert convolution.weight.is_contiguous(memory_format=given.layout)


@pytest.mark.parametrize("chosen", [BF16_CONTIGUOUS, FP32])
def test_a_run_is_that_of_the_chosen_formats_and_says_so(chosen, monkeypatch):
    monkeypatch.setattr(tasks, "open_domains", stand_in)
    seconds = [1 + (each != chosen) for each in ALL]
    monkeypatch.setattr(formats, "measure_formats", taking(*seconds))
    run = replace(RUN, precision="auto", memory_format="auto")
    told = train(run, device="cpu", quiet=True)
    given = replace(RUN, **chosen._asdict())
    plain = train(given, device="cpu", quiet=True)
    assert told.curve == plain.curve
    for facts in (told.environment, told.made_from):
        assert chosen._asdict().items() <= facts.items()
    assert not {"precision", "memory_format"} & {*plain.environment, *plain.made_from}
    assert len({run.id, given.id, RUN.id}) == 3 - (chosen == FP32)


def test_steps_and_diagnoses_have_the_chosen_precision(monkeypatch):
    seen, fit = [], engine.fit
    monkeypatch.setattr(tasks, "open_domains", stand_in)
    monkeypatch.setattr(formats, "measure_formats", taking(9, 9, 1, 1))
    monkeypatch.setattr(
        engine, "fit", lambda *args, **how: seen.append(how["precision"]) or fit(*args, **how)
    )
    monkeypatch.setattr(diagnostics, "diagnose", lambda *args: seen.append(args[-1]) or {})
    train(replace(RUN, precision="auto"), device="cpu", quiet=True)
    assert seen == ["bf16", "bf16"]


def test_what_is_given_is_not_told_as_chosen(monkeypatch):
    monkeypatch.setattr(tasks, "open_domains", stand_in)
    monkeypatch.setattr(formats, "measure_formats", taking(2, 1))
    told = train(replace(RUN, memory_format="auto"), device="cpu", quiet=True).environment
    assert told["memory_format"] == "contiguous"
    assert "precision" not in told


def test_loaders_get_the_chosen_formats(monkeypatch):
    seen = []
    monkeypatch.setattr(formats, "measure_formats", taking(9, 9, 9, 1))
    body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    body[0].register_forward_hook(lambda *seen_by: seen.append(seen_by[-1].dtype))
    side = [(torch.rand(4, 3, 9, 9), torch.arange(4) % 2)]
    auto = {"precision": "auto", "memory_format": "auto"}
    da.fit(da.methods.MCC(), side, side, backbone=body, classes=2, steps=1, device="cpu", **auto)
    assert seen[-1] == torch.bfloat16


@pytest.mark.parametrize("name", ["precision", "memory_format"])
def test_frozen_features_have_no_auto(name):
    with pytest.raises(ValueError, match=f"{name} auto needs regime full"):
        da.Run(da.methods.DANN(), "moons:0-20", **{name: "auto"})
