"""What a user writes of resources is understood, or is one line with the known ones."""

import pytest

from da.training.executors.resources import parse_resources


def test_resources_have_the_types_that_clusters_take():
    slurm = parse_resources("slurm", ["partition=long", "gpus=1", "memory=7.5", "chunk=20"])
    assert slurm == {"partition": "long", "gpus": 1, "memory": 7.5, "chunk": 20}
    assert parse_resources("ray", ["gpus=0.25", "cpus=2"]) == {"gpus": 0.25, "cpus": 2.0}
    assert parse_resources("ray", ["gpus=auto", "memory=auto"]) == dict.fromkeys(
        ["gpus", "memory"], "auto"
    )
    assert parse_resources("local", []) == {}


@pytest.mark.parametrize(
    ("executor", "given", "said"),
    [
        ("ray", "partition=a", "unknown resource 'partition' of ray, known: cpus, gpus, memory"),
        ("local", "gpus=1", "unknown resource 'gpus' of local, known: none, as clusters alone"),
        ("slurm", "gpus=0.5", "unknown gpus '0.5', known: whole numbers from 0"),
        ("slurm", "minutes=0", "unknown minutes '0', known: whole numbers from 1"),
        ("slurm", "partition=", "unknown partition '', known: a name of your cluster"),
        ("ray", "gpus=1.5", "unknown gpus '1.5', known: a share from 0 to 1, or a whole number"),
        ("ray", "memory=nan", "unknown memory 'nan', known: above 0, or auto"),
        ("ray", "cpus=auto", "unknown cpus 'auto', known: above 0"),
        ("slurm", "memory=auto", "unknown memory 'auto', known: above 0"),
        ("ray", "gpus=-1", "unknown gpus '-1', known: a share from 0 to 1"),
        ("ray", "gpus=inf", "unknown gpus 'inf', known: a share from 0 to 1"),
        ("ray", "cpus", "unknown cpus '', known: above 0"),
    ],
)
def test_a_mistake_names_the_wrong_value_and_the_known_ones(executor, given, said):
    with pytest.raises(ValueError, match="unknown") as raised:
        parse_resources(executor, [given])
    assert str(raised.value).startswith(said)


def test_a_resource_is_given_once():
    with pytest.raises(ValueError, match=r"^resource cpus is given twice: cpus=1 gpus=1 cpus=2$"):
        parse_resources("ray", ["cpus=1", "gpus=1", "cpus=2"])
