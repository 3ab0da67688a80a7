"""ImageNet-A: photographs of 200 classes of ImageNet that networks take for others.

Its domains are the images of ImageNet of these classes (`imagenet`) and the hard ones (`a`,
Hendrycks et al. 2021). All target images are seen without labels and tested on. Classes are the
names of folders, as `n01498041`.

A folder `imagenet/train` under `DA_DATA` holds ImageNet's training images in a folder a class, and
`imagenet-a.tar` or its folder `imagenet-a` is next to it. Other classes of ImageNet are left out.
"""

from da.data.datasets._imagenet import FOLDERS, GET, HENDRYCKS, TRAIN
from da.data.datasets._published import Published
from da.system.remote_files import RemoteFile

DOMAINS = ("imagenet", "a")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True

SET = Published(
    "ImageNet-A",
    ("imagenet_a", *FOLDERS),
    {"imagenet": TRAIN, "a": ("imagenet_a", "a")},
    f"{GET} ImageNet-A comes as imagenet-a.tar.",
    versions=("imagenet_a",),
    files=(
        RemoteFile(
            "imagenet-a.tar",
            f"{HENDRYCKS}imagenet-a.tar",
            digest="md5:c3e55429088dc681f30d81f4726b6595",
            domains=("a",),
        ),
    ),
)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch
