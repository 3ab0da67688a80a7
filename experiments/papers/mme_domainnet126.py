"""Adapt between domains of DomainNet-126 with one or three labels a class, with MME's settings.

Table: the seven pairs of MME (Saito et al. 2019) with ResNet-34. No file here has numbers of that
table that were read, so ours stand alone. S+T is `source_only` with the settings of MME. MME's
authors choose by labeled target images of their own; ours is the last step.

Files: the original version of DomainNet, as domainnet/clipart/airplane/*.jpg below DA_DATA.
`da data domainnet126 --check` says which version is there.

GPU hours: about 17 on an H200, estimated as docs/reference/papers.md explains.

da sweep experiments/papers/mme_domainnet126.py
da table experiments/papers/mme_domainnet126.py
"""

import da

PAIRS = "real-clipart", "real-painting", "painting-clipart", "clipart-sketch"
PAIRS += "sketch-painting", "real-sketch", "painting-real"
TASKS = [f"domainnet126:{pair}+{shots}shot" for shots in (1, 3) for pair in PAIRS]


def runs() -> list[da.Run]:
    """List S+T and MME on every task, seed by seed."""
    return [
        *da.recipes.list_runs("authors", ["mme"], TASKS, method=da.methods.SourceOnly()),
        *da.recipes.list_runs("authors", ["mme"], TASKS),
    ]
