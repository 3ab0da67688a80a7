"""ImageNet-R: 30,000 paintings, toys and other renditions of 200 classes of ImageNet.

Its domains are the images of ImageNet of these classes (`imagenet`) and the renditions (`r`,
Hendrycks et al. 2021). All target images are seen without labels and tested on. Classes are the
names of folders, as `n01443537`.

A folder `imagenet/train` under `DA_DATA` holds ImageNet's training images in a folder a class, and
`imagenet-r.tar` or its folder `imagenet-r` is next to it. Other classes of ImageNet are left out.
"""

from da.data.datasets._imagenet import FOLDERS, GET, HENDRYCKS, TRAIN
from da.data.datasets._published import Published
from da.system.remote_files import RemoteFile

DOMAINS = ("imagenet", "r")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True

SET = Published(
    "ImageNet-R",
    ("imagenet_r", *FOLDERS),
    {"imagenet": TRAIN, "r": ("imagenet_r", "r", "test")},
    f"{GET} ImageNet-R comes as imagenet-r.tar.",
    versions=("imagenet_r",),
    totals={"r": 30000},
    files=(
        RemoteFile(
            "imagenet-r.tar",
            f"{HENDRYCKS}imagenet-r.tar",
            digest="md5:a61312130a589d0ca1a8fca1f2bd3337",
            domains=("r",),
        ),
    ),
)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch
