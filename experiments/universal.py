"""Adapt where both domains have kinds of emoji of their own, on all twenty tasks, with 3 seeds.

Source and target share the first five of the eleven kinds, by their letters; each has three more.
Target images of its own kinds are unknown, and nobody tells the methods which these are. Each
method rejects images by its authors' rule, or where the entropy of its prediction is above half of
the largest. Features are those of a network from ImageNet, and each domain is a batch of its own
for batch norm, as in methods.py. dance and uniot are there twice: with the network of the other
methods, and with one nearer to their authors'.

Cost: 420 runs, 20 minutes on 2 cores that had other work too. Result, mean H-score of the twenty:
DANN 29.0 %, source_only 42.1, UniOT 44.4, DANCE 47.4, OVANet 55.8.

da sweep experiments/universal.py
da table experiments/universal.py --metric h_score
"""

from itertools import permutations, product

import da

NETWORK = da.Network(bn="separate")
DIRECT = da.Network(bn="separate", neck=0)
"""As DANCE's authors classify features: those of the backbone, without a neck."""
LINEAR = da.Network(bn="separate", dropout=0, neck_norm=False, neck_relu=False)
"""As the end of UniOT's network: a linear layer with 256 outputs of either sign."""
STYLES = "noto", "twemoji", "fluent", "contrast", "openmoji"
METHODS = (
    (da.methods.SourceOnly(), NETWORK),
    (da.methods.DANN(), NETWORK),
    (da.methods.OVANet(), NETWORK),
    (da.methods.DANCE(), NETWORK),
    (da.methods.DANCE(), DIRECT),
    (da.methods.UniOT(), NETWORK),
    (da.methods.UniOT(), LINEAR),
)


def runs() -> list[da.Run]:
    """Every method with its authors' settings, seed by seed."""
    return [
        da.Run(method, f"emoji:{source}-{target}+universal5/3", network=network, seed=seed)
        for seed, (source, target), (method, network) in product(
            range(3), permutations(STYLES, 2), METHODS
        )
    ]


def name(one: da.Run) -> str:
    """The method of a run, and its network where that is not the usual one."""
    own = {DIRECT: ", no neck", LINEAR: ", linear neck"}
    return one.method.owner.name + own.get(one.network, "")
