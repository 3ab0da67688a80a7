"""What the printed benchmarks, networks, metrics and methods are called here.

A printed number is shown beside a row of ours where all four are the same: see `lookup`.
"""

from dataclasses import dataclass
from functools import cache

from da.results.literature.numbers import Row, rows


@dataclass(frozen=True)
class Benchmark:
    """A printed benchmark, and the tasks of ours that are the same."""

    name: str
    """As the column `benchmark` has it."""
    files: tuple[str, ...]
    data: str
    """Our data set."""
    setting: str = ""
    """End of our tasks without its plus; `several` where all other domains are sources."""


@cache
def numbers_of(benchmark: Benchmark) -> tuple[Row, ...]:
    """Return the printed numbers of a benchmark."""
    found = (row for file in benchmark.files for row in rows(file))
    return tuple(row for row in found if row.benchmark == benchmark.name)


VISDA_FIRST = "VisDA-2017 open-set (6/0/6, shared = first six classes)"
BENCHMARKS = (
    Benchmark(
        "Amazon reviews (Chen et al. 2012 preprocessing)", ("amazon_reviews",), "amazon_reviews"
    ),
    Benchmark("digits", ("digits",), "digits"),
    Benchmark("digits", ("digits",), "digits_official"),
    Benchmark("Office-31", ("office31", "vit_uda"), "office31"),
    Benchmark("Office-Home", ("officehome", "vit_uda"), "officehome"),
    Benchmark("VisDA-2017", ("visda2017", "vit_uda"), "visda2017"),
    Benchmark("VisDA-2017 source-free", ("sourcefree",), "visda2017"),
    Benchmark("DomainNet (single source, 4 domains c/p/r/s)", ("domainnet",), "domainnet"),
    Benchmark("DomainNet (single source, 6 domains)", ("domainnet",), "domainnet"),
    Benchmark("miniDomainNet (126 classes, c/p/r/s)", ("vit_uda",), "minidomainnet"),
    Benchmark("ImageCLEF-DA", ("imageclef",), "imageclef_da"),
    Benchmark("Office-Caltech10", ("office_caltech",), "office_caltech10"),
    Benchmark("WILDS FMoW", ("wilds",), "fmow"),
    Benchmark("WILDS iWildCam", ("wilds",), "iwildcam"),
    Benchmark("Office-31 partial", ("partial_openset", "partial"), "office31", "partial10"),
    Benchmark("Office-Home partial", ("partial_openset", "partial"), "officehome", "partial25"),
    Benchmark("VisDA-2017 partial (12 to 6)", ("partial_openset",), "visda2017", "partial6"),
    Benchmark("VisDA-2017 partial", ("partial",), "visda2017", "partial6"),
    Benchmark("DomainNet partial (126 to 40 classes)", ("partial",), "domainnet126", "partial40"),
    Benchmark("ImageNet-Caltech partial", ("partial",), "imagenet_caltech", "partial"),
    Benchmark("Office-Home open-set", ("partial_openset",), "officehome", "open25"),
    Benchmark("Office-Home open-set (25/0/40)", ("openset",), "officehome", "open25"),
    Benchmark("Office-Home open-set (15/0/50)", ("openset",), "officehome", "open15"),
    Benchmark(
        "Office-31 open-set (10/0/11, shared = Office-Caltech classes)",
        ("openset",),
        "office31",
        "open10",
    ),
    Benchmark(VISDA_FIRST, ("openset",), "visda2017", "open6"),
    Benchmark("Office-31 universal (10/10/11)", ("universal",), "office31", "universal10/10"),
    Benchmark("Office-Home universal (10/5/50)", ("universal",), "officehome", "universal10/5"),
    Benchmark("VisDA-2017 universal (6/3/3)", ("universal",), "visda2017", "universal6/3"),
    Benchmark("DomainNet (multi-source)", ("domainnet", "multisource"), "domainnet", "several"),
    Benchmark("Office-31 multi-source", ("multisource",), "office31", "several"),
    Benchmark("Office-Home multi-source", ("multisource",), "officehome", "several"),
    Benchmark("ImageCLEF-DA multi-source", ("multisource",), "imageclef_da", "several"),
    Benchmark("Office-31 semi-supervised (1-shot)", ("semisupervised",), "office31", "1shot"),
    Benchmark("Office-31 semi-supervised (3-shot)", ("semisupervised",), "office31", "3shot"),
    Benchmark("Office-Home semi-supervised (3-shot)", ("semisupervised",), "officehome", "3shot"),
    Benchmark(
        "DomainNet-126 semi-supervised (3-shot)", ("semisupervised",), "domainnet126", "3shot"
    ),
)
"""Printed benchmarks whose images, classes and tests are those of a task of ours.

Others are kept to look up: TLlib's Office-31 open set has other classes, uniood tests DomainNet on
training lists, and in domain generalization the target is not seen.
"""

FOLDERS = {"office31": "Office-31", "officehome": "Office-Home", "visda2017": "VisDA"}
"""Data sets that folders may hold, and their names, which a path has in any spelling."""

SPELLINGS = {
    "officehome": {"real": "RealWorld"},
    "fmow": {"val": "OOD val", "test": "OOD test"},
    "iwildcam": {"val": "OOD val", "test": "OOD test"},
}
"""Printed names of our domains where letters differ, not only marks and case."""

DIFFERS = {
    ("digits", "mnistm"): "mnistm is Ganin's recipe on other photographs than the published "
    "MNIST-M (BSDS500)",
}
"""Domains that are only like the printed ones, and how they differ."""

TRAINED: dict[str, tuple[str, ...]] = {
    "lenet": ("paper MNIST CNN (Fig. 4a)",),
    "identity": ("1 hidden layer, 5000-d unigrams and bigrams",),
    "alexnet.tv_in1k": ("AlexNet",),
    "resnet18.tv_in1k": ("ResNet-18",),
    "resnet34.tv_in1k": ("ResNet-34",),
    "resnet50.tv_in1k": ("ResNet-50", "ResNet-50 (fine-tuned)"),
    "resnet101.tv_in1k": ("ResNet-101",),
    "densenet121.tv_in1k": ("DenseNet-121",),
    "deit_small_patch16_224.fb_in1k": ("DeiT-S",),
    "deit_base_patch16_224.fb_in1k": ("DeiT-B",),
    "vit_base_patch16_224.augreg_in21k_ft_in1k": (
        "ViT-B/16",
        "ViT-B/16 (vit_base_patch16_224)",
    ),
    "swin_base_patch4_window7_224.ms_in22k_ft_in1k": ("Swin-B",),
}
"""Printed names of backbones that trained on the task.

A name of ours that has the same network and no weights means these weights too.
"""

FROZEN: dict[str, tuple[str, ...]] = {
    "identity": TRAINED["identity"],
    "vit_base_patch16_clip_quickgelu_224.openai": ("CLIP ViT-B/16 (frozen features)",),
    "vit_large_patch14_clip_quickgelu_224.openai": ("CLIP ViT-L/14 (frozen features)",),
    "vit_large_patch14_clip_quickgelu_336.openai": ("CLIP ViT-L/14@336px (frozen features)",),
    "vit_large_patch14_dinov2.lvd142m": ("DINOv2 ViT-L/14 (frozen features)",),
    "open_clip:ViT-B-16/openai": ("CLIP ViT-B/16",),
    "open_clip:ViT-L-14-336/openai": ("CLIP ViT-L/14@336px (frozen features)",),
    "open_clip:RN50/openai": ("CLIP ResNet-50",),
    "open_clip:RN101/openai": ("CLIP ResNet-101",),
}
"""Printed names of backbones that stayed as they were."""

METRICS = {
    "accuracy": (
        "accuracy",
        "overall accuracy",
        "accuracy (no rejection)",
        "overall accuracy (no rejection)",
        "accuracy [mean of 3 seeds]",
        "accuracy [mean of 3 runs]",
    ),
    "mean_class": ("mean class accuracy", "mean class accuracy (no rejection)"),
    "hos": ("HOS", "HOS [mean of 3 seeds]"),
    "os": ("OS", "OS (mean accuracy over known classes and unknown)"),
    "os_star": ("OS*",),
    "unk": ("UNK",),
    "h_score": ("H-score", "H-score [mean of 3 seeds]"),
    "h3": ("H3-score",),
    "auroc": ("AUROC (known vs unknown)",),
    "oscr": ("OSCR",),
    "macro_f1": ("macro F1",),
    "worst_group": ("worst-region accuracy",),
}
"""Printed names of our metrics; text in brackets says of which runs the number is."""

METHODS: dict[str, tuple[str, ...]] = {
    "source_only": ("source-only", "base (source + labelled target)"),
    "dann": ("DANN", "RevGrad"),
    "cdan": ("CDAN+E",),
    "mcd": ("MCD",),
    "adda": ("ADDA",),
    "mdd": ("MDD",),
    "coral": ("Deep CORAL", "DCORAL"),
    "dan": ("DAN",),
    "jan": ("JAN",),
    "dsan": ("DSAN",),
    "afn": ("AFN", "SAFN"),
    "bsp": ("BSP",),
    "mcc": ("MCC",),
    "entropy_min": ("MinEnt",),
    "bnm": ("BNM",),
    "atdoc": ("ATDOC-NA",),
    "fixmatch": ("FixMatch",),
    "sdat": ("CDAN+MCC w/ SDAT",),
    "shot": ("SHOT",),
    "nrc": ("NRC",),
    "pada": ("PADA",),
    "osbp": ("OSBP",),
    "ovanet": ("OVANet",),
    "dance": ("DANCE",),
    "uniot": ("UniOT",),
    "m3sda": ("M3SDA",),
    "mme": ("MME",),
    "zero_shot": ("CLIP zero-shot",),
    "coral_map": ("CORAL",),
    "subspace_alignment": ("SA (subspace alignment)",),
    "tca": ("TCA",),
    "gfk": ("GFK",),
    "target_only": ("train-on-target",),
}
"""Printed names of our methods; `fine_tune` with a few shots has no counterpart."""

JOINED = "all others (source combine)"
"""All other domains as one source."""

SEVERAL = {"m3sda": "all others (multi-source)"}
"""Printed sources of methods that tell several sources apart; others join them."""

BEST_EPOCH = "best epoch by target test accuracy"
_TLLIB = "Transfer-Learning-Library (Jiang et al.)"
PAPERS = {
    "DANN (Ganin et al., JMLR 2016)": "",
    _TLLIB: BEST_EPOCH,
    "DeepDA toolkit (Wang & Hou)": BEST_EPOCH,
    "SHOT (Liang et al., ICML 2020)": "",
    "NRC (Yang et al., NeurIPS 2021), training log in the code release": "",
    "AFN (Xu et al., ICCV 2019), code release": "",
    "MFSAN (Zhu et al., AAAI 2019), code release": "",
    "Moment Matching for Multi-Source Domain Adaptation (ICCV 2019)": "",
    "Minimum Class Confusion for Versatile Domain Adaptation (ECCV 2020)": "",
    "SDAT (Rangwani et al., ICML 2022)": "",
    "CDTrans (Xu et al., ICLR 2022)": "",
    "DAPL / DAPrompt (Ge et al., TNNLS 2023), code release": "",
    "SLA (Yu and Lin, CVPR 2023), code release": "",
    "Universal Domain Adaptation from Foundation Models: A Baseline Study (Deng and Jia, arXiv "
    "2305.11092), code release": "runs of uniood, not of the method's authors",
    "as listed in Li et al. NeurIPS 2021": "",
    "collected in MambaOut-DA (Wu & Chaddad) from the original papers": "",
}
"""Papers that numbers are taken from, by name or its end, and what to know of each.

The first with a number counts. The first are those that ran many methods under one protocol, and
others fill their gaps.
"""

REMARKS = {
    ("DANN (Ganin et al., JMLR 2016)", "digits"): "last layer a linear SVM, SA's dimension chosen "
    "by target test accuracy",
    ("DANN (Ganin et al., JMLR 2016)", "amazon_reviews"): "settings chosen by reverse validation",
    (_TLLIB, "domainnet"): "best epoch by accuracy on target training images",
    (_TLLIB, "fmow"): "",
    (_TLLIB, "iwildcam"): "epoch chosen by macro F1",
}
"""What to know of a paper on one data set instead."""

WRONG = {("Office-Home open-set", "DANN")}
"""Printed rows that repeat another's numbers by mistake, by benchmark and method."""
