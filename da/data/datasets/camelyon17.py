"""Camelyon17 of WILDS: patches of lymph nodes from 5 hospitals, with a tumor or without.

A patch has 96 x 96 pixels, and a tumor where tissue of one is in the middle (Bandi et al. 2018;
Koh et al. 2021). Domains are the official splits: `train` and `id_val` of hospitals 0, 3 and 4,
`val` of hospital 1, and `test` of hospital 2. `val` and `test` are seen without labels and tested
on. The usual metric is accuracy, and models are chosen on `val`.

A folder `camelyon17_v1.0` under `DA_DATA`, or in a folder there, holds `metadata.csv` and
`patches`; `camelyon17_unlabeled_v1.0` the 2,999,307 patches of `train_unlabeled`, `val_unlabeled`
and `test_unlabeled`. For these, say `--task camelyon17:train-test_unlabeled --test test`.
"""

from dataclasses import replace

from da.data.datasets._wilds import Line, Table, Wilds
from da.system.remote_files import RemoteFile

DOMAINS = (
    "train",
    "id_val",
    "val",
    "test",
    "train_unlabeled",
    "val_unlabeled",
    "test_unlabeled",
)
ANY_SIDE = True
SKIPS_BAD = True
FITS = True
METRIC = "accuracy"
TASKS = ("train-val", "train-test", "train-test_unlabeled")

BUNDLE = "https://worksheets.codalab.org/rest/bundles/{}/contents/blob/"
HOSPITALS = {"1": "val", "2": "test"}
"""Hospitals that are no training images."""

OWN = {"0": "train", "1": "id_val"}
"""Splits of the other hospitals."""


def split(line: Line) -> str:
    """Return the official split of a labeled patch."""
    return HOSPITALS.get(line["center"]) or OWN.get(line["split"], "")


def unlabeled_split(line: Line) -> str:
    """Return the official split of an unlabeled patch."""
    return f"{HOSPITALS.get(line['center'], 'train')}_unlabeled"


def patch(_: int, line: Line) -> str:
    """Return the path of a patch."""
    slide = f"patient_{line['patient']}_node_{line['node']}"
    return f"patches/{slide}/patch_{slide}_x_{line['x_coord']}_y_{line['y_coord']}.png"


LABELED = Table(
    "camelyon17_v1.0",
    "metadata.csv",
    split,
    patch,
    label=lambda line: line["tumor"],
    origin=RemoteFile(
        "camelyon17_v1.0.tar.gz",
        BUNDLE.format("0xe45e15f39fb54e9d9e919556af67aabe"),
        domains=("train", "id_val", "val", "test"),
    ),
)
UNLABELED = replace(
    LABELED,
    folder="camelyon17_unlabeled_v1.0",
    split=unlabeled_split,
    origin=RemoteFile(
        "camelyon17_unlabeled_v1.0.tar.gz",
        BUNDLE.format("0xa78be8a88a00487a92006936514967d2"),
        domains=("train_unlabeled", "val_unlabeled", "test_unlabeled"),
    ),
)

SET = Wilds(
    "Camelyon17-WILDS",
    "camelyon17",
    {name: UNLABELED if "unlabeled" in name else LABELED for name in DOMAINS},
    "CC0 1.0",
    classes=("normal", "tumor"),
    totals={"train_unlabeled": 1799247, "val_unlabeled": 600030, "test_unlabeled": 600030},
)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch
