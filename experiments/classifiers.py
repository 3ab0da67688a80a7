"""Fit every closed-form mapping's classifier in ten ways, on the twenty tasks between emoji styles.

Logistic regression has a strength of 100 or 1 (C = 0.01 or 1 in scikit-learn), or one that is
chosen without target labels: by held-out source images, by the way back from the target, or by
infomax. Ridge regression and the linear SVM have one chosen by held-out source images. Nearest
neighbor and label propagation have none. `trained` is the linear layer that 500 training steps
move, which all mappings had before. Features are those of a network from ImageNet. Nothing is drawn
but in `trained`, so one seed is enough. JDA also keeps 30 directions, as its port to Python does.

`python benchmarks/classifiers.py` measures skada's pipelines on the same features.

Cost: 2,020 runs, 10 to 15 minutes on 2 CPU cores.

da sweep experiments/classifiers.py
da table experiments/classifiers.py --cost
"""

from itertools import permutations

import da

STYLES = "noto", "twemoji", "fluent", "contrast", "openmoji"
MAPPINGS = (
    da.methods.MeanMap,
    da.methods.CORALMap,
    da.methods.SubspaceAlignment,
    da.methods.GFK,
    da.methods.TCA,
    da.methods.JDA,
    da.methods.LinearMonge,
    da.methods.OTMap,
    da.methods.SinkhornMap,
)
CLASSIFIERS = (
    {},
    {"strength_by": "reverse"},
    {"strength_by": "infomax"},
    {"strength": 100.0},
    {"strength": 1.0},
    {"classifier": "ridge"},
    {"classifier": "svm"},
    {"classifier": "nearest"},
    {"classifier": "propagation"},
    {"classifier": "trained"},
)
"""Settings of the classifier."""


def runs() -> list[da.Run]:
    """The source model and every mapping with every classifier, task by task."""
    methods = [da.methods.SourceOnly()]
    methods += [kind(**settings) for kind in MAPPINGS for settings in CLASSIFIERS]
    methods += [da.methods.JDA(dimensions=30, **settings) for settings in CLASSIFIERS]
    tasks = [f"emoji:{source}-{target}" for source, target in permutations(STYLES, 2)]
    return [
        da.Run(method, task, network=da.Network(bn="separate"))
        for task in tasks
        for method in methods
    ]
