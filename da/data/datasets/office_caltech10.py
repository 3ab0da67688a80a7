"""Office-Caltech10: 2,533 photographs of office objects in 10 classes (Gong et al. 2012).

Its domains are `amazon` (958), `caltech` (1,123), `dslr` (157) and `webcam` (295). All
target images are seen without labels and tested on, as in the published tables.

A folder `office_caltech10` under `DA_DATA` holds a folder of class folders for each domain, as
TLlib's `office-caltech.tgz` does. Without it all but `caltech` are taken from `office31`, and
`caltech` from the ten categories of Caltech-256 in `256_ObjectCategories`.
"""

from da.data.datasets._published import Published
from da.system.remote_files import RemoteFile

DOMAINS = ("amazon", "caltech", "dslr", "webcam")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True
DEFECTS = (
    "In Transfer-Learning-Library the attribute `class_to_idx` is made of letters; its labels are "
    "right.",
)

CLASSES = (
    *("back_pack", "bike", "calculator", "headphones", "keyboard"),
    *("laptop_computer", "monitor", "mouse", "mug", "projector"),
)

CALTECH = {
    **{"003.backpack": "back_pack", "224.touring-bike": "bike", "027.calculator": "calculator"},
    **{"101.head-phones": "headphones", "045.computer-keyboard": "keyboard"},
    **{"127.laptop-101": "laptop_computer", "046.computer-monitor": "monitor"},
    **{"047.computer-mouse": "mouse", "041.coffee-mug": "mug"},
    "238.video-projector": "projector",
}
"""Classes by the categories of Caltech-256 that they are taken from."""

SET = Published(
    "Office-Caltech",
    ("office_caltech10", "office31", "office", "caltech256"),
    {name: (name, *(("256_ObjectCategories",) if name == "caltech" else ())) for name in DOMAINS},
    "TLlib has it as office-caltech.tgz.",
    classes=CLASSES,
    spellings=CALTECH,
    totals={"amazon": 958, "caltech": 1123, "dslr": 157, "webcam": 295},
    files=(
        RemoteFile(
            "officecaltech.tgz", "https://cloud.tsinghua.edu.cn/f/e93f2e07d93243d6b57e/?dl=1"
        ),
    ),
)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch
