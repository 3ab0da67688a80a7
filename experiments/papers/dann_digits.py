"""Run DANN and what its paper compares it with on digits, with the MNIST network.

Table: Ganin et al. 2016 (JMLR), Table 2, column MNIST to MNIST-M. Its other columns have networks
of their own. The paper does not say how many steps it takes; ours are the recipe's. Subspace
alignment has 60 dimensions, and a linear classifier for the paper's linear SVM.

Files: MNIST and MNIST-M of its authors, as mnist_m.tar.gz or the folder mnist_m below DA_DATA.
`da data digits_official` fetches them.

GPU hours: below 1 on an H200, estimated as docs/reference/papers.md explains.

da sweep experiments/papers/dann_digits.py
da table experiments/papers/dann_digits.py
"""

from dataclasses import replace

import da

PAPERS = ("DANN (Ganin et al., JMLR 2016)",)
"""The paper whose numbers stand below ours."""

TASK, TARGET = "digits_official:mnist-mnistm", "digits_official:mnistm-mnistm"


def runs() -> list[da.Run]:
    """List source only, subspace alignment, DANN and training on the target, seed by seed."""
    return [run for seed in range(3) for run in with_seed(seed)]


def with_seed(seed: int) -> list[da.Run]:
    """Every row once."""
    dann = da.recipes.run("dann", "paper", TASK, seed, side=28)
    source_only = replace(dann, method=da.methods.SourceOnly())
    aligned = replace(
        source_only,
        method=da.methods.SubspaceAlignment(dimensions=60),
        network=replace(dann.network, head=()),
        init=source_only.id,
        regime="frozen",
        optimizer="adamw",
        lr=1e-3,
        schedule="constant",
        steps=2000,
    )
    return [source_only, aligned, dann, replace(source_only, task=TARGET)]
