"""Printed benchmarks, and the data sets and settings of ours that they are."""

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
    settings: tuple[str, ...] = ("",)
    """Ends of our tasks without the first plus, the usual one first.

    `several` is that all other domains are sources, `*15` that the targets are the corruptions of
    tables at severity 5. Text with a space is a setting that no task of ours has.
    """

    @property
    def setting(self) -> str:
        """The setting as text."""
        return self.settings[0] or "closed set"


@cache
def numbers_of(benchmark: Benchmark) -> tuple[Row, ...]:
    """Return the printed numbers of a benchmark."""
    found = (row for file in benchmark.files for row in rows(file))
    return tuple(row for row in found if row.benchmark == benchmark.name)


def _of(data: str, *entries: tuple[str, str, *tuple[str, ...]]) -> tuple[Benchmark, ...]:
    """Build the benchmarks of a data set from their names, files and settings."""
    return tuple(
        Benchmark(name, tuple(files.split()), data, settings or ("",))
        for name, files, *rest in entries
        for settings in [tuple(rest)]
    )


SEEN = "domain generalization: the target is not seen"
OTHER = "DomainNet by uniood: tested on training lists"
ONE = "stream", "stream:shuffled", "stream:listed"
"""Settings of a stream of one domain."""
RESET = "stream:reset*15", "stream:shuffled,reset*15", "stream:listed,reset*15"
CONTINUAL = "stream*15", "stream:shuffled*15", "stream:listed*15", "stream:continual*15"
VISDA_OPEN = "VisDA-2017 open-set (6/0/6, shared = {})"

BENCHMARKS = (
    *_of(
        "office31",
        ("Office-31", "office31 vit_uda"),
        ("Office-31 partial", "partial_openset partial", "partial10"),
        ("Office-31 open-set", "partial_openset", "open20/11@letters"),
        (
            "Office-31 open-set (10/0/11, shared = Office-Caltech classes)",
            "openset",
            "open10/11",
            "open10/11@caltech_first",
        ),
        ("Office-31 universal (10/10/11)", "universal", "universal10/10", "universal10/10/11"),
        ("Office-31 multi-source", "multisource", "several"),
        ("Office-31 multi-source open-set", "openset", "several sources, 20/11 classes"),
        ("Office-31 semi-supervised (1-shot)", "semisupervised", "1shot"),
        ("Office-31 semi-supervised (3-shot)", "semisupervised", "3shot"),
    ),
    *_of(
        "officehome",
        ("Office-Home", "officehome vit_uda"),
        ("Office-Home partial", "partial_openset partial", "partial25"),
        ("Office-Home open-set", "partial_openset", "open25", "open25/40"),
        ("Office-Home open-set (25/0/40)", "openset", "open25", "open25/40"),
        ("Office-Home open-set (15/0/50)", "openset", "open15", "open15/50"),
        ("Office-Home universal (10/5/50)", "universal", "universal10/5", "universal10/5/50"),
        ("Office-Home multi-source", "multisource", "several"),
        ("Office-Home multi-source open-set", "openset", "several sources, 45/20 classes"),
        ("Office-Home semi-supervised (3-shot)", "semisupervised", "3shot"),
        ("Office-Home (DG)", "domain_generalization", SEEN),
        ("OfficeHome (DomainBed)", "domain_generalization", SEEN),
    ),
    *_of(
        "visda2017",
        ("VisDA-2017", "visda2017 vit_uda"),
        ("VisDA-2017 source-free", "sourcefree"),
        ("VisDA-2017 partial (12 to 6)", "partial_openset", "partial6"),
        ("VisDA-2017 partial", "partial", "partial6"),
        (VISDA_OPEN.format("first six classes"), "openset", "open6", "open6/6"),
        (
            VISDA_OPEN.format("bicycle, bus, car, motorcycle, train, truck"),
            "openset",
            "open6@osbp",
            "open6/6@osbp",
        ),
        ("VisDA-2017 universal (6/3/3)", "universal", "universal6/3", "universal6/3/3"),
    ),
    *_of(
        "domainnet",
        ("DomainNet (single source, 4 domains c/p/r/s)", "domainnet"),
        ("DomainNet (single source, 6 domains)", "domainnet"),
        ("DomainNet (multi-source)", "domainnet multisource", "several"),
        ("DomainNet (p/r/s, 345 classes)", "vit_uda", f"closed set, {OTHER}"),
        ("DomainNet partial (150 of 345)", "partial", f"partial, {OTHER}"),
        ("DomainNet open-set (150/0/195)", "openset", f"open set, {OTHER}"),
        ("DomainNet universal (150/50/145)", "universal", f"universal, {OTHER}"),
        ("DomainNet multi-source open-set", "openset", "two sources, 100/245 classes"),
        ("DomainNet (DomainBed)", "domain_generalization", SEEN),
    ),
    *_of(
        "domainnet126",
        ("DomainNet partial (126 to 40 classes)", "partial", "partial40"),
        ("DomainNet-126 semi-supervised (3-shot)", "semisupervised", "3shot"),
    ),
    *_of("minidomainnet", ("miniDomainNet (126 classes, c/p/r/s)", "vit_uda")),
    *_of(
        "imageclef_da",
        ("ImageCLEF-DA", "imageclef"),
        ("ImageCLEF-DA multi-source", "multisource", "several"),
    ),
    *_of("imagenet_caltech", ("ImageNet-Caltech partial", "partial", "partial")),
    *_of(
        "office_caltech10",
        ("Office-Caltech10", "office_caltech"),
        (
            "Office-Caltech10 multi-source",
            "multisource",
            "several sources, adapted one by one and averaged",
        ),
        ("Office-Caltech10 multi-target", "multisource", "several targets, pooled"),
    ),
    *_of(
        "pacs",
        ("PACS", "domain_generalization", SEEN),
        ("PACS (DomainBed)", "domain_generalization", SEEN),
    ),
    *_of(
        "vlcs",
        ("VLCS", "domain_generalization", SEEN),
        ("VLCS (DomainBed)", "domain_generalization", SEEN),
    ),
    *_of("fmow", ("WILDS FMoW", "wilds")),
    *_of("iwildcam", ("WILDS iWildCam", "wilds")),
    *_of("amazon_reviews", ("Amazon reviews (Chen et al. 2012 preprocessing)", "amazon_reviews")),
    *_of("digits", ("digits", "digits")),
    *_of("digits_official", ("digits", "digits")),
    *_of("digit_five", ("Digit-Five (multi-source)", "digits", "several")),
    *_of(
        "cifar10_c",
        ("CIFAR-10-C (severity 5, reset per corruption)", "testtime", *ONE, *RESET),
        ("CIFAR-10-C (continual)", "testtime", *CONTINUAL),
        ("CIFAR-10-C (mixed domains)", "testtime", "stream:mixed*15"),
        ("CIFAR-10-C (correlated)", "testtime", "a correlated stream, continual"),
        ("CIFAR-10-C (i.i.d. stream)", "testtime", "networks of NOTE"),
        (
            "CIFAR-10-C (temporally correlated stream, Dirichlet 0.1)",
            "testtime",
            "networks of NOTE, a correlated stream",
        ),
        ("CIFAR-10-C (severity 5, snow)", "testtime", "networks of TTT++ and TTAC"),
    ),
    *_of(
        "cifar100_c",
        ("CIFAR-100-C (continual)", "testtime", *CONTINUAL),
        ("CIFAR-100-C (mixed domains)", "testtime", "stream:mixed*15"),
        ("CIFAR-100-C (i.i.d. stream)", "testtime", "networks of NOTE"),
        (
            "CIFAR-100-C (temporally correlated stream, Dirichlet 0.1)",
            "testtime",
            "networks of NOTE, a correlated stream",
        ),
    ),
    *_of(
        "imagenet_c",
        ("ImageNet-C (severity 5, reset per corruption)", "testtime", *ONE[:2], *RESET[:2]),
        ("ImageNet-C (severity 5, continual)", "testtime", *CONTINUAL[:2]),
        (
            "ImageNet-C (severity 5, online imbalanced label shift)",
            "testtime",
            "a stream nearly in the order of the classes",
        ),
        ("ImageNet-C (all severities)", "testtime", "all severities, without a stream"),
    ),
    *_of(
        "imagenet_c5000",
        ("ImageNet-C (continual)", "testtime", *CONTINUAL[:2]),
        ("ImageNet-C (mixed domains)", "testtime", "stream:mixed*15"),
        ("ImageNet-C (correlated)", "testtime", "a correlated stream, continual"),
    ),
    *_of(
        "imagenet_r",
        ("ImageNet variants", "imagenet_variants"),
        ("ImageNet-R (continual)", "testtime", *ONE[:2]),
        ("ImageNet-R (correlated)", "testtime", "a correlated stream"),
    ),
    *_of(
        "imagenet_sketch",
        ("ImageNet variants", "imagenet_variants"),
        ("ImageNet-Sketch (continual)", "testtime", *ONE[:2]),
        ("ImageNet-Sketch (correlated)", "testtime", "a correlated stream"),
    ),
    *_of("imagenet_a", ("ImageNet variants (CLIP test-time)", "testtime", "CLIP at test time")),
    *_of("cifar_stl", ("CIFAR-10/STL-10 (9 classes)", "cifar_stl")),
)
"""Printed benchmarks, by our data sets."""

FOLDERS = {"office31": "Office-31", "officehome": "Office-Home", "visda2017": "VisDA"}
"""Data sets that folders may hold, and their names, which a path has in any spelling."""

SPELLINGS = {
    "officehome": {"real": "RealWorld"},
    "fmow": {"val": "OOD val", "test": "OOD test"},
    "iwildcam": {"val": "OOD val", "test": "OOD test"},
    "digits_official": {"syn": "SynNumbers"},
    "digit_five": {
        "mm": "MNIST-M",
        "mt": "MNIST",
        "sv": "SVHN",
        "sy": "SynNumbers",
        "up": "USPS",
    },
    "cifar_stl": {"cifar": "CIFAR-10", "stl": "STL-10"},
    "cifar10_c": {"clean": "CIFAR-10"},
    "cifar100_c": {"clean": "CIFAR-100"},
    "imagenet_c": {"clean": "ImageNet"},
    "imagenet_c5000": {"clean": "ImageNet"},
    "imagenet_r": {"imagenet": "ImageNet-200", "r": "ImageNet-R"},
    "imagenet_sketch": {"sketch": "ImageNet-Sketch"},
}
"""Printed names of our domains where letters differ, not only marks and case."""

CORRUPTIONS = (
    *("gaussian_noise", "shot_noise", "impulse_noise"),
    *("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    *("snow", "frost", "fog", "brightness"),
    *("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
)
"""The corruptions of tables, in the order in which streams have them."""

DIFFERS = {
    ("digits", "mnistm"): "mnistm is Ganin's recipe on other photographs than the published "
    "MNIST-M (BSDS500)",
}
"""Domains that are only like the printed ones, and how they differ."""
