"""Adapt to targets with kinds of emoji that the source lacks, on all twenty tasks, with 3 seeds.

Source and target share the first seven of the eleven kinds, by their letters. Target images of the
other four are unknown, and nobody tells the methods which these are. Each method rejects images by
its authors' rule, or where the entropy of its prediction is above half of the largest. Features are
those of a network from ImageNet, and each domain is a batch of its own for batch norm, as in
methods.py. dance and uniot are there twice: with the network of the other methods, and with one
nearer to their authors'.

Cost: 480 runs, 23 minutes on 2 cores that had other work too. Result, mean HOS of the twenty: DANN
26.3 %, source_only 39.8, OSBP 40.5, DANCE and UniOT 44.5, OVANet 49.1.

da sweep experiments/open_set.py
da table experiments/open_set.py --metric hos
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
    (da.methods.OSBP(), NETWORK),
    (da.methods.OVANet(), NETWORK),
    (da.methods.DANCE(), NETWORK),
    (da.methods.DANCE(), DIRECT),
    (da.methods.UniOT(), NETWORK),
    (da.methods.UniOT(), LINEAR),
)


def runs() -> list[da.Run]:
    """Every method with its authors' settings, seed by seed."""
    return [
        da.Run(method, f"emoji:{source}-{target}+open7", network=network, seed=seed)
        for seed, (source, target), (method, network) in product(
            range(3), permutations(STYLES, 2), METHODS
        )
    ]


def name(one: da.Run) -> str:
    """The method of a run, and its network where that is not the usual one."""
    own = {DIRECT: ", no neck", LINEAR: ", linear neck"}
    return one.method.owner.name + own.get(one.network, "")
