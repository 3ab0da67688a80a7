from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

from da.data.domain import Domain
from da.data.texts import encode_texts
from da.models import features
from da.models.backbone import fingerprint
from da.models.features import Recipe
from da.models.frozen_backbone import FrozenBackbone
from da.models.text_encoder import TextEncoder, TwoTowers, find_text_encoder, read_texts

CPU = torch.device("cpu")


class Means(nn.Module):
    """Each text's mean code of a letter, and the number of tokens that it was shown."""

    def forward(self, tokens, there):
        mean = (tokens * there).sum(1) / there.sum(1)
        return torch.stack([mean, torch.full_like(mean, tokens.shape[1])], 1)


def encoder(about: str = "letters") -> TextEncoder:
    return TextEncoder(Means(), 2, lambda texts: [[*map(ord, text)] for text in texts], about)


def domain(*texts: str) -> Domain:
    rows = dict.fromkeys(
        ("source_train", "source_test", "target_train", "target_test"), torch.arange(len(texts))
    )
    x = torch.from_numpy(encode_texts(texts))
    return Domain(("a", "b"), x, torch.arange(len(texts)) % 2, rows, str(texts))


def test_texts_become_tokens_of_one_width_and_padding_changes_nothing():
    short, long = read_texts(encoder(), "mine", domain("ab", "b"), domain("abcdef", "c"))
    assert short.x.shape == long.x.shape == (2, 6)
    assert short.x[1].tolist() == [ord("b"), *[-1] * 5]
    assert short.digest != long.digest
    assert encoder()(short.x)[:, 0].tolist() == [97.5, 98]
    assert encoder()(short.x)[:, 1].tolist() == [2, 2]  # columns without a token are cut off


def test_frozen_features_are_of_texts_and_of_all_that_reads_them(capsys):
    texts = domain("ab", "b")
    found = [
        features.extract_features(texts, FrozenBackbone(partial(encoder, about)), Recipe(), CPU).x
        for about in ("letters", "letters", "another tokenizer")
    ]
    assert found[0].equal(found[1])
    assert capsys.readouterr().err.count("features of 2 texts, once for all runs") == 2
    assert fingerprint(encoder()) != fingerprint(encoder("another tokenizer"))


def test_the_second_tower_reads_texts_and_is_no_part_of_the_network():
    text = encoder()
    both = TwoTowers(nn.Flatten(), 2, (0.0,) * 3, (1.0,) * 3, 4, "bicubic", text)
    assert find_text_encoder(both, "mine") is text
    assert not [*both.parameters()]
    assert not any(isinstance(part, TextEncoder) for part in both.modules())
    found = features.extract_features(domain("ab"), FrozenBackbone(lambda: both), Recipe(), CPU)
    assert found.x.shape == (1, 2)


def test_what_reads_no_texts_says_so():
    with pytest.raises(ValueError, match=r"^backbone lenet reads no texts, known: hf:NAME"):
        read_texts(nn.Flatten(), "lenet", domain("ab"))
    images = replace(domain("a", "b"), x=torch.zeros(2, 8, 8, 3, dtype=torch.uint8))
    with pytest.raises(ValueError, match="texts and images needs regime frozen"):
        read_texts(encoder(), "mine", domain("ab", "b"), images)
    assert read_texts(nn.Flatten(), "lenet", images)[0] is images
