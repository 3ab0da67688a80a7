"""Adapt between the domains of Office-Home with a ViT-B/16, with the settings of SDAT's authors.

Table: SDAT (Rangwani et al. 2022), Office-Home with ViT-B/16, in README.md of its code; CDAN is
their run as Zhang et al. (ICLR 2023), Table 4, list it. They keep the epoch with the best accuracy
on the target, so the choice to compare is the oracle's.

Files: those of Office-Home, as for tllib_officehome.py.

GPU hours: about 41 on an H200, estimated as docs/reference/papers.md explains.

da sweep experiments/papers/sdat_vit_officehome.py
da table experiments/papers/sdat_vit_officehome.py --chosen-by oracle
"""

from itertools import permutations

import da

PAPERS = (
    "SDAT (Rangwani et al., ICML 2022)",
    "CDAN with ViT, run reported in SDAT (Rangwani et al., ICML 2022), as listed in Zhang et al. "
    "ICLR 2023",
)
"""The papers whose numbers stand below ours."""

DOMAINS = "art", "clipart", "product", "real"
TASKS = [f"officehome:{a}-{b}" for a, b in permutations(DOMAINS, 2)]


def runs() -> list[da.Run]:
    """List CDAN, CDAN with MCC, and both with SDAT on every task, seed by seed."""
    return [
        *da.recipes.list_runs("sdat", ["cdan", "cdan_mcc"], TASKS),
        *da.recipes.list_runs("authors", ["sdat"], TASKS),
    ]
