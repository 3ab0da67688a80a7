"""Adapt from renderings to photographs of VisDA-2017 as Transfer-Learning-Library does.

Table: VisDA-2017, mean over classes of Transfer-Learning-Library (Jiang et al. 2022), in
examples/domain_adaptation/image_classification/README.md.
Its numbers are those of the epoch with the best accuracy on the target, so the choice to compare
is the oracle's. A method of the table is here as soon as it has a recipe `tllib`.

Files: train and validation of VisDA-2017, as train.tar or visda/train/aeroplane/*.png below
DA_DATA. `da data visda2017` fetches them, and with --check it compares.

GPU hours: about 6 on an H200, estimated as docs/reference/papers.md explains.

da sweep experiments/papers/tllib_visda.py
da table experiments/papers/tllib_visda.py --chosen-by oracle
"""

import da

PAPERS = ("Transfer-Learning-Library (Jiang et al.)",)
"""The paper whose numbers stand below ours."""

METHODS = "source_only", "dan", "dann", "adda", "jan", "cdan", "mcd", "bsp", "afn", "mdd", "mcc"
METHODS += ("fixmatch",)
TASKS = ["visda2017:synthetic-real"]


def runs() -> list[da.Run]:
    """List every method with a recipe `tllib` on every task, seed by seed."""
    return da.recipes.list_runs("tllib", METHODS, TASKS)


def name(run: da.Run) -> str:
    """Name rows by their methods, but leave out what ADDA and BSP begin with: it has a neck."""
    method = run.method.owner.name
    return "" if method == "source_only" and run.network.neck else method
