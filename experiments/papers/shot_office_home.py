"""Adapt to each domain of Office-Home without its source, with the settings of SHOT's authors.

Table: SHOT (Liang et al. 2020), Table 4 in results.md of its code: source only and SHOT, at the
last epoch, the mean of seeds 2019 to 2021.

Files: those of Office-Home, as for tllib_officehome.py.

GPU hours: below 1 on an H200, estimated as docs/reference/papers.md explains.

da sweep experiments/papers/shot_office_home.py
da table experiments/papers/shot_office_home.py
"""

from itertools import permutations

import da

PAPERS = ("SHOT (Liang et al., ICML 2020)",)
"""The paper whose numbers stand below ours."""

DOMAINS = "art", "clipart", "product", "real"
TASKS = [f"officehome:{a}-{b}" for a, b in permutations(DOMAINS, 2)]


def runs() -> list[da.Run]:
    """List the source model and SHOT on every task, seed by seed."""
    return da.recipes.list_runs("authors", ["shot"], TASKS, seeds=(2019, 2020, 2021))
