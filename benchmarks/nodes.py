"""A Ray cluster on this machine, for benchmarks."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NODES = 3


@contextmanager
def cluster_of_nodes() -> Iterator[Any]:
    """Start nodes of a core each, which end with the block, and give the cluster."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ray.cluster_utils import Cluster

        cluster = Cluster()
        try:
            for _ in range(NODES):
                cluster.add_node(num_cpus=1, include_dashboard=False, object_store_memory=2**28)
            yield cluster
        finally:
            cluster.shutdown()
