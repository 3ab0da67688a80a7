"""Office-31: 4,110 photographs of office objects in 31 classes (Saenko et al. 2010).

Its domains are pictures of a shop (`amazon`, 2,817) and of two cameras (`dslr`, 498, and `webcam`,
795). All target images are seen without labels and tested on, as in the published tables.

A folder `office31` under `DA_DATA` holds what `domain_adaptation_images.tar.gz`, TLlib or SHOT
unpack to: `amazon/images/back_pack/*.jpg` or `amazon/back_pack/*.jpg`.
"""

from da.data import class_lists
from da.data.datasets._published import Published
from da.data.datasets.office_caltech10 import CLASSES
from da.system.remote_files import RemoteFile

DOMAINS = ("amazon", "dslr", "webcam")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True
DEFECTS = (
    "Lists in circulation have the same images, but two orders of the classes.",
    "Open-set papers use two sets of known classes, and Transfer-Learning-Library a third: their "
    "numbers cannot be compared. The orders of the classes tell them apart.",
    "The list `a_tr.txt` of AaD has every line twice.",
)

ORDERS = {
    "caltech_first": (
        *CLASSES,
        *(name for name in class_lists.class_names("office31") if name not in CLASSES),
    )
}
"""Orders in which settings count classes: usually those of Office-Caltech10 come first.

`+open10/11` is that of UAN, DANCE and OVANet; `+open10/11@letters` that of OSBP, STA and ROS;
`+open20/11@letters` that of Transfer-Learning-Library.
"""

SET = Published(
    "Office-31",
    ("office31", "office", "domain_adaptation_images"),
    {name: (name,) for name in DOMAINS},
    "It comes as domain_adaptation_images.tar.gz, file 0B4IapRTv9pJ1WGZVd1VDMmhwdlE on Google "
    "Drive.",
    versions=("office31",),
    files=(
        RemoteFile(
            "office31.tar.gz",
            "https://cornell.box.com/shared/static/3v2ftdkdhpz1lbbr4uhu0135w7m79p7q",
            digest="md5:89818e596f3cdda1d56da0f077435faa",
        ),
    ),
)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch
