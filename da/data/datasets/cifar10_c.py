"""CIFAR-10-C: test images of CIFAR-10 in 19 corruptions, each in 5 severities (Hendrycks 2019).

A domain is a corruption with its severity, as `gaussian_noise5`: 10,000 images of 32 x 32 pixels,
the same ones in the same order for each. All are seen without labels and tested on. `clean` is
CIFAR-10 itself, 50,000 training images and 10,000 test images. A task is
`cifar10_c:clean-gaussian_noise5`.

The 15 corruptions of tables are gaussian_noise, shot_noise, impulse_noise, defocus_blur,
glass_blur, motion_blur, zoom_blur, snow, frost, fog, brightness, contrast, elastic_transform,
pixelate and jpeg_compression; four more are gaussian_blur, saturate, spatter and speckle_noise.

`DA_DATA` holds `CIFAR-10-C.tar`, which is read as it is, or its folder `CIFAR-10-C`, and CIFAR-10
as for `cifar10`. `da data cifar10_c` fetches both; the first has 2.9 GB.
"""

from da.data.corruption_names import ALL
from da.data.datasets import cifar10
from da.data.datasets._cifar10_files import KINDS
from da.data.datasets._corrupted_cifar import CLEAN, CorruptedCifar
from da.data.datasets._fetch import Origin
from da.system.remote_files import RemoteFile

SYNTAX = "clean-gaussian_noise5"
DOMAINS = ()
SEVERAL = True

SET = CorruptedCifar(
    "cifar10_c",
    "CIFAR-10-C",
    cifar10.CLASSES,
    Origin(
        "cifar10_c",
        "that of its authors: read it on the page of the record first",
        (
            RemoteFile(
                "CIFAR-10-C.tar",
                "https://zenodo.org/records/2535967/files/CIFAR-10-C.tar",
                digest="md5:56bf5dcef84df0e2308c6dcbcbbd8499",
                domains=ALL,
            ),
            RemoteFile(
                cifar10.ARCHIVE,
                cifar10.URL,
                digest=f"sha256:{cifar10.SHA256}",
                domains=(CLEAN,),
            ),
        ),
        ("CIFAR-10-C", "cifar10"),
    ),
    KINDS,
)
open_domain, pair, fetch, check = SET.open_domain, SET.pair, SET.fetch, SET.check
