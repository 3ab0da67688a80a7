"""DomainNet: 586,575 pictures in 345 classes and 6 domains, cleaned (Peng et al. 2019).

Training looks at the images of a domain's training list, and tests at those of its test list. The
original version has 9,431 more images, and is used where its lists are here.

A folder `domainnet` under `DA_DATA` holds the unpacked archives, as `clipart/airplane/*.jpg`, and
the lists `clipart_train.txt` and `clipart_test.txt` next to them or in `image_list`.
"""

from da.data.datasets._domainnet import LICENSE, list_files
from da.data.datasets._published import Published

DOMAINS = ("clipart", "infograph", "painting", "quickdraw", "real", "sketch")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True
DEFECTS = (
    "The original version has 9,431 near-duplicates, which the cleaned one leaves out.",
    "In the cleaned version, `painting_train` has no `t-shirt` and `painting_test` no `syringe`.",
    "The lists of GLC and LEAD put upper case first, so that their first 150 classes are others.",
    "UDABench mixes versions: its `infograph_test` is the original, its other lists are cleaned.",
)

SET = Published(
    "DomainNet",
    ("domainnet",),
    {name: (name,) for name in DOMAINS},
    "Archives and lists are at https://csr.bu.edu/ftp/visda/2019/multi-source/ (cleaned clipart "
    "and painting in its folder groundtruth).",
    versions=("domainnet", "domainnet_original"),
    lists="{domain}_{split}.txt",
    files=list_files(DOMAINS, lists=True),
    license=LICENSE,
)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch
