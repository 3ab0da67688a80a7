"""DomainNet-40: 40 of the classes of DomainNet in 4 domains, unevenly many (Tan et al. 2020).

Training looks at the images of a domain's training list, and tests at those of its test list.

Images are those of `domainnet`. The lists `clipart_train_mini.txt` and `clipart_test_mini.txt` lie
next to the domains or in `image_list`.
"""

from da.data.datasets._domainnet import LICENSE, list_files
from da.data.datasets._published import Published

DOMAINS = ("clipart", "painting", "real", "sketch")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True
METRIC = "mean_class"

SET = Published(
    "DomainNet-40",
    ("domainnet40", "domainnet"),
    {name: (name,) for name in DOMAINS},
    "Images are those of domainnet, and the lists those of COAL or SENTRY.",
    versions=("domainnet40",),
    lists="{domain}_{split}_mini.txt",
    files=list_files(DOMAINS),
    license=LICENSE,
)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch
