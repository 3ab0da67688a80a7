"""Run DANN on reviews of four shops, with a network of one hidden layer, as in its paper.

Table: Ganin et al. 2016 (JMLR), Table 1a, original data: DANN and the same network without it.
Width, weight and rate are those of experiments_amazon.py in the authors' repository
(GRAAL-Research/domain_adversarial_neural_network); the paper chose them for each pair by reverse
validation. As there, a tenth of the source is held out, and the evaluation with the best accuracy
on it counts. Ours: ReLU for the sigmoid, counts of a review scaled to one length, and steps of 50
reviews with a rate 50 times as high, for theirs of one.

Files: books_train.svmlight, books_test.svmlight and so on of that repository, or amazon.npz, in a
folder amazon_reviews below DA_DATA.

GPU hours: below 1 on an H200, estimated as docs/reference/papers.md explains.

da sweep experiments/papers/dann_amazon_reviews.py
da table experiments/papers/dann_amazon_reviews.py
"""

from itertools import permutations, product

import da

PAPERS = ("DANN (Ganin et al., JMLR 2016)",)
"""The paper whose numbers stand below ours."""

SHOPS = "books", "dvd", "electronics", "kitchen"
METHODS = (
    da.methods.SourceOnly(),
    da.methods.DANN(hidden=(), trade_off=0.1, steepness=1000.0, domain_loss="sum"),
)
NETWORK = da.Network(neck=50, neck_norm=False, dropout=0)


def runs() -> list[da.Run]:
    """List the network and DANN on every pair of shops, seed by seed."""
    return [
        da.Run(
            method,
            f"amazon_reviews:{source}-{target}",
            backbone="identity",
            network=NETWORK,
            tuning=da.FineTuning(chosen_by="source_accuracy"),
            optimizer="sgd",
            momentum=0,
            lr=0.05,
            weight_decay=0,
            batch=50,
            steps=7_200,
            eval_every=36,
            seed=seed,
        )
        for seed, (source, target), method in product(range(3), permutations(SHOPS, 2), METHODS)
    ]
