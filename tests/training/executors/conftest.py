from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.ray import kill, open_cluster


@pytest.fixture
def cluster(monkeypatch) -> Iterator[Any]:
    """Three nodes of a real cluster on this machine."""
    pytest.importorskip("ray", reason="the extra ray is not installed")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    with open_cluster() as opened:
        yield opened


@pytest.fixture
def notices_soon(monkeypatch) -> None:
    """Let a cluster that starts afterward notice soon what is gone."""
    for name, value in {
        "health_check_initial_delay_ms": 1000,
        "health_check_period_ms": 1000,
        "health_check_timeout_ms": 3000,
        "health_check_failure_threshold": 4,
        "gcs_rpc_server_reconnect_timeout_s": 10,
    }.items():
        monkeypatch.setenv(f"RAY_{name}", str(value))


@pytest.fixture
def hung() -> Iterator[list[int]]:
    """Processes that stand still; they are killed at the end."""
    every: list[int] = []
    yield every
    kill(every)
