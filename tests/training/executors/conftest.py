from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.ray import open_cluster


@pytest.fixture
def cluster(monkeypatch) -> Iterator[Any]:
    """Three nodes of a real cluster on this machine."""
    pytest.importorskip("ray", reason="the extra ray is not installed")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    with open_cluster() as opened:
        yield opened
