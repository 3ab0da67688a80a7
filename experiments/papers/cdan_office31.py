"""Adapt between the domains of Office-31 with the settings of CDAN's authors.

Table: the rows of ResNet-50, DANN and CDAN+E as Li et al. (NeurIPS 2021), Table 1, list them from
Long et al. 2018. CDAN's authors keep the best evaluation on the target, so the choice to compare
is the oracle's. Their code has no run without adaptation: the baseline has the settings of DANN.

Files: those of Office-31, as for tllib_office31.py.

GPU hours: about 20 on an H200, estimated as docs/reference/papers.md explains.

da sweep experiments/papers/cdan_office31.py
da table experiments/papers/cdan_office31.py --chosen-by oracle
"""

from itertools import permutations

import da

PAPERS = ("as listed in Li et al. NeurIPS 2021",)
"""The paper whose numbers stand below ours."""

TASKS = [f"office31:{a}-{b}" for a, b in permutations(("amazon", "dslr", "webcam"), 2)]


def runs() -> list[da.Run]:
    """List the baseline, DANN and CDAN+E on every task, seed by seed."""
    return [
        *da.recipes.list_runs("cdan", ["dann"], TASKS, method=da.methods.SourceOnly()),
        *da.recipes.list_runs("cdan", ["dann"], TASKS),
        *da.recipes.list_runs("authors", ["cdan"], TASKS),
    ]
