"""Encoders of texts, and what turns texts into their input."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.config.choices import Interpolation
from da.data.domain import Domain
from da.data.stored_rows import take_rows
from da.data.texts import decode_texts, holds_texts
from da.models.backbone import Backbone

Tokenize = Callable[[list[str]], list[list[int]]]
"""Function from texts to the numbers of their tokens, in lists of any length."""


READERS = "hf:NAME, open_clip:MODEL/WEIGHTS"
"""Backbones that read texts."""


class TextEncoder(nn.Module):
    """A network from tokens to one vector a text.

    Args:
        body: Module from tokens `b t`, and which of them are there, to features `b d`.
        width: Number of its features.
        tokenize: Function from texts to tokens, of which there are at most as many as it takes.
        about: Text that names what features depend on besides weights, such as the tokenizer.
        scale: Factor of cosines with images, for encoders that share a space with these; 0 for
            others.
    """

    def __init__(
        self, body: nn.Module, width: int, tokenize: Tokenize, about: str, scale: float = 0.0
    ) -> None:
        super().__init__()
        self.body, self.width, self.tokenize = body, width, tokenize
        self.about, self.scale = about, scale

    def forward(self, tokens: Int[Tensor, "b t"]) -> Float[Tensor, "b d"]:
        """Return features of texts; -1 stands for no token, after the last one of a text."""
        there = tokens >= 0
        if not torch.compiler.is_exporting():
            longest = max(1, int(there.sum(1).max()))
            tokens, there = tokens[:, :longest], there[:, :longest]
        return self.body(tokens, there)


class TwoTowers(Backbone):
    """An encoder of images whose features are in one space with those of an encoder of texts.

    The latter is no part of the network: no run trains it.
    """

    def __init__(
        self,
        body: nn.Module,
        width: int,
        mean: Sequence[float],
        std: Sequence[float],
        side: int,
        interpolation: Interpolation,
        text: TextEncoder,
    ) -> None:
        super().__init__(body, width, mean, std, side, interpolation)
        self._beside = (text,)

    @property
    def text(self) -> TextEncoder:
        """The encoder of texts."""
        return self._beside[0]


def find_text_encoder(backbone: nn.Module, name: str) -> TextEncoder:
    """Return the part of a backbone that reads texts: itself, or its second tower.

    Raises:
        ValueError: If it has none.
    """
    if isinstance(backbone, TwoTowers):
        return backbone.text
    if isinstance(backbone, TextEncoder):
        return backbone
    raise ValueError(f"backbone {name} reads no texts, known: {READERS}")


def read_texts(backbone: nn.Module, name: str, *domains: Domain) -> list[Domain]:
    """Return domains as a backbone that trains reads them: texts as tokens, images as they are.

    Args:
        backbone: Backbone that reads them.
        name: Its name in errors.
        *domains: Domains of a task.

    Raises:
        ValueError: If the backbone reads no texts, or only some domains are of these.
    """
    of_texts = [holds_texts(domain.x) for domain in domains]
    if not any(of_texts):
        return [*domains]
    if not all(of_texts):
        raise ValueError("a task of texts and images needs regime frozen")
    return to_tokens(find_text_encoder(backbone, name), *domains)


def to_tokens(encoder: TextEncoder, *domains: Domain) -> list[Domain]:
    """Return domains with tokens in place of texts, all of one width; others stay as they are."""
    read = [
        encoder.tokenize(decode_texts(take_rows(d.x, None))) if holds_texts(d.x) else []
        for d in domains
    ]
    width = max((len(row) for rows in read for row in rows), default=0)
    found = []
    for domain, rows in zip(domains, read, strict=True):
        if rows:
            x = fill_tokens(rows, width)
            digest = hashlib.sha256(x.numpy().data).hexdigest()
            domain = replace(domain, x=x, digest=digest)
        found.append(domain)
    return found


def fill_tokens(rows: list[list[int]], width: int = 0) -> Int[Tensor, "b t"]:
    """Return tokens as a tensor, with -1 after the last one of each text.

    Args:
        rows: Tokens of each text.
        width: Numbers of a row; 0 for those of the longest text.
    """
    width = width or max(map(len, rows))
    return torch.tensor([row + [-1] * (width - len(row)) for row in rows])
