"""Adapt a ResNet-50 to corruptions of ImageNet-C that follow each other, with CoTTA's settings.

Table: mean error on 5,000 images of each of the 15 corruptions at severity 5, one after the other
without a sign. The numbers are those of the test-time-adaptation benchmark (Doebler et al.), whose
protocol is CoTTA's (Wang et al. 2022) in the standard order. The classifier is trained anew:
see _imagenet_c.py.

Files: ImageNet as imagenet/train/n01440764, the archives noise.tar, blur.tar, weather.tar and
digital.tar of ImageNet-C, and RobustBench's imagenet_test_image_ids.txt, below DA_DATA.
`da data imagenet_c5000` fetches all but ImageNet.

GPU hours: below 1 on an H200, estimated as docs/reference/papers.md explains.

da sweep experiments/papers/cotta_imagenetc.py
da table experiments/papers/cotta_imagenetc.py
"""

from dataclasses import replace

from _imagenet_c import TARGETS, source_run, stream_run

import da

PAPERS = ("test-time-adaptation benchmark (Doebler, Marsden et al.; ROID WACV 2024), code release",)
"""The paper whose numbers stand below ours."""

TASK = f"imagenet_c5000:clean-{TARGETS}+stream"
RECIPES = ("tent", "sar"), ("cotta", "authors")


def runs() -> list[da.Run]:
    """List the source model, TENT and CoTTA, seed by seed."""
    return [run for seed in range(3) for run in with_seed(seed)]


def with_seed(seed: int) -> list[da.Run]:
    """Every row once."""
    source = source_run(TASK, seed)
    found = [stream_run(method, recipe, TASK, source) for method, recipe in RECIPES]
    return [source, *(replace(run, task=TASK) for run in found)]
