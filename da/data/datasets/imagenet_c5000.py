"""ImageNet-C with the 5,000 test images of RobustBench, as CoTTA and its followers use it.

Domains and files are those of `imagenet_c`, as in `imagenet_c5000:clean-gaussian_noise5`. Of a
corruption and of `val` only the images in RobustBench's list count, in the order of that list.
Numbers on 5,000 and on 50,000 images are not comparable: a method adapts ten times as long.

Next to the images or in `DA_DATA` lies `imagenet_test_image_ids.txt` of RobustBench; `da data
imagenet_c5000` fetches it.
"""

import numpy as np

from da.config.validation import shorten_names
from da.data.datasets import imagenet_c
from da.data.datasets._class_folders import Listing
from da.system.remote_files import RemoteFile

SYNTAX = "clean-gaussian_noise5"
DOMAINS = ()
SEVERAL = True
ANY_SIDE = True
SKIPS_BAD = True
FITS = True

COUNT = 5000
LIST = RemoteFile(
    "imagenet_test_image_ids.txt",
    "https://raw.githubusercontent.com/RobustBench/robustbench/"
    "7af0e34c6b383cd73ea7a1bbced358d7ce6ad22f/robustbench/data/imagenet_test_image_ids.txt",
    domains=("list",),
)


class RobustBenchImages(imagenet_c.ImageNetC):
    """The images of ImageNet-C that a list names, as `n01440764/ILSVRC2012_val_00000293.JPEG`."""

    def list_images(self, name: str) -> Listing:
        """List the images of a domain, in the order of the list.

        Raises:
            ValueError: If the domain or the list is not here, or lacks images.
        """
        images = super().list_images(name)
        if name == "clean":
            return images
        if not (file := self.origin.find(LIST.name)):
            raise ValueError(
                f"no list {LIST.name} of RobustBench near {images.root}: get {LIST.url}"
            )
        places = {each: place for place, each in enumerate(images.names)}
        listed = file.read_text(encoding="utf-8").split()
        if missing := [each for each in listed if each not in places]:
            raise ValueError(f"{images.root} lacks {shorten_names(missing)}, which {file} lists")
        rows = np.array([places[each] for each in listed], np.int64)
        notes = [n for n in images.notes if "are published" not in n]
        if len(rows) != COUNT:
            notes.append(f"{file} lists {len(rows)} images, {COUNT} are published")
        return images._replace(
            files=[images.files[row] for row in rows],
            y=images.y[rows],
            sets=images.sets[rows],
            notes=tuple(notes),
            about=f"{images.about} listed",
        )

    def _missing(self) -> list[str]:
        return [*super()._missing(), *(() if self.origin.find(LIST.name) else ("list",))]


OWN = {
    "folders": ("imagenet_c5000", *imagenet_c.SET.folders),
    "files": (LIST, *imagenet_c.SET.files),
}
SET = RobustBenchImages(**imagenet_c.ABOUT | OWN)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch, pair = SET.check, SET.fetch, imagenet_c.pair
