"""Steps of our methods beside what the scripts of TLlib and of authors computed."""

from dataclasses import replace

import pytest

from da import methods
from da.config.optimization import Optimization
from da.methods import Network
from tests.fidelity.as_scripts import BeginsAtRandom, WeighsEarlier
from tests.fidelity.inputs import BATCH, CLASSES, HIDDEN, STEPS, WIDTH
from tests.fidelity.peers import SCRIPTS
from tests.fidelity.record import FOLDER, PICTURES
from tests.fidelity.replay import Ours, Term, recorded, replay

CLOSE = {"float64": 1e-12, "float32": 1e-6}

ADVERSARY = {"hidden": (HIDDEN, HIDDEN), "hidden_norm": True, "steepness": 20}
RANDOM = {"randomized": True, "exact_up_to": 0, "random_width": 24}
APART = Network(neck=WIDTH, dropout=0, bn="separate")
TASK = {"task": Term(1, "cross_entropy")}
DOMAIN = TASK | {"domain": Term(1, "DomainAdversarialLoss")}
PAIRS = TASK | {"domain": Term(1, "ConditionalDomainAdversarialLoss")}

ALIGNED = Term(1, "MultipleKernelMaximumMeanDiscrepancy", 0, 2 / (BATCH - 1), 5)
JOINT = Term(1, "JointMultipleKernelMaximumMeanDiscrepancy", 0, 2 / (BATCH - 1), 5)
"""Differences of sums of five kernels, to which TLlib adds a constant."""
JAN = {"prediction_width": 2 * 0.92**2, "self_pairs": True}
BARE = Network(neck=WIDTH, dropout=0, neck_norm=False, bn="separate")
TWO_HEADS = Network(neck=0, dropout=0, head=(WIDTH, WIDTH), head_norm=True)
TASKS = {"task": Term(1, "cross_entropy", 2), "task_rival": Term(1, "cross_entropy", 3)}

EQUAL = {
    "tllib_source_only": Ours(methods.SourceOnly(), TASK, Network(neck=0, dropout=0)),
    "tllib_dann": Ours(methods.DANN(**ADVERSARY), DOMAIN),
    "tllib_cdan": Ours(methods.CDAN(**ADVERSARY, entropy=False), PAIRS),
    "tllib_cdan_randomized": Ours(methods.CDAN(**ADVERSARY, entropy=False, **RANDOM), PAIRS),
    "tllib_bsp": Ours(
        methods.BSP(**ADVERSARY, penalty=2e-4),
        DOMAIN | {"spectrum": Term(2e-4, "BatchSpectralPenalizationLoss")},
    ),
    "tllib_fixmatch": Ours(
        methods.FixMatch(threshold=0.4),
        TASK | {"strong": Term(1, "ConfidenceBasedSelfTrainingLoss")},
        APART,
        target_images=3,
    ),
    "tllib_adda": Ours(
        methods.ADDA(**ADVERSARY, reversal=2, source_share=0),
        {"domain": Term(1, "DomainAdversarialLoss")},
    ),
    "tllib_dan": Ours(methods.DAN(linear=True, self_pairs=True), TASK | {"mmd": ALIGNED}, BARE),
    "tllib_dan_all_pairs": Ours(methods.DAN(self_pairs=True), TASK | {"mmd": ALIGNED}, BARE),
    "tllib_jan": Ours(methods.JAN(**JAN), TASK | {"jmmd": JOINT}),
    "tllib_jan_linear": Ours(methods.JAN(**JAN, linear=True), TASK | {"jmmd": JOINT}),
    "tllib_jan_adversarial": Ours(
        methods.JAN(**JAN, adversarial=True),
        TASK | {"jmmd": JOINT},
        optimization=Optimization(rest_lr=0.1),
    ),
    "authors_atdoc": Ours(
        methods.ATDOC(trade_off=1),
        {},
        replace(BARE, neck_relu=False, label_smoothing=0.1),
        steps=STEPS,
        gamma=10 / STEPS,
        optimization=Optimization(anneal_first=1),
        own=BeginsAtRandom,
        backbone_lr=0.1,
        ahead=1,
        whole_top=True,
    ),
    "authors_bnm": Ours(
        methods.BNM(average_over="singular_values"),
        TASK,
        Network(neck=0, dropout=0, bn="separate"),
        lr=0.01,
        gamma=1e-3,
    ),
    "tllib_mean_teacher": Ours(
        methods.MeanTeacher(threshold=0.4, trade_off=3 * CLASSES, evenness=0.01, warm_up=False),
        TASK | {"consistency": Term(3, "L2ConsistencyLoss", size=1)},
        unseen=(("backbone", 1), ("bottleneck", 1)),
    ),
}
"""Methods that take the same steps in both formats."""

ALMOST = {
    "tllib_mcc": Ours(methods.MCC(), TASK | {"confusion": Term(1, "MinimumClassConfusionLoss")}),
    "tllib_mdd": Ours(
        methods.MDD(steepness=20),
        TASK | {"disparity": Term(-1, "ClassificationMarginDisparityDiscrepancy")},
        Network(neck=WIDTH, dropout=0, head=(WIDTH,)),
    ),
    "tllib_afn": Ours(methods.AFN(), TASK, APART),
    "tllib_afn_entropy": Ours(methods.AFN(entropy_trade_off=0.1), TASK, APART),
    "tllib_cdan_entropy": Ours(methods.CDAN(**ADVERSARY, entropy_as="tllib"), PAIRS),
    "tllib_mcd": Ours(
        methods.MCD(evenness=0.01), TASKS | {"agree": Term(1, "backward", 5)}, TWO_HEADS
    ),
    "tllib_mcd_office31": Ours(
        methods.MCD(evenness=0.01, trade_off=10),
        TASKS | {"agree": Term(1, "backward", 5)},
        TWO_HEADS,
    ),
    "tllib_pada": Ours(methods.PADA(**ADVERSARY, refreshes=2000), DOMAIN, own=WeighsEarlier),
    "tllib_osbp": Ours(
        methods.OSBP(),
        TASK,
        replace(APART, neck_layers=2),
        loose=10,
    ),
    "authors_mme": Ours(methods.MME(), TASK, Network(neck=0, dropout=0), gamma=1e-4, shots=True),
}
"""Methods that take the same steps in float32 alone.

There a logarithm has a small number added to it, and we compute AFN's norms and PADA's weights in
float32.
"""


@pytest.mark.parametrize("name", EQUAL)
def test_steps_are_those_of_the_script(name):
    found = replay(EQUAL[name], recorded(name), "float64")
    assert all(gap < CLOSE["float64"] for gap in found.values()), found


@pytest.mark.parametrize("name", EQUAL | ALMOST)
def test_steps_are_those_of_the_script_in_float32(name):
    ours = (EQUAL | ALMOST)[name]
    found = replay(ours, recorded(name), "float32")
    assert all(gap < CLOSE["float32"] * ours.loose for gap in found.values()), found


def test_every_script_is_recorded_and_small():
    files = {file.stem: file for file in FOLDER.glob("*.json")}
    assert files.keys() == {*SCRIPTS, PICTURES}
    assert max(file.stat().st_size for file in files.values()) < 60_000
    for name in SCRIPTS.keys() - {"authors_eata"}:  # which takes no step without certain images
        assert len(recorded(name)["rates"]) % STEPS == 0
