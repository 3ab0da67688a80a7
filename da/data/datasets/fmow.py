"""FMoW of WILDS: satellite images of buildings and land of 62 uses, by year and region.

The shift is that of time (Christie et al. 2018; Koh et al. 2021). Domains are the official splits:
`train`, `id_val` and `id_test` are of the years before 2013, `val` of 2013 to 2015, and `test` of
2016 and later. `val` and `test` are seen without labels and tested on. The usual metric is the
accuracy in the region of the world where it is worst, without the few images of no region.

A folder `fmow_v1.1` under `DA_DATA`, or in a folder there, holds `rgb_metadata.csv`,
`country_code_mapping.csv` and `images`. The same folder has the images of `train_unlabeled`,
`val_unlabeled` and `test_unlabeled`; say `--task fmow:train-test_unlabeled --test test`.
"""

from collections.abc import Mapping
from pathlib import Path

from da.data.datasets._wilds import Line, Table, Wilds, read_table
from da.data.datasets.camelyon17 import BUNDLE
from da.system.remote_files import RemoteFile

DOMAINS = (
    "train",
    "id_val",
    "id_test",
    "val",
    "test",
    "train_unlabeled",
    "val_unlabeled",
    "test_unlabeled",
)
ANY_SIDE = True
SKIPS_BAD = True
FITS = True
METRIC = "worst_group"
TASKS = ("train-val", "train-test", "train-test_unlabeled")

VAL, TEST = "2013", "2016"
"""First years of the validation and of the test images."""


def split(line: Line) -> str:
    """Return the official split of an image, by its year and its part of the original data set."""
    part, year = line["split"], line["timestamp"][:4]
    if year >= TEST:
        return "test" if part == "test" else _unlabeled("test", part)
    if year >= VAL:
        return "val" if part == "val" else _unlabeled("val", part)
    own = {"train": "train", "val": "id_val", "test": "id_test", "seq": "train_unlabeled"}
    return own.get(part, "")


def _unlabeled(when: str, part: str) -> str:
    """Return the unlabeled split of later images that the tests of the original do not have."""
    return "" if part in ("val", "test") else f"{when}_unlabeled"


IMAGES = Table(
    "fmow_v1.1",
    "rgb_metadata.csv",
    split,
    image=lambda number, _: f"images/rgb_img_{number}.png",
    label=lambda line: line["category"],
    origin=RemoteFile("fmow_v1.1.tar.gz", BUNDLE.format("0xaec91eb7c9d548ebb15e1b5e60f966ab")),
)


def read_regions(folder: Path) -> Mapping[str, str]:
    """Return the region of the world of each country."""
    lines = read_table(folder / "country_code_mapping.csv")
    return {line["alpha-3"]: line["region"] for line in lines}


SET = Wilds(
    "FMoW-WILDS",
    "fmow",
    dict.fromkeys(DOMAINS, IMAGES),
    "FMoW Challenge Public License",
    group="country_code",
    regions=read_regions,
)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch
