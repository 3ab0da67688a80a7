"""How names of backbones are written, and which ones papers use. This needs no torch."""

import csv
import difflib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from da.config.registry import BACKBONES
from da.config.validation import plain_name

CATALOGUE = Path(__file__).with_name("backbones.csv")

MOST = 4
"""Largest number of suggestions."""

NICKNAMES = {
    "clip": ["vit_base_patch16_clip_quickgelu_224.openai", "resnet50_clip.openai"],
    "clipvitb16": ["vit_base_patch16_clip_quickgelu_224.openai"],
    "clipvitb32": ["vit_base_patch32_clip_quickgelu_224.openai"],
    "clipvitl14": ["vit_large_patch14_clip_quickgelu_224.openai"],
    "clipresnet50": ["resnet50_clip.openai"],
    "siglip": ["vit_base_patch16_siglip_224.v2_webli", "vit_base_patch16_siglip_224.webli"],
    "siglip2": ["vit_base_patch16_siglip_224.v2_webli"],
    "vit": ["vit_base_patch16_224.augreg_in21k_ft_in1k"],
    "vits16": ["vit_small_patch16_224.augreg_in21k_ft_in1k"],
    "vitb16": [
        "vit_base_patch16_224.augreg_in21k_ft_in1k",
        "vit_base_patch16_clip_quickgelu_224.openai",
    ],
    "vitb32": [
        "vit_base_patch32_224.augreg_in21k_ft_in1k",
        "vit_base_patch32_clip_quickgelu_224.openai",
    ],
    "vitl14": ["vit_large_patch14_clip_quickgelu_224.openai"],
    "vitl16": ["vit_large_patch16_224.augreg_in21k_ft_in1k"],
    "deit": ["deit_base_patch16_224.fb_in1k", "deit_small_patch16_224.fb_in1k"],
    "deits": ["deit_small_patch16_224.fb_in1k"],
    "deitb": ["deit_base_patch16_224.fb_in1k"],
    "swin": ["swin_base_patch4_window7_224.ms_in22k_ft_in1k"],
    "swint": ["swin_tiny_patch4_window7_224.ms_in1k"],
    "swinb": ["swin_base_patch4_window7_224.ms_in22k_ft_in1k"],
    "convnext": ["convnext_base.fb_in22k_ft_in1k", "convnext_tiny.fb_in22k_ft_in1k"],
    "dino": ["vit_small_patch16_224.dino", "vit_base_patch16_224.dino"],
    "dinovits16": ["vit_small_patch16_224.dino"],
    "dinovitb16": ["vit_base_patch16_224.dino"],
    "dinov2": ["vit_small_patch14_dinov2.lvd142m", "vit_base_patch14_dinov2.lvd142m"],
    "dinov2small": ["vit_small_patch14_dinov2.lvd142m"],
    "dinov2base": ["vit_base_patch14_dinov2.lvd142m"],
    "dinov2large": ["vit_large_patch14_dinov2.lvd142m"],
    "dinov2vits14": ["vit_small_patch14_dinov2.lvd142m"],
    "dinov2vitb14": ["vit_base_patch14_dinov2.lvd142m"],
    "dinov2vitl14": ["vit_large_patch14_dinov2.lvd142m"],
    "dinov3": ["vit_small_patch16_dinov3.lvd1689m", "vit_base_patch16_dinov3.lvd1689m"],
    "dinov3vits16": ["vit_small_patch16_dinov3.lvd1689m"],
    "dinov3vitb16": ["vit_base_patch16_dinov3.lvd1689m"],
    "mae": ["vit_base_patch16_224.mae"],
    "eva02": ["eva02_base_patch14_224.mim_in22k"],
    "beit": ["beitv2_base_patch16_224.in1k_ft_in22k_in1k"],
    "r50": ["resnet50"],
    "r101": ["resnet101"],
}
"""Names of networks in papers and other libraries, in small letters and digits, and names here."""


class KnownBackbone(NamedTuple):
    """A network of timm or torchvision that papers use."""

    name: str
    million: str
    """Parameters without the classifier, in millions."""
    side: str
    """Pixels a side of the images that the weights were trained with."""
    license: str
    """License of the weights, as timm states it; empty where it states none."""
    what: str


@cache
def known_backbones() -> list[KnownBackbone]:
    """List the networks that papers use, those of most papers first."""
    with CATALOGUE.open(encoding="utf-8", newline="") as file:
        return [KnownBackbone(**row) for row in csv.DictReader(file)]


def near_names(name: str, every: Iterable[str]) -> list[str]:
    """Return names of backbones that a wrong name may mean, the likeliest first.

    Args:
        name: The wrong name.
        every: Names of timm and torchvision.
    """
    plain, names = plain_name(name), [*every]
    same = [other for other in names if plain_name(other) == plain]
    close = difflib.get_close_matches(name.lower(), names, MOST - 1)
    inside = [nick for nick in sorted(NICKNAMES, key=len, reverse=True) if nick in plain]
    found = [*NICKNAMES.get(plain, []), *same, *close]
    found += [full for nick in inside[:1] if not found for full in NICKNAMES[nick]]
    return [*dict.fromkeys(found)][:MOST]


def written_names() -> list[str]:
    """Return the name of each backbone file, as it is written after `--backbone`.

    A file with `SYNTAX` takes a name of its own after a colon, as in `timm:resnet50`.
    """
    return [BACKBONES.constants(name).get("SYNTAX", name) for name in BACKBONES]


def split_names(name: str) -> list[str]:
    """Split the names of several backbones, written `a+b`; one name is a list of itself."""
    return name.split("+")


def split_prefix(name: str) -> tuple[str, str]:
    """Split the name of a backbone into its file and what follows the colon, if it has one.

    Raises:
        ValueError: If no file has that prefix, or the file takes no name or needs one.
    """
    prefix, colon, rest = name.partition(":")
    if prefix not in BACKBONES:
        raise ValueError(f"unknown backbone {name!r}, known: {', '.join(written_names())}")
    syntax = BACKBONES.constants(prefix).get("SYNTAX", prefix)
    if bool(rest) != (":" in syntax) or (colon and not rest):
        raise ValueError(f"backbone {name!r} is written {syntax}")
    return prefix, rest
