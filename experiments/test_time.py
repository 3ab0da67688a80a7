"""Adapt to emoji whose fifteen corruptions come one after the other, in three streams, 3 seeds.

The source is a clean style. Test images are the emoji that it did not train on, after each of
fifteen corruptions at severity 5: 475 images each, in batches of 64, and no image twice. Streams
are shuffled without resets, shuffled with a return to the source at each shift, and correlated:
classes come in runs. Features are those of a network from ImageNet, so norms that move are those of
the neck. Corruptions are our own: no number here compares with one on CIFAR-10-C or ImageNet-C.

Cost: 180 runs, 5 minutes on 2 cores, with features of the test images that were there already.

da sweep experiments/test_time.py
da table experiments/test_time.py --metric online_error
"""

from itertools import product

import da

STYLES = "noto", "twemoji"
STREAMS = "stream", "stream:reset", "stream:dirichlet0.1"
METHODS = (
    da.methods.BNAdapt(),
    da.methods.Tent(),
    da.methods.T3A(),
    da.methods.LAME(),
    da.methods.EATA(),
    da.methods.SAR(),
    da.methods.CoTTA(),
    da.methods.RoTTA(),
    da.methods.ROID(),
)


def runs() -> list[da.Run]:
    """Seed by seed: the source's model on each stream, then all methods that begin with it."""
    return [
        run
        for seed, style, stream in product(range(3), STYLES, STREAMS)
        for run in on_stream(style, stream, seed)
    ]


def on_stream(style: str, stream: str, seed: int) -> list[da.Run]:
    """Every method once."""
    task = f"emoji_c:{style}-{style}.all5+{stream}"
    first = da.Run(da.methods.SourceOnly(), task, seed=seed)
    return [first, *(da.Run(method, task, init=first.id, seed=seed) for method in METHODS)]
