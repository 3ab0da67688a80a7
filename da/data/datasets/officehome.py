"""Office-Home: 15,588 pictures of everyday things in 65 classes (Venkateswara et al. 2017).

Its domains are `art` (2,427), `clipart` (4,365), `product` (4,439) and photographs (`real`, 4,357).
All target images are seen without labels and tested on, as in the published tables.

A folder `officehome` under `DA_DATA` holds what its archive, TLlib or DomainBed unpack to, as
`Art/Alarm_Clock/*.jpg`; the fourth domain's folder may be `Real World`, `RealWorld` or `Real`.
"""

from da.data.datasets._published import Published
from da.system.remote_files import RemoteFile

DOMAINS = ("art", "clipart", "product", "real")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True
DEFECTS = (
    "Lists in circulation number the classes in four orders, with the same spelling of names.",
    "The table of Transfer-Learning-Library on open sets repeats source-only's tasks as DANN's.",
)

SET = Published(
    "Office-Home",
    ("officehome", "OfficeHomeDataset_10072016"),
    {name: (name, *(("real_world",) if name == "real" else ())) for name in DOMAINS},
    "It comes as file 0B81rNlvomiwed0V1YUxQdC1uOTg on Google Drive.",
    versions=("officehome",),
    files=(
        RemoteFile(
            "OfficeHomeDataset_10072016.zip",
            place="file 0B81rNlvomiwed0V1YUxQdC1uOTg on Google Drive",
        ),
    ),
)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch
