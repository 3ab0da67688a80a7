import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from da.data.datasets import emoji, split_domains
from da.data.domain import PARTS

EDGES = ["1f499", "1f51a", "1f412", "1f4d1"]
"""Their hashes are 39, 40, 74 and 75."""
ANIMALS = [f"{0x1F430 + i:x}" for i in range(26)] + EDGES
RED, WHITE, BLACK = (255, 0, 0), (255, 255, 255), (0, 0, 0)
FILLS = dict(zip(emoji.PACKS, [RED, (0, 255, 0), (0, 0, 255), BLACK, (9, 9, 9)], strict=True))


def write(archive: Path, **content: Any) -> None:
    """A pack as npm brings it: JSON files under package/, their names with _ for /."""
    with tarfile.open(archive, "w:gz") as tar:
        for name, value in content.items():
            data = json.dumps(value).encode()
            entry = tarfile.TarInfo(f"package/{name.replace('_', '/')}.json")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


def listed(hexcode: str, **more: Any) -> dict[str, Any]:
    """An entry of emojibase's data.json."""
    return {"label": hexcode, "hexcode": hexcode, "type": 1, "version": 1, **more}


def tall(points: str) -> int:
    """Pixel rows of an emoji's toy drawing, the same in all styles."""
    return 4 * (emoji.hash_points(points) % 24 + 1)


def body(points: str, style: str) -> str:
    return f'<rect width="24" height="{tall(points) // 4}" fill="rgb{FILLS[style]}"/>'


@pytest.fixture
def packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five styles of 30 animals, a plant, a toned hand and a flag; openmoji lacks one animal."""
    monkeypatch.setenv("DA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(emoji, "npm_pack", lambda package, *_: tmp_path / Path(package).name)
    hand = listed("1F44B", subgroup=16, skins=[listed("1F44B-1F3FB", subgroup=16, tone=1)])
    others = [listed("2618-FE0F", subgroup=41), hand, listed("1F1EB-1F1F7", subgroup=98)]
    write(
        tmp_path / "emojibase-data",
        en_data=[listed(p.upper(), subgroup=34) for p in ANIMALS] + others + [listed("1F1E6")],
        meta_groups={
            "subgroups": {
                "16": "hand-fingers-open",
                "34": "animal-mammal",
                "41": "plant-other",
                "98": "country-flag",
            }
        },
    )
    drawn = [*ANIMALS, "2618", "1f44b", "1f44b-1f3fb", "1f1eb-1f1f7", "1f1e6"]
    for style, pack in emoji.PACKS.items():
        names = {points: f"icon-{points}" for points in drawn}
        if style == "openmoji":
            del names[ANIMALS[0]]
        icons = {name: {"body": body(points, style)} for points, name in names.items()}
        write(
            tmp_path / Path(pack.package).name,
            chars=names,
            icons={"prefix": style, "icons": icons, "width": 24, "height": 24},
        )
    return tmp_path


def icons(body: str, **box: float) -> dict[str, Any]:
    return {"prefix": "toy", "icons": {"a": {"body": body, **box}}, "width": 24, "height": 24}


def order() -> list[str]:
    return [points for some in emoji.choose().values() for points in some]


def colors(x: np.ndarray) -> set[tuple[int, ...]]:
    return set(map(tuple, np.unique(x.reshape(-1, 3), axis=0).tolist()))


def test_an_icon_covers_its_own_box() -> None:
    rect = '<rect x="10" y="-20" width="5" height="5" fill="red"/>'
    x = emoji.render(icons(rect, left=10, top=-20, width=5, height=5), "a")
    assert x.shape == (96, 96, 3)
    assert x.dtype == np.uint8
    assert colors(x) == {RED}


def test_a_box_is_the_packs_unless_the_icon_has_one() -> None:
    x = emoji.render(icons('<rect width="12" height="24" fill="red"/>'), "a")
    assert colors(x[:, :48]) == {RED}
    assert colors(x[:, 48:]) == {WHITE}


def test_an_icon_that_is_not_square_keeps_its_proportions() -> None:
    x = emoji.render(icons('<rect width="24" height="12" fill="red"/>', height=12), "a")
    assert colors(x[24:72]) == {RED}
    assert colors(x[:24]) == colors(x[72:]) == {WHITE}


def test_current_color_is_black_on_white() -> None:
    x = emoji.render(icons('<path fill="currentColor" d="M0 0h12v24h-12z"/>'), "a")
    assert colors(x[:, :48]) == {BLACK}
    assert colors(x[:, 48:]) == {WHITE}


def test_an_alias_is_its_parent_but_for_its_own_fields() -> None:
    pack = icons('<rect width="12" height="24" fill="red"/>')
    pack["aliases"] = {"b": {"parent": "a"}, "c": {"parent": "b", "width": 12, "height": 12}}
    assert (emoji.render(pack, "b") == emoji.render(pack, "a")).all()
    assert colors(emoji.render(pack, "c")) == {RED}


def test_skin_tones_and_flags_and_what_a_style_lacks_are_out(packs: Path) -> None:
    chosen = emoji.choose()
    assert tuple(chosen) == tuple(emoji.CLASSES)
    assert set(chosen["animal"]) == set(ANIMALS[1:])
    assert chosen["plant"] == ["2618"]
    assert chosen["hand"] == ["1f44b"]
    assert sum(map(len, chosen.values())) == 31


def test_of_many_emoji_those_of_the_smallest_hash_stay(
    packs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_order = sorted(ANIMALS[1:], key=lambda p: hashlib.sha256(p.encode()).hexdigest())
    monkeypatch.setattr(emoji, "MOST", 4)
    assert emoji.choose()["animal"] == in_order[:4]


def test_parts_follow_the_hash_of_the_code_points(packs: Path) -> None:
    domain = emoji.open_domain("noto")
    for row, points in enumerate(order()):
        h = int(hashlib.sha256(points.encode()).hexdigest(), 16) % 100
        train = "source_train" if h < 40 else "target_train"
        expected = {train} if h < 75 else {"source_test", "target_test"}
        assert {part for part in PARTS if row in domain.rows[part]} == expected
    assert [emoji.hash_points(points) % 100 for points in EDGES] == [39, 40, 74, 75]


def test_rows_are_the_same_emoji_in_every_style(packs: Path) -> None:
    first = emoji.open_domain("noto")
    assert first.y.tolist() == [0] * 29 + [1, 8]
    for style, fill in FILLS.items():
        domain = emoji.open_domain(style)
        assert torch.equal(domain.y, first.y)
        assert all(torch.equal(domain.rows[part], first.rows[part]) for part in PARTS)
        for x, points in zip(domain.x.numpy(), order(), strict=True):
            assert (x[: tall(points)] == fill).all()
            assert (x[tall(points) :] == WHITE).all()


def test_a_style_is_drawn_once_and_anew_after_a_change(
    packs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    emoji.open_domain("fluent")
    assert capsys.readouterr().err == "emoji: rendering fluent (31 pictograms)\n"
    emoji.open_domain("fluent")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(emoji, "MOST", 4)
    assert len(emoji.open_domain("fluent").y) == 6


def test_an_unknown_style_is_named_with_the_known() -> None:
    assert split_domains("emoji", "noto-openmoji") == ("noto", "openmoji")
    with pytest.raises(ValueError, match="'nota' in 'nota-noto', known: noto, twemoji, fluent"):
        split_domains("emoji", "nota-noto")


def test_a_failed_fetch_is_reported_as_that_alone(
    packs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: str) -> Path:
        raise OSError("cannot write pack.tgz")

    monkeypatch.setattr(emoji, "npm_pack", full)
    with pytest.raises(OSError, match=r"^cannot write pack\.tgz$"):
        emoji.open_domain("noto")


def test_a_drawn_style_needs_no_pack(packs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emoji.open_domain("noto")
    monkeypatch.setattr(emoji, "npm_pack", None)
    assert len(emoji.open_domain("noto").y) == 31


def test_subgroups_are_a_label_column(packs: Path) -> None:
    domain = emoji.open_domain("noto", ("class", "subgroup"))
    (column,) = domain.columns
    assert domain.classes == tuple(emoji.CLASSES)
    found = [column.classes[c] for c in column.y]
    assert [name.partition("-")[0] for name in found] == ["animal"] * 29 + ["plant", "hand"]
