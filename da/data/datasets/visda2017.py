"""VisDA-2017: 280,157 rendered and photographed things of 12 classes (Peng et al. 2017).

Its domains are renderings (`synthetic`, the training images, 152,397), photographs (`real`, the
validation images, 55,388) and frames of videos (`test`, 72,372). All target images are seen without
labels and tested on. Tables usually have `real` as the target, and print the mean of the accuracies
of the classes; the challenge itself had `test`.

A folder `visda2017` under `DA_DATA` holds `train.tar` and `validation.tar`, or what they unpack to,
as `train/aeroplane/*.png` and `validation/aeroplane/*.jpg`. For `test` it holds `test.tar`, or
`test/trunk01/*.jpg`, and next to it `image_list.txt` with the labels, which was published later in
the folder `classification/data` of taskcv-2017-public.
"""

from da.data import class_lists
from da.data.datasets._numbered import Numbered
from da.system.remote_files import RemoteFile

DOMAINS = ("synthetic", "real", "test")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True
DEFECTS = (
    "The lists of UDABench have another order of the classes.",
    "Open-set papers use two sets of known classes.",
)

METRIC = "mean_class"
RSUT_FALLS = True
TASKS = ("synthetic-real", "synthetic-test")

_OSBP = ("bicycle", "bus", "car", "motorcycle", "train", "truck")
ORDERS = {
    "letters": class_lists.class_names("visda2017"),
    "osbp": (*_OSBP, *(c for c in class_lists.class_names("visda2017") if c not in _OSBP)),
}
"""Orders in which settings count classes: `+open6` is that of DANCE and OVANet, `+open6@osbp` that
of OSBP, STA and Transfer-Learning-Library.
"""

BASE = "http://csr.bu.edu/ftp/visda17/clf/"
LABELS = "classification/data of VisionLearningGroup/taskcv-2017-public"

SET = Numbered(
    "VisDA-2017",
    ("visda2017", "visda", "visda-c", "visda17"),
    {"synthetic": ("train", "synthetic"), "real": ("validation", "real"), "test": ("test",)},
    f"It comes as train.tar, validation.tar and test.tar from {BASE}.",
    versions=("visda2017",),
    totals={"synthetic": 152397},
    files=(
        RemoteFile("train.tar", f"{BASE}train.tar", domains=("synthetic",)),
        RemoteFile("validation.tar", f"{BASE}validation.tar", domains=("real",)),
        RemoteFile("test.tar", f"{BASE}test.tar", domains=("test",)),
        RemoteFile("image_list.txt", place=LABELS, domains=("test",)),
    ),
    numbered={"test": ("image_list.txt", "test.txt", "test_list.txt")},
    license="for research that is not commercial, and not to be passed on",
)
open_domain, check_images = SET.open_domain, SET.check_images
check, fetch = SET.check, SET.fetch
