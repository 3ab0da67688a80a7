"""ImageNet-Sketch: black and white sketches of the 1,000 classes of ImageNet (Wang et al. 2019).

Its domains are the training images of ImageNet (`imagenet`) and the sketches (`sketch`). All
target images are seen without labels and tested on. Classes are the names of folders, as
`n01440764`.

A folder `imagenet/train` under `DA_DATA` holds ImageNet's training images in a folder a class, and
`ImageNet-Sketch.zip` or its folder `sketch` is in `imagenet_sketch`.
"""

from da.data.datasets._imagenet import FOLDERS, GET, TRAIN
from da.data.datasets._published import Published
from da.system.remote_files import RemoteFile

DOMAINS = ("imagenet", "sketch")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True
DEFECTS = ("Its README tells of 50,000 images, its list of paths has 50,874 lines.",)

HOME = "https://huggingface.co/datasets/songweig/imagenet_sketch/"

SET = Published(
    "ImageNet-Sketch",
    ("imagenet_sketch", *FOLDERS),
    {"imagenet": TRAIN, "sketch": ("imagenet_sketch", "sketch")},
    f"{GET} ImageNet-Sketch comes as ImageNet-Sketch.zip.",
    versions=("imagenet",),
    files=(
        RemoteFile(
            "ImageNet-Sketch.zip",
            f"{HOME}resolve/main/data/ImageNet-Sketch.zip",
            domains=("sketch",),
        ),
    ),
)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch
