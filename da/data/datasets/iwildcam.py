"""iWildCam of WILDS: photographs of wild animals by traps, a class a species or none of them.

The domain of an image is the place of its camera (Beery et al. 2020; Koh et al. 2021). Domains of
tasks are the official splits: `train`, `id_val` and `id_test` have the same cameras, `val` and
`test` others. `val` and `test` are seen without labels and tested on. The usual metric is macro F1
over the classes that the tests have. Networks usually see 448 pixels (`--side 448`).

A folder `iwildcam_v2.0` under `DA_DATA`, or in a folder there, holds `metadata.csv` and `train`;
names of classes are from `categories.csv` where it is there, and else their numbers. A folder
`iwildcam_unlabeled_v1.0` holds the images of `extra_unlabeled`, from cameras of their own. For
these, say `--task iwildcam:train-extra_unlabeled --test test`.
"""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from da.data.datasets._wilds import Table, Wilds
from da.data.datasets.camelyon17 import BUNDLE
from da.system.remote_files import RemoteFile

DOMAINS = ("train", "id_val", "id_test", "val", "test", "extra_unlabeled")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True
METRIC = "macro_f1"
TASKS = ("train-val", "train-test", "train-extra_unlabeled")


def name_labels(folder: Path) -> Mapping[str, str]:
    """Return the names of labels in `categories.csv`; none where it has not one for each."""
    file = folder / "categories.csv"
    if not file.is_file():
        return {}
    with file.open(newline="", encoding="utf-8") as opened:
        lines = [line for line in csv.DictReader(opened) if line.get("y") and line.get("name")]
    names = {line["y"]: line["name"] for line in lines}
    return names if len({*names.values()}) == len(names) else {}


LABELED = Table(
    "iwildcam_v2.0",
    "metadata.csv",
    split=lambda line: line["split"],
    image=lambda _, line: f"train/{line['filename']}",
    label=lambda line: line["y"],
    origin=RemoteFile(
        "iwildcam_v2.0.tar.gz",
        BUNDLE.format("0x6313da2b204647e79a14b468131fcd64"),
        domains=("train", "id_val", "id_test", "val", "test"),
    ),
)
UNLABELED = replace(
    LABELED,
    folder="iwildcam_unlabeled_v1.0",
    split=lambda _: "extra_unlabeled",
    image=lambda _, line: f"images/{line['uid']}.jpg",
    origin=RemoteFile(
        "iwildcam_unlabeled_v1.0.tar.gz",
        BUNDLE.format("0xff56ea50fbf64aabbc4d09b2e8d50e18"),
        domains=("extra_unlabeled",),
    ),
)

SET = Wilds(
    "iWildCam-WILDS",
    "iwildcam",
    {name: UNLABELED if "unlabeled" in name else LABELED for name in DOMAINS},
    "CDLA Permissive 1.0",
    spell=name_labels,
)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch
