"""Measure accuracy against the number of frozen features kept, chosen in two ways, with 3 seeds.

ImageNet features of EfficientNet-Lite0 have 1280 columns. A linear classifier gets only some of
them. These are chosen on the labeled source images: by mutual information with the class, or by the
weights of an L1-regularized classifier. With all 1280 columns, nothing is chosen either way.

Cost: 192 runs, a minute on 2 cores. Result, mean of 4 tasks: 54.7 % with all columns. With a
quarter of them, 53.7 by the classifier and 51.8 by mutual information. With 40 columns, 45.7 and
42.4. On average, no smaller number is better than all columns: a choice made on the source saves
columns but does not adapt.

da sweep experiments/feature_selection.py
da plot experiments/feature_selection.py --against features
"""

from itertools import product
from typing import get_args

import da
from da.config.choices import FeatureScore

PAIRS = "noto-twemoji", "fluent-noto", "contrast-fluent", "openmoji-contrast"
KEPT = 10, 20, 40, 80, 160, 320, 640, 1280


def runs() -> list[da.Run]:
    """A linear classifier without a neck, by every rule on every number of columns."""
    return [
        da.Run(
            da.methods.SourceOnly(),
            f"emoji:{pair}",
            features=kept,
            features_by=rule,
            network=da.Network(neck=0, dropout=0),
            seed=seed,
        )
        for rule, kept, pair, seed in product(get_args(FeatureScore), KEPT, PAIRS, range(3))
    ]
