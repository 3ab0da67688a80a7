"""Office-Caltech10: 2,533 photographs of office objects in 10 classes (Gong et al. 2012).

Its domains are `amazon` (958), `caltech` (1,123), `dslr` (157) and `webcam` (295). All
target images are seen without labels and tested on, as in the published tables.

A folder `office_caltech10` under `DA_DATA` holds a folder of class folders for each domain, as
TLlib's `office-caltech.tgz` does; without it all but `caltech` are taken from `office31`.
"""

from da.data.datasets._published import Published
from da.system.remote_files import RemoteFile

DOMAINS = ("amazon", "caltech", "dslr", "webcam")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True

CLASSES = (
    *("back_pack", "bike", "calculator", "headphones", "keyboard"),
    *("laptop_computer", "monitor", "mouse", "mug", "projector"),
)

SET = Published(
    "Office-Caltech",
    ("office_caltech10", "office31", "office"),
    {name: (name,) for name in DOMAINS},
    "TLlib has it as office-caltech.tgz.",
    classes=CLASSES,
    totals={"amazon": 958, "caltech": 1123, "dslr": 157, "webcam": 295},
    files=(
        RemoteFile(
            "officecaltech.tgz", "https://cloud.tsinghua.edu.cn/f/e93f2e07d93243d6b57e/?dl=1"
        ),
    ),
)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch
