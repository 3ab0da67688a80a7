"""Every test in this folder is slow, belongs to `make faults`, and may count outcomes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.faults.outcomes import Tally


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("slow")
            item.add_marker("faults")


@pytest.fixture
def tally(record_property) -> Iterator[Tally]:
    """Counts of outcomes, which go into the report of the test run."""
    counted = Tally()
    yield counted
    record_property("outcomes", json.dumps(counted.counts))


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Path:
    """An empty folder to work in, next to the cache."""
    folder = tmp_path / "lab"
    folder.mkdir()
    monkeypatch.setenv("WANDB_MODE", "disabled")
    return folder
