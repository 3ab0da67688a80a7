"""ImageCLEF-DA: photographs of 12 classes from four older data sets, 50 a class in each.

Its domains are `caltech` (Caltech-256), `imagenet` (ILSVRC 2012), `pascal` (VOC 2012) and `bing`,
which tables leave out: 600 images each (Long et al. 2017). All target images are seen without
labels and tested on, as in the published tables.

A folder `imageclef_da` under `DA_DATA` holds the folders `c`, `i`, `p` and `b`, and the lists
`cList.txt`, `iList.txt`, `pList.txt` and `bList.txt` next to them or in `list`. Folders of classes
in each domain are read too.
"""

from da.data.datasets._numbered import Numbered
from da.system.remote_files import RemoteFile

DOMAINS = ("caltech", "imagenet", "pascal", "bing")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True

SET = Numbered(
    "ImageCLEF-DA",
    ("imageclef_da", "image_clef", "imageclef"),
    {name: (name[0], name) for name in DOMAINS},
    "It comes as file 0B9kJH0-rJ2uRS3JILThaQXJhQlk on Google Drive.",
    classes=(
        *("airplane", "bike", "bird", "boat", "bottle", "bus"),
        *("car", "dog", "horse", "monitor", "motorbike", "people"),
    ),
    spellings={"aeroplane": "airplane"},
    totals=dict.fromkeys(DOMAINS, 600),
    files=(
        RemoteFile("image-clef.zip", place="file 0B9kJH0-rJ2uRS3JILThaQXJhQlk on Google Drive"),
    ),
    numbered={
        name: (f"{name[0]}List.txt", f"{name[0]}_list.txt", f"{name[0]}.txt") for name in DOMAINS
    },
)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch
