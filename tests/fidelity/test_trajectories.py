"""Steps of our methods beside what the scripts of TLlib and of authors computed."""

import pytest

from da import methods
from da.methods import Network
from tests.fidelity.inputs import HIDDEN, STEPS, WIDTH
from tests.fidelity.peers import SCRIPTS
from tests.fidelity.record import FOLDER, PICTURES
from tests.fidelity.replay import Ours, recorded, replay

CLOSE = {"float64": 1e-12, "float32": 1e-6}

ADVERSARY = {"hidden": (HIDDEN, HIDDEN), "hidden_norm": True, "steepness": 20}
APART = Network(neck=WIDTH, dropout=0, bn="separate")
TASK: dict[str, tuple[float, str]] = {"task": (1, "cross_entropy")}
DOMAIN = TASK | {"domain": (1, "DomainAdversarialLoss")}
PAIRS = TASK | {"domain": (1, "ConditionalDomainAdversarialLoss")}

EQUAL = {
    "tllib_source_only": Ours(methods.SourceOnly(), TASK, Network(neck=0, dropout=0)),
    "tllib_dann": Ours(methods.DANN(**ADVERSARY), DOMAIN),
    "tllib_cdan": Ours(methods.CDAN(**ADVERSARY, entropy=False), PAIRS),
    "tllib_cdan_randomized": Ours(
        methods.CDAN(**ADVERSARY, entropy=False, exact_up_to=0, random_width=24), PAIRS
    ),
    "tllib_bsp": Ours(
        methods.BSP(**ADVERSARY, penalty=2e-4),
        DOMAIN | {"spectrum": (2e-4, "BatchSpectralPenalizationLoss")},
    ),
    "tllib_fixmatch": Ours(
        methods.FixMatch(threshold=0.4),
        TASK | {"strong": (1, "ConfidenceBasedSelfTrainingLoss")},
        APART,
        target_images=3,
    ),
}
"""Methods that take the same steps in both formats."""

ALMOST = {
    "tllib_mcc": Ours(methods.MCC(), TASK | {"confusion": (1, "MinimumClassConfusionLoss")}),
    "tllib_mdd": Ours(
        methods.MDD(),
        TASK | {"disparity": (-1, "ClassificationMarginDisparityDiscrepancy")},
        Network(neck=WIDTH, dropout=0, head=(WIDTH,)),
        steps=10_000,
    ),
    "tllib_afn": Ours(methods.AFN(), TASK, APART),
    "authors_mme": Ours(methods.MME(), TASK, Network(neck=0, dropout=0), gamma=1e-4, shots=True),
}
"""Methods that take the same steps in float32 alone.

There a logarithm has a small number added to it, and we compute AFN's norms in float32.
"""


@pytest.mark.parametrize("name", EQUAL)
def test_steps_are_those_of_the_script(name):
    found = replay(EQUAL[name], recorded(name), "float64")
    assert all(gap < CLOSE["float64"] for gap in found.values()), found


@pytest.mark.parametrize("name", EQUAL | ALMOST)
def test_steps_are_those_of_the_script_in_float32(name):
    found = replay((EQUAL | ALMOST)[name], recorded(name), "float32")
    assert all(gap < CLOSE["float32"] for gap in found.values()), found


def test_every_script_is_recorded_and_small():
    files = {file.stem: file for file in FOLDER.glob("*.json")}
    assert files.keys() == {*SCRIPTS, PICTURES}
    assert max(file.stat().st_size for file in files.values()) < 60_000
    for name in SCRIPTS:
        assert len(recorded(name)["rates"]) % STEPS == 0


if __name__ == "__main__":
    print("| case | float64 | float32 |\n| --- | --- | --- |")
    for name, ours in (EQUAL | ALMOST).items():
        gaps = [max(replay(ours, recorded(name), format).values()) for format in CLOSE]
        print(f"| `{name}` | {gaps[0]:.0e} | {gaps[1]:.0e} |")
