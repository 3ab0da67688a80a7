"""The same emoji in five drawing styles; a style is a domain, and a class is a kind of thing.

Each style has the same 785 emoji in 11 classes, as color images of 96 x 96 pixels. A task is
written `emoji:noto-twemoji`, or `emoji:noto` to train on the labels of one style. Label columns are
`class` and `subgroup`: Unicode's own 44 finer classes, some of which have few emoji.

Styles are Iconify's packs of SVG drawings from the npm registry. Classes are made of Unicode's
subgroups, as emojibase lists them. Pixels are drawn on this machine, once, and stay here, since
some of the licenses ask for attribution: Apache-2.0 (noto), CC-BY-4.0 (twemoji), MIT (fluent,
contrast, and the list of emojibase), CC-BY-SA-4.0 (openmoji).
"""

import hashlib
import io
import json
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from da.data.domain import Domain, keep_domain, save_domain
from da.data.label_columns import Column, make_column
from da.system.cache import cache_home
from da.system.download import npm_pack, read_member
from da.system.extras import extra

SIDE = 96
"""Width and height of images, in pixels."""

MOST = 110
"""Most emoji in a class; of more, those with the smallest hashes are taken."""

BOX = {"left": 0, "top": 0, "width": 16, "height": 16}
"""Box of an SVG body, unless the icon or its pack gives another: Iconify's defaults."""

CLASSES = {
    "animal": "animal-*",
    "plant": "plant-flower plant-other",
    "food": "food-fruit food-vegetable food-prepared food-asian food-sweet",
    "clothing": "clothing",
    "vehicle": "transport-ground transport-air transport-water",
    "building": "place-building place-religious",
    "clock": "time",
    "face": "face-smiling face-affection face-tongue face-neutral-skeptical face-sleepy"
    " face-unwell face-hat face-glasses face-concerned face-negative",
    "hand": "hand-fingers-* hand-single-finger hands",
    "person": "person person-gesture person-role person-fantasy",
    "sign": "alphanum arrow av-symbol transport-sign zodiac",
}
"""Each class, with patterns for its Unicode subgroups. Flags are in no class."""


@dataclass(frozen=True)
class Pack:
    """An archive of the npm registry, with its license."""

    package: str
    version: str
    sha256: str
    license: str

    def fetch(self) -> Path:
        """Fetch the archive if it is not on this machine yet, and return its path."""
        return npm_pack(self.package, self.version, self.sha256)


PACKS = {
    "noto": Pack(
        "@iconify-json/noto",
        "1.2.9",
        "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
        "Apache-2.0",
    ),
    "twemoji": Pack(
        "@iconify-json/twemoji",
        "1.2.5",
        "19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7",
        "CC-BY-4.0",
    ),
    "fluent": Pack(
        "@iconify-json/fluent-emoji-flat",
        "1.2.6",
        "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
        "MIT",
    ),
    "contrast": Pack(
        "@iconify-json/fluent-emoji-high-contrast",
        "1.2.6",
        "0b92d48c90d2200bd499e3cdd09a127ca6a8c8ddefd34c35eb5a1e4994012ae0",
        "MIT",
    ),
    "openmoji": Pack(
        "@iconify-json/openmoji",
        "1.2.29",
        "03181e2c156cab35cf4a62f1f7886bd971d59212e75ac3f189d5a4cae3930fc5",
        "CC-BY-SA-4.0",
    ),
}
"""Each style, with the archive of its drawings."""

DOMAINS = "noto", "twemoji", "fluent", "contrast", "openmoji"
LABEL_COLUMNS = "class", "subgroup"
assert tuple(PACKS) == DOMAINS

GROUPS = Pack(
    "emojibase-data",
    "17.0.0",
    "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a",
    "MIT",
)
"""The archive that lists the subgroup of each emoji."""


def open_domain(name: str, columns: tuple[str, ...] = ()) -> Domain:
    """Open a style: 785 images of 96 x 96 pixels, those of a class in the order of their hashes.

    A row is the same emoji in every style. The hash of its code points mod 100 says what it is for:
    below 40 for source training, from 40 to 74 for target training, from 75 on for tests. So no
    emoji is in two of these. A supervised task, `emoji:noto`, trains on all below 75 except the
    validation images.

    Args:
        name: Name of the style.
        columns: Label columns, the first as the class; empty for `class` alone.

    Raises:
        ValueError: If a pack cannot be fetched, or a column is unknown.
    """
    recipe = repr((PACKS, GROUPS, CLASSES, SIDE, MOST, _resvg().__version__))
    version = hashlib.sha256(recipe.encode()).hexdigest()[:8]
    path = cache_home() / "emoji" / version / name
    if not path.exists():  # before `make_once`, so that only the failed fetch is reported
        for pack in (*PACKS.values(), GROUPS):
            pack.fetch()
    domain = keep_domain(path, lambda folder: _make(name, folder))
    return domain.with_columns(_columns(domain), columns, "emoji") if columns else domain


def _columns(domain: Domain) -> dict[str, Column]:
    """Return all label columns of a style, whose rows are the same emoji in each."""
    found = _subgroups(GROUPS)
    subgroups = [found[points] for some in choose().values() for points in some]
    own = Column("class", domain.classes, domain.y)
    return {"class": own, "subgroup": make_column("subgroup", subgroups)}


@lru_cache(maxsize=1)
def _subgroups(listed_in: Pack) -> dict[str, str]:
    """Read Unicode's subgroup of each emoji, by its code points; flags have none here."""
    archive = listed_in.fetch()
    names = json.loads(read_member(archive, "package/meta/groups.json"))["subgroups"]
    listed = json.loads(read_member(archive, "package/en/data.json"))
    return {
        emoji["hexcode"].lower().replace("-fe0f", ""): names.get(str(emoji.get("subgroup")), "")
        for emoji in listed
    }


def choose() -> dict[str, list[str]]:
    """Choose the emoji of each class, given by code points in lower-case hex joined by '-'.

    Only emoji that all styles draw are chosen. None has a skin tone, since emojibase keeps these
    under `skins`.
    """
    drawn = set.intersection(*(set(_chars(style)) for style in PACKS))
    found: dict[str, list[str]] = {label: [] for label in CLASSES}
    for points, subgroup in _subgroups(GROUPS).items():
        for label, patterns in CLASSES.items():
            if points in drawn and any(fnmatchcase(subgroup, p) for p in patterns.split()):
                found[label].append(points)
    return {label: sorted(emoji, key=hash_points)[:MOST] for label, emoji in found.items()}


def hash_points(points: str) -> int:
    """Compute the SHA-256 of an emoji's code points, as a number."""
    return int(hashlib.sha256(points.encode()).hexdigest(), 16)


def render(icons: dict[str, Any], name: str) -> UInt8[np.ndarray, "h w 3"]:
    """Render one drawing of an Iconify `icons.json`, fitted into a white square.

    SVG's currentColor is black.
    """
    icon = _icon(icons, name)
    box = " ".join(str({**BOX, **icons, **icon}[side]) for side in BOX)
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{SIDE}" height="{SIDE}" viewBox="{box}" color="black">{icon["body"]}</svg>'
    )
    png = _resvg().svg_to_bytes(svg_string=svg, background="white", skip_system_fonts=True)
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def _resvg() -> Any:
    with extra("emoji", "the data set emoji"):
        import resvg_py
    return resvg_py


def _icon(icons: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the fields of an icon; an alias has its own, and otherwise those of its parent."""
    alias = icons.get("aliases", {}).get(name)
    if alias is None:
        return icons["icons"][name]
    assert not {"hFlip", "vFlip", "rotate"} & set(alias), f"{name}: no emoji is turned"
    return {**_icon(icons, alias["parent"]), **alias}


def _chars(style: str) -> dict[str, str]:
    """Read the code points of the emoji that a style draws, with the names of their icons."""
    return json.loads(read_member(PACKS[style].fetch(), "package/chars.json"))


def _make(style: str, folder: Path) -> None:
    chosen = choose()
    emoji = [points for some in chosen.values() for points in some]
    print(f"emoji: rendering {style} ({len(emoji)} pictograms)", file=sys.stderr)
    names = _chars(style)
    icons = json.loads(read_member(PACKS[style].fetch(), "package/icons.json"))
    x = np.stack([render(icons, names[points]) for points in emoji])
    y = np.repeat(np.arange(len(chosen)), [len(some) for some in chosen.values()])
    h = np.array([hash_points(points) % 100 for points in emoji])
    test = np.flatnonzero(h >= 75)
    rows = {
        "source_train": np.flatnonzero(h < 40),
        "source_test": test,
        "target_train": np.flatnonzero((h >= 40) & (h < 75)),
        "target_test": test,
    }
    save_domain(folder, x, y, tuple(chosen), rows)
