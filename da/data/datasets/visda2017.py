"""VisDA-2017: 207,785 rendered and photographed things of 12 classes (Peng et al. 2017).

Its domains are renderings (`synthetic`, the training images, 152,397) and photographs (`real`, the
validation images, 55,388). All target images are seen without labels and tested on. Tables usually
print the mean of the accuracies of the classes.

A folder `visda2017` under `DA_DATA` holds what `train.tar` and `validation.tar` unpack to, as
`train/aeroplane/*.png` and `validation/aeroplane/*.jpg`.
"""

from da.data.datasets._published import Published
from da.system.remote_files import RemoteFile

DOMAINS = ("synthetic", "real")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True

BASE = "http://csr.bu.edu/ftp/visda17/clf/"

SET = Published(
    "VisDA-2017",
    ("visda2017", "visda", "visda-c", "visda17"),
    {"synthetic": ("train", "synthetic"), "real": ("validation", "real")},
    f"It comes as train.tar and validation.tar from {BASE}.",
    versions=("visda2017",),
    totals={"synthetic": 152397},
    files=(
        RemoteFile("train.tar", f"{BASE}train.tar", domains=("synthetic",)),
        RemoteFile("validation.tar", f"{BASE}validation.tar", domains=("real",)),
    ),
    license="for research that is not commercial, and not to be passed on",
)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch
