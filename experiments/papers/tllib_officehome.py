"""Adapt between the domains of Office-Home as Transfer-Learning-Library does.

Table: Office-Home ResNet-50 of Transfer-Learning-Library (Jiang et al. 2022), in
examples/domain_adaptation/image_classification/README.md.
Its numbers are those of the epoch with the best accuracy on the target, so the choice to compare
is the oracle's. A method of the table is here as soon as it has a recipe `tllib`.

Files: the archive of Office-Home or what it unpacks to, below DA_DATA, as
OfficeHomeDataset_10072016/Real World/Alarm_Clock/00001.jpg. `da data officehome --check` compares.

GPU hours: about 35 on an H200, estimated as docs/reference/papers.md explains.

da sweep experiments/papers/tllib_officehome.py
da table experiments/papers/tllib_officehome.py --chosen-by oracle
"""

from itertools import permutations

import da

PAPERS = ("Transfer-Learning-Library (Jiang et al.)",)
"""The paper whose numbers stand below ours."""

METHODS = "source_only", "dan", "dann", "adda", "jan", "cdan", "mcd", "bsp", "afn", "mdd", "mcc"
METHODS += ("fixmatch",)
DOMAINS = "art", "clipart", "product", "real"
TASKS = [f"officehome:{a}-{b}" for a, b in permutations(DOMAINS, 2)]


def runs() -> list[da.Run]:
    """List every method with a recipe `tllib` on every task, seed by seed."""
    return da.recipes.list_runs("tllib", METHODS, TASKS)


def name(run: da.Run) -> str:
    """Name rows by their methods, but leave out what ADDA and BSP begin with: it has a neck."""
    method = run.method.owner.name
    return "" if method == "source_only" and run.network.neck else method
