"""VLCS: photographs of 5 classes from four older data sets (Fang et al. 2013).

Its domains are `caltech` (Caltech-101), `labelme`, `pascal` (VOC 2007) and `sun` (SUN09). All
target images are seen without labels and tested on.

A folder `vlcs` under `DA_DATA` holds what DomainBed or Dassl unpack to, as `Caltech101/bird/*.jpg`
or `CALTECH/full/0/*.jpg`.
"""

from da.data.datasets._published import Published
from da.system.remote_files import RemoteFile

DOMAINS = ("caltech", "labelme", "pascal", "sun")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True

SET = Published(
    "VLCS",
    ("vlcs",),
    {
        "caltech": ("caltech", "caltech101"),
        "labelme": ("labelme",),
        "pascal": ("pascal", "voc2007"),
        "sun": ("sun", "sun09"),
    },
    "DomainBed has it as file 1skwblH1_okBwxWxmRsp9_qi15hyPpxg8 on Google Drive.",
    classes=("bird", "car", "chair", "dog", "person"),
    spellings={str(i): name for i, name in enumerate(("bird", "car", "chair", "dog", "person"))},
    files=(
        RemoteFile("VLCS.tar.gz", place="file 1skwblH1_okBwxWxmRsp9_qi15hyPpxg8 on Google Drive"),
    ),
)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch
