"""Names of the corruptions of CIFAR-10-C, CIFAR-100-C and ImageNet-C, and orders in circulation.

A corruption is written with its severity from 1 to 5, as `gaussian_noise5` (Hendrycks 2019).
"""

import re

STANDARD = (
    *("gaussian_noise", "shot_noise", "impulse_noise"),
    *("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    *("snow", "frost", "fog", "brightness"),
    *("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
)
"""The 15 corruptions of tables, in the order of TENT, CoTTA on CIFAR, EATA and NOTE."""

EXTRA = "gaussian_blur", "saturate", "spatter", "speckle_noise"
"""Four more, for the choice of settings."""

ALL = STANDARD + EXTRA
SEVERITIES = 1, 2, 3, 4, 5
GRADUAL = 1, 2, 3, 4, 5, 4, 3, 2, 1
"""Severities of each corruption in gradual streams."""

GROUPS = {
    "noise": STANDARD[:3],
    "blur": STANDARD[3:7],
    "weather": STANDARD[7:11],
    "digital": STANDARD[11:],
    "extra": EXTRA,
}
"""Archives of ImageNet-C, and the corruptions in each."""

_LETTERS = "gn sn in db gb mb zb sw fr fo br co el px jp"
_SHORT = dict(zip(_LETTERS.split(), STANDARD, strict=True))
_COTTA = (
    "br px gn mb zb gb in jp db el sn fr sw fo co",
    "jp sn zb fr co fo db el gn br gb in px sw mb",
    "co db gn sn sw fr gb zb el jp px br in mb fo",
    "sn fo gb px sw el br in db fr co gn mb jp zb",
    "px gb zb sw fo in br mb fr jp gn sn co db el",
    "mb sw fo sn db co zb br fr el gb gn px jp in",
    "fr in jp co zb gb px sw db mb br el sn fo gn",
    "gb zb in fo sw jp gn fr sn br co mb px db el",
    "db mb zb sn gn gb jp fo co px fr sw br el in",
    "co gn db zb fr gb jp fo px el sn in sw mb br",
)


def _order(short: str) -> tuple[str, ...]:
    return tuple(_SHORT[name] for name in short.split())


ORDERS = {
    "standard": STANDARD,
    "robustbench": _order("sn mb sw px gn db br fo zb fr gb in co jp el"),
    "rotta": _order(_COTTA[5]),
    **{f"cotta{i}": _order(short) for i, short in enumerate(_COTTA)},
}
"""Orders of the 15: as above, of RobustBench, of RoTTA, and CoTTA's ten on ImageNet-C."""


def split_corruption(name: str) -> tuple[str, int]:
    """Split a name such as `gaussian_noise5` into the corruption and its severity.

    Raises:
        ValueError: If there is no such corruption or severity.
    """
    found = re.fullmatch(r"(\D+)([1-5])", name)
    if not found or found[1] not in ALL:
        known = f"a severity from 1 to 5 after one of {', '.join(ALL)}"
        raise ValueError(f"unknown corruption {name!r}, known: {known}")
    return found[1], int(found[2])


def split_task(names: str, *others: str) -> tuple[str, str]:
    """Split `SOURCE-TARGET` of a corrupted data set; each side names domains with commas.

    Args:
        names: The domains as they stand in the task.
        *others: Names of domains without corruption.

    Raises:
        ValueError: If a domain is unknown.
    """
    source, _, target = names.partition("-")
    for name in filter(None, [*source.split(","), *target.split(",")]):
        if name not in others:
            try:
                split_corruption(name)
            except ValueError as error:
                raise ValueError(f"{error}, and {', '.join(others)}") from error
    return source, target
