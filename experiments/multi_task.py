"""Ask what a second task does to the first: the class of an emoji, and its Unicode subgroup.

A subgroup lies in one class, so each task can help the other. On frozen ImageNet features of
EfficientNet-Lite0, source_only, dann and mcc learn the class alone, the subgroup alone, or both:
with the same weight, with 0.3 for the subgroup, or with learned weights (Kendall et al. 2018).
There are 11 classes and 44 subgroups, two pairs of styles, three seeds, and the settings of
`da train`. Nothing is tuned.

Cost: 90 runs, 10 minutes on one core. Result, class and subgroup, mean of both pairs: alone 65.4
and 29.4 % for source_only, 68.8 and 28.7 for dann, 70.4 and 27.6 for mcc; together 62.7 and 30.9,
64.7 and 30.0, 71.4 and 35.9. Learned weights give dann 68.4 and 31.4.

da data emoji
da sweep experiments/multi_task.py
da table experiments/multi_task.py --label-columns
"""

from itertools import product

import da

METHODS = da.methods.SourceOnly(), da.methods.DANN(), da.methods.MCC()
TASKS = "noto-twemoji", "openmoji-noto"
BOTH = "class", "subgroup"
ROWS = {
    "class": da.LabelColumns(("class",)),
    "subgroup": da.LabelColumns(("subgroup",)),
    "both": da.LabelColumns(BOTH),
    "both, weight 0.3": da.LabelColumns(BOTH, column_weight=0.3),
    "both, uncertainty": da.LabelColumns(BOTH, column_weighting="uncertainty"),
}


def runs() -> list[da.Run]:
    """All methods with one task and with both, seed by seed."""
    return [
        da.Run(method, f"emoji:{pair}", labels=labels, eval_every=250, seed=seed)
        for seed, pair, method, labels in product(range(3), TASKS, METHODS, ROWS.values())
    ]


def name(run: da.Run) -> str:
    """The method of a run, and what it learns."""
    row = next(row for row, labels in ROWS.items() if labels == run.labels)
    return f"{run.method.owner.name}: {row}"
