import pytest
import torch
import torch.nn.functional as F
from torch import nn

from da.models import class_texts
from da.models.class_texts import embed_classes
from da.models.frozen_backbone import FrozenBackbone
from da.models.text_encoder import TextEncoder, TwoTowers

seen: list[list[str]] = []


def tokenize(texts: list[str]) -> list[list[int]]:
    seen.append(texts)
    return [[*map(ord, text)] for text in texts]


class Letters(nn.Module):
    """How often each of a to e is in a text."""

    def forward(self, tokens, there):
        return F.one_hot((tokens - 97).clamp(-1, 5) + 1, 7)[..., 1:6].sum(1).float()


def towers(scale: float = 20.0, about: str = "letters") -> FrozenBackbone:
    text = TextEncoder(Letters(), 5, tokenize, about, scale)
    usual = (0.0,) * 3, (1.0,) * 3, 4, "bicubic"
    return FrozenBackbone(lambda: TwoTowers(nn.Flatten(), 5, *usual, text), name="mine")


def unit(*counts: float) -> torch.Tensor:
    return F.normalize(torch.tensor(counts).float(), dim=0)


def test_a_class_is_the_mean_of_its_sentences_each_of_length_1():
    found, scale = embed_classes(towers(), ["aa_b", "cd"], ["{}", "{} e e e"])
    assert scale == 20
    assert seen[-1] == ["aa b", "aa b e e e", "cd", "cd e e e"]
    first = unit(2, 1, 0, 0, 0) + unit(2, 1, 0, 0, 3)
    second = unit(0, 0, 1, 1, 0) + unit(0, 0, 1, 1, 3)
    for own, wanted in zip(found, (first, second), strict=True):
        torch.testing.assert_close(own, F.normalize(wanted, dim=0))


def test_embeddings_are_computed_once_for_an_encoder_and_its_texts():
    seen.clear()
    for made in (towers(), towers(), towers(about="another")):
        embed_classes(made, ["a", "b"], ["{}"])
    embed_classes(towers(), ["a", "b"], ["one {}"])
    assert len(seen) == 3
    assert class_texts.CLASS_TEXTS


def test_an_encoder_without_images_beside_it_is_refused():
    with pytest.raises(ValueError, match="backbone mine has no space of images and texts, known"):
        embed_classes(towers(scale=0.0), ["a", "b"], ["{}"])


def test_other_braces_of_a_template_are_letters():
    plain, _ = embed_classes(towers(), ["a", "b"], ["{} {x} {"])
    assert plain.isfinite().all()
