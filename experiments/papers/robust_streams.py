"""Compare methods on three streams of ImageNet-C, with the settings of SAR's and EATA's authors.

Table: mean error on 50,000 images of each of the 15 corruptions at severity 5, each from the
source model on; EATA (Niu et al. 2022), README.md of its code. The streams without return to the
source, and of all corruptions mixed, have no printed number of the same protocol. The classifier
is trained anew: see _imagenet_c.py.

Files: those of ImageNet and ImageNet-C, as for cotta_imagenetc.py, without RobustBench's list.

GPU hours: about 2 on an H200, estimated as docs/reference/papers.md explains.

da sweep experiments/papers/robust_streams.py
da table experiments/papers/robust_streams.py
"""

from _imagenet_c import TARGETS, source_run, stream_run

import da

PAPERS = ("EATA (Niu et al., ICML 2022), code release",)
"""The paper whose numbers stand below ours."""

STREAMS = "stream:reset", "stream", "stream:mixed"
RECIPES = ("tent", "sar"), ("eata", "authors"), ("sar", "authors"), ("cotta", "authors")


def runs() -> list[da.Run]:
    """List the source model and every method on each stream, seed by seed."""
    return [run for seed in range(3) for stream in STREAMS for run in on_stream(stream, seed)]


def on_stream(stream: str, seed: int) -> list[da.Run]:
    """Every row once."""
    task = f"imagenet_c:clean-{TARGETS}+{stream}"
    source = source_run(task, seed)
    return [source, *(stream_run(method, recipe, task, source) for method, recipe in RECIPES)]
