"""VisDA-2017: 207,785 rendered and photographed things of 12 classes (Peng et al. 2017).

Its domains are renderings (`synthetic`, the training images, 152,397) and photographs (`real`, the
validation images, 55,388). All target images are seen without labels and tested on. Tables usually
print the mean of the accuracies of the classes.

A folder `visda2017` under `DA_DATA` holds what `train.tar` and `validation.tar` unpack to, as
`train/aeroplane/*.png` and `validation/aeroplane/*.jpg`.
"""

from da.data.datasets._published import Published

DOMAINS = ("synthetic", "real")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True

SET = Published(
    "VisDA-2017",
    ("visda2017", "visda", "visda-c", "visda17"),
    {"synthetic": ("train", "synthetic"), "real": ("validation", "real")},
    "It comes as train.tar and validation.tar from http://csr.bu.edu/ftp/visda17/clf/.",
    versions=("visda2017",),
    totals={"synthetic": 152397},
)
open_domain, check_images, check = SET.open_domain, SET.check_images, SET.check
