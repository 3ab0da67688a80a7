"""Find known and unknown classes of Office-Home with the settings of OVANet's authors.

Table: the H-score of OVANet (Saito & Saenko 2021) on universal Office-Home, 10 shared, 5 source
and 50 target classes. The average over tasks is as GLC's code release quotes it; tasks of that
table were not read. The baseline has the settings of OVANet, and rejects by entropy.

Files: those of Office-Home, as for tllib_officehome.py.

GPU hours: about 4 on an H200, estimated as docs/reference/papers.md explains.

da sweep experiments/papers/ovanet_officehome.py
da table experiments/papers/ovanet_officehome.py
"""

from itertools import permutations

import da

PAPERS = ("quoting OVANet",)
"""The paper whose numbers stand below ours."""

DOMAINS = "art", "clipart", "product", "real"
TASKS = [f"officehome:{a}-{b}+universal10/5" for a, b in permutations(DOMAINS, 2)]


def runs() -> list[da.Run]:
    """List the baseline, OVANet, and DANCE with its own settings on every task, seed by seed."""
    return [
        *da.recipes.list_runs("authors", ["ovanet"], TASKS, method=da.methods.SourceOnly()),
        *da.recipes.list_runs("authors", ["dance", "ovanet"], TASKS),
    ]
