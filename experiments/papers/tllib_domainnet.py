"""Adapt between four domains of DomainNet as Transfer-Learning-Library does.

Table: DomainNet single source of Transfer-Learning-Library (Jiang et al. 2022), in
examples/domain_adaptation/image_classification/README.md.
Its numbers are those of the epoch with the best accuracy on the target, so the choice to compare
is the oracle's. A method of the table is here as soon as it has a recipe `tllib`.

Files: the cleaned version of DomainNet with its lists, as DomainNet/clipart/airplane/*.jpg and
DomainNet/clipart_train.txt below DA_DATA. `da data domainnet` fetches them.

GPU hours: about 181 on an H200, estimated as docs/reference/papers.md explains.

da sweep experiments/papers/tllib_domainnet.py
da table experiments/papers/tllib_domainnet.py --chosen-by oracle
"""

from itertools import permutations

import da

PAPERS = ("Transfer-Learning-Library (Jiang et al.)",)
"""The paper whose numbers stand below ours."""

METHODS = "source_only", "dan", "dann", "jan", "cdan", "mcd", "mdd", "mcc"
DOMAINS = "clipart", "painting", "real", "sketch"
TASKS = [f"domainnet:{a}-{b}" for a, b in permutations(DOMAINS, 2)]


def runs() -> list[da.Run]:
    """List every method with a recipe `tllib` on every task, seed by seed."""
    return da.recipes.list_runs("tllib", METHODS, TASKS)
