"""Which features runs need, and which of them are stored."""

from dataclasses import replace
from pathlib import Path

from da.data.tasks import open_domains
from da.methods import METHODS
from da.runs.run import Run
from da.training.planning.feature_needs import list_needs
from da.training.planning.run_cost import Conditions
from da.training.setup import assemble
from da.training.train import save_run_weights

FIRST = Run(METHODS["source_only"].Hparams(), "moons:0,9-20", "mlp", "random", "full", steps=2)
RUN = replace(FIRST, init=FIRST.id, regime="frozen")
HOW = Conditions(Path("results"), "cpu")


def needs(run: Run, how: Conditions = HOW) -> list[tuple[int, bool]]:
    return [(need.images, need.stored) for need in list_needs(run, open_domains(run.task), how)]


def test_a_run_on_images_needs_none():
    assert needs(FIRST) == []


def test_each_joined_domain_has_a_file_which_is_found_once_it_is_stored():
    save_run_weights(FIRST, assemble(FIRST, "cpu"))
    assert needs(RUN) == [(900, False)] * 3
    assemble(RUN, "cpu")
    assert needs(RUN) == [(900, True)] * 3
    assert needs(replace(RUN, precision="bf16")) == [(900, False)] * 3


def test_features_of_a_run_to_come_are_to_come():
    how = replace(HOW, runs={FIRST.id: FIRST, RUN.id: RUN})
    shot = replace(RUN, method=METHODS["shot"].Hparams(), init=RUN.id)
    assert needs(shot, how) == needs(RUN, how) == [(900, False)] * 3
    domains = open_domains(RUN.task)
    both = [{need.file for need in list_needs(run, domains, how)} for run in (shot, RUN)]
    assert both[0] == both[1]
    other = replace(RUN, init="b" * 12)
    assert not both[0] & {need.file for need in list_needs(other, domains, how)}
