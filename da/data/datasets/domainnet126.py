"""DomainNet-126: 126 of the classes of DomainNet in 4 domains (Saito et al. 2019).

Its domains are `clipart`, `painting`, `real` and `sketch`. All target images are seen without
labels and tested on, as in semi-supervised, source-free and test-time adaptation. The original
version has 145,145 images, the cleaned one 142,334; it is that of the images which are here.

Images are those of `domainnet`, as `clipart/aircraft_carrier/*.jpg`; other classes are left out.
"""

from da.data.datasets._domainnet import LICENSE, list_files
from da.data.datasets._published import Published

DOMAINS = ("clipart", "painting", "real", "sketch")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True
DEFECTS = (
    "Semi-supervised papers use the original version, source-free and test-time ones the cleaned.",
    "The 126 classes of BNM's balanced DomainNet are others.",
)

SET = Published(
    "DomainNet-126",
    ("domainnet126", "domainnet"),
    {name: (name,) for name in DOMAINS},
    "Images are those of domainnet, from https://csr.bu.edu/ftp/visda/2019/multi-source/.",
    versions=("domainnet126", "domainnet126_original"),
    files=list_files(DOMAINS),
    license=LICENSE,
)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch
