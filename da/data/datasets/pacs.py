"""PACS: 9,991 pictures of animals, people and things in 7 classes and 4 styles (Li et al. 2017).

Its domains are `art_painting` (2,048), `cartoon` (2,344), `photo` (1,670) and `sketch` (3,929). All
target images are seen without labels and tested on.

A folder `pacs` under `DA_DATA` holds what DomainBed, Dassl or TLlib unpack to, as
`art_painting/dog/*.jpg` or `images/art_painting/dog/*.jpg`.
"""

from da.data.datasets._published import Published
from da.system.remote_files import RemoteFile

DOMAINS = ("art_painting", "cartoon", "photo", "sketch")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True
DEFECTS = (
    "Dassl leaves out `sketch/dog/n02103406_4068-1.png` as erroneous.",
    "The official lists number the classes from 1.",
)

SET = Published(
    "PACS",
    ("pacs", "kfold"),
    {name: (name,) for name in DOMAINS},
    "DomainBed has it as file 1JFr8f805nMUelQWWmfnJR3y4_SYoN5Pd on Google Drive.",
    classes=("dog", "elephant", "giraffe", "guitar", "horse", "house", "person"),
    totals={"art_painting": 2048, "cartoon": 2344, "photo": 1670, "sketch": 3929},
    files=(RemoteFile("PACS.zip", place="file 1JFr8f805nMUelQWWmfnJR3y4_SYoN5Pd on Google Drive"),),
)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch
