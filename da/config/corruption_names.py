"""Names of corruptions in the names of domains, such as noto.fog5 and noto.all5."""

CORRUPTIONS = (
    *("gaussian_noise", "shot_noise", "impulse_noise"),
    *("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    *("snow", "frost", "fog", "brightness"),
    *("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
)
"""All corruptions, in the order of Hendrycks & Dietterich 2019, arXiv:1903.12261."""

ALL = ".all"
"""What stands for each corruption in the name of a domain, before the severity."""


def expand(name: str) -> list[str]:
    """Return the domains that a name stands for: `noto.all5` is every corruption at severity 5."""
    style, every, severity = name.partition(ALL)
    return [f"{style}.{kind}{severity}" for kind in CORRUPTIONS] if every else [name]
