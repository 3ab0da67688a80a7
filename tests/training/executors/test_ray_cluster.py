"""Runs that a cluster carries out leave the records that they leave here, whoever dies there."""

import inspect
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from da.methods import METHODS
from da.models import saved_weights
from da.results import records
from da.runs.run import Run
from da.system.locks import Lock, is_held
from da.training.attempts import Lost
from da.training.checkpoints.files import run_folder
from da.training.executors import ray_cluster
from da.training.executors.ray_cluster import NODES, NoRoom, RayCluster
from da.training.jobs import Job
from da.training.sweep import sweep_outcomes
from tests.fixtures.deadly_method import DEADLY
from tests.fixtures.fake_ray import FakeRay, made
from tests.fixtures.points import BEGUN, RUN
from tests.fixtures.ray import NodeDiedError, RayError, WorkerCrashedError

RUNS = [replace(RUN, seed=seed) for seed in range(4)]


@pytest.fixture
def ray(monkeypatch) -> FakeRay:
    fake = FakeRay()
    monkeypatch.setattr(
        "da.training.sweep.open_executor",
        lambda _on, resources, _folder, limit: nullcontext(RayCluster(fake, {}, limit)),
    )
    return fake


def groups(folder: Path, runs: list[Run] = RUNS) -> list[list[Job]]:
    return [[Job(run, folder, "cpu", False)] for run in runs]


def test_records_come_back_and_locks_are_held_until_then(tmp_path, ray):
    seen = []
    for group, ended in RayCluster(ray, {}, 3).run(groups(tmp_path)):
        seen.append([is_held(tmp_path / ".locks" / run.id) for run in RUNS])
        assert [outcome.record for _, outcome in ended] == [made(group[0].run)]
    assert seen == [
        [False, True, True, False],
        [False, False, True, True],
        [False, False, False, True],
        [False] * 4,
    ]
    assert records.ids(tmp_path) == {run.id for run in RUNS}


def test_checkpoints_of_this_machine_are_removed_once_the_record_is_there(tmp_path, ray):
    ray.errors = {1: [WorkerCrashedError("killed")]}
    folders = [run_folder(run.id, tmp_path) for run in RUNS[:2]]
    for folder in folders:
        folder.mkdir(parents=True)
    assert len([*RayCluster(ray, {}, 0).run(groups(tmp_path, RUNS[:2]))]) == 2
    assert [folder.exists() for folder in folders] == [False, True]


def test_a_group_whose_node_dies_is_sent_again_but_not_for_ever(tmp_path, ray):
    ray.errors = {1: [NodeDiedError("gone")] * NODES, 2: [NodeDiedError("gone")] * (NODES + 1)}
    ended = {group[0].run.seed: end for group, end in RayCluster(ray, {}, 0).run(groups(tmp_path))}
    assert [run.seed for run in ray.sent].count(1) == NODES + 1
    assert ended.pop(2) == Lost("its task ended by NodeDiedError: gone")
    assert all(end[0][1].record for end in ended.values())
    assert not (tmp_path / ".locks" / RUNS[2].id).exists()


def test_a_run_that_always_dies_is_given_up_and_one_that_dies_once_is_not(tmp_path, ray):
    ray.errors = {1: [WorkerCrashedError("killed")] * 9, 2: [WorkerCrashedError("killed")]}
    outcomes = {o.run.seed: o for o in sweep_outcomes(RUNS, tmp_path, on="ray", again=())}
    assert outcomes.pop(1).error == "its task ended by WorkerCrashedError: killed"
    assert all(outcome.record for outcome in outcomes.values())
    assert sorted(run.seed for run in ray.sent) == [0, 1, 1, 2, 2, 3]


def test_groups_that_were_lost_are_sent_one_after_another(tmp_path, ray):
    ended = RayCluster(ray, {}, 0).run(groups(tmp_path), alone=True)
    assert [len(ray.every) for _ in ended] == [1, 2, 3, 4]


def test_what_is_in_hand_is_canceled_and_free_again(tmp_path, ray):
    outcomes = sweep_outcomes(RUNS, tmp_path, on="ray", again=())
    next(outcomes)
    outcomes.close()
    assert len(ray.canceled) == 3
    assert not [*(tmp_path / ".locks").iterdir()]


def test_a_run_that_another_sweep_has_is_left_to_it(tmp_path, ray):
    theirs = Lock(tmp_path / ".locks" / RUNS[0].id)
    theirs.acquire()
    outcomes = sweep_outcomes(RUNS[:2], tmp_path, on="ray", again=())
    assert next(outcomes).run == RUNS[1]
    records.save(made(RUNS[0]), tmp_path)
    theirs.release()
    assert [outcome.record for outcome in outcomes] == [made(RUNS[0])]
    assert ray.sent == [RUNS[1]]


def test_a_node_with_other_code_ends_the_sweep(tmp_path, ray):
    error = RayError("a long trace")
    error.cause = ValueError("node has another da-lab")
    ray.errors = {0: [error]}
    with pytest.raises(ValueError, match=r"^node has another da-lab$"):
        [*sweep_outcomes(RUNS, tmp_path, on="ray", again=())]
    assert not [*(tmp_path / ".locks").iterdir()]


def test_weights_are_stored_once_for_all_runs_that_begin_with_them(tmp_path, ray):
    begun = RUNS[0]
    file = saved_weights.weights_file(begun.id, tmp_path)
    file.parent.mkdir()
    file.write_bytes(b"weights")
    records.save(made(begun), tmp_path)
    later = [replace(RUN, init=begun.id, seed=seed) for seed in range(3)]
    assert len([*RayCluster(ray, {}, 0).run(groups(tmp_path, later))]) == 3
    _, beginning = ray.stored
    assert (beginning.weights, beginning.record) == (b"weights", made(begun))


def test_resources_are_those_that_the_user_asks_for(tmp_path, ray, capsys):
    executor = RayCluster(ray, {"cpus": 2.0, "gpus": 0.25, "memory": 4.0}, 0)
    next(executor.run(groups(tmp_path)))
    asked = {"num_cpus": 2.0, "num_gpus": 0.25, "memory": 4 * 2**30, "max_retries": 0}
    assert ray.asked == {**asked, "name": RUNS[1].title, "num_returns": "streaming"}
    assert "no node of the Ray cluster has room" in capsys.readouterr().err
    assert executor.slots == 1
    assert RayCluster(ray, {"memory": 4.0}, 0).slots == 2
    assert capsys.readouterr().err == ""


def test_a_node_without_room_gets_no_more_runs_and_each_of_its_runs_another_node(
    tmp_path, ray, capsys
):
    ray.errors = {0: [NoRoom("a", "one", "disk full")], 1: [NoRoom("a", "one", "disk full")]}
    ended = [*RayCluster(ray, {}, 2).run(groups(tmp_path))]
    assert all(outcome.record for _, ((_, outcome),) in ended)
    assert sorted(run.seed for run in ray.sent) == [0, 0, 1, 1, 2, 3]
    assert [asked["off"] for asked in ray.every] == ["", "", "a", "a", "a", "a"]
    assert capsys.readouterr().err == "da: one gets no more runs: disk full\n"


def test_a_run_for_which_no_node_has_room_is_given_up(tmp_path, ray):
    ray.errors = {0: [NoRoom(id, id, "disk full") for id in ("abc" * 9)]}
    (failed,) = sweep_outcomes(RUNS[:1], tmp_path, on="ray", again=())
    assert failed.error.endswith(": disk full")
    assert len(ray.sent) == 2 * (NODES + 1)
    assert {asked["off"] for asked in ray.every} == {"", "a", "a,b"}


def test_runs_of_a_node_that_hangs_and_those_that_wait_for_it_are_sent_to_another(
    tmp_path, ray, capsys
):
    ray.hung = "a"
    ended = [*RayCluster(ray, {}, 3).run(groups(tmp_path))]
    assert all(outcome.record for _, ((_, outcome),) in ended)
    assert [asked["off"] for asked in ray.every] == ["", "", "", "a", "a", "a", "a"]
    assert len(ray.canceled) == 3
    assert sorted(run.seed for run in ray.sent) == [0, 1, 2, 3]
    said = f"da: the node of {RUNS[0].title} is gone: it is sent to another one\n"
    assert capsys.readouterr().err == said


def test_one_run_of_a_kind_is_measured_and_the_others_get_what_it_needs(tmp_path, ray, capsys):
    executor = RayCluster(ray, {"gpus": "auto", "memory": "auto"}, 0)
    assert executor.slots == 1
    ended = executor.run(groups(tmp_path, [*RUNS[:3], BEGUN]))
    next(ended)
    assert [(asked["num_gpus"], asked["memory"]) for asked in ray.every] == [(1.0, None)] * 2
    assert [group[0].run for group, _ in ended] == [BEGUN, *RUNS[1:3]]
    later = [(asked["num_gpus"], asked["memory"]) for asked in ray.every[2:]]
    assert later == [(0.15, int(1.25 * 2**30))] * 2
    said = f"da: {RUNS[0].title} is measured: runs of its kind get gpus=0.15 memory=1.25\n"
    assert capsys.readouterr().err.splitlines(keepends=True)[1] == said


def test_a_run_that_dies_measures_nothing(tmp_path, ray, capsys):
    ray.errors = {0: [WorkerCrashedError("killed")]}
    assert len([*RayCluster(ray, {"memory": "auto"}, 0).run(groups(tmp_path, RUNS[:3]))]) == 3
    assert [asked["memory"] for asked in ray.every] == [None, None, int(1.25 * 2**30)]
    assert RUNS[1].title in capsys.readouterr().err


ON_FEATURES = [
    replace(RUN, regime="frozen", init=BEGUN.id, seed=seed, steps=200, eval_every=200)
    for seed in range(6)
]
"""Runs whose records do not depend on the number of threads."""


@pytest.mark.usefixtures("every_score")
@pytest.mark.slow
@pytest.mark.faults
def test_a_cluster_of_which_a_node_is_killed_leaves_the_records_of_one_machine(
    tmp_path, cluster, plugins, monkeypatch
):
    # Ray wants a generator, and no function around it that checks types.
    monkeypatch.setattr(ray_cluster, "_train", inspect.unwrap(ray_cluster._train))
    (plugins / "methods" / "deadly.py").write_text(DEADLY)
    deadly = replace(RUN, method=METHODS["deadly"].Hparams())
    runs = [BEGUN, *ON_FEATURES]
    assert all(outcome.record for outcome in sweep_outcomes(runs, tmp_path / "here", workers=1))
    outcomes, away = [], tmp_path / "away"
    for outcome in sweep_outcomes([*runs, deadly], away, on=f"ray:{cluster.address}", workers=9):
        outcomes.append(outcome)
        if len(outcomes) == 4:
            cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
    (failed,) = [outcome for outcome in outcomes if outcome.error]
    assert failed.run == deadly
    assert failed.error.startswith("its task ended by WorkerCrashedError: ")
    assert {outcome.run for outcome in outcomes} == {*runs, deadly}
    for run in runs:
        here, there = (records.find(run.id, tmp_path / name) for name in ("here", "away"))
        assert (here.curve, here.made_from) == (there.curve, there.made_from)
    assert saved_weights.load_classes(BEGUN.id, away)
