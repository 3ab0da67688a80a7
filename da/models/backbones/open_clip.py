"""Encoders of images and texts in one space, of open_clip: CLIP, SigLIP and their like.

`open_clip:MODEL/WEIGHTS` has weights by their tag, as in `open_clip:ViT-B-32/laion2b_s34b_b79k`,
or a file of these. A folder with `open_clip_config.json`, and with weights, also works. Features
are the projection of images, or of texts.
"""

import difflib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from da.config.choices import Interpolation
from da.models.backbones._timm import look_for_hub
from da.models.text_encoder import TextEncoder, Tokenize, TwoTowers
from da.system.extras import extra

SYNTAX = "open_clip:MODEL/WEIGHTS"

_FOLDER, _HUB = "local-dir:", "hf-hub:"
"""How the library writes where a model is described."""


def build(pretrained: bool, name: str = "") -> TwoTowers:
    """Build both towers of a model.

    Args:
        pretrained: Whether to load the weights; random ones otherwise.
        name: Name of the model, and after a slash that of the weights; or a folder.
    """
    model, weights = _split(name)
    if pretrained and not weights and not model.startswith((_FOLDER, _HUB)):
        raise ValueError(f"open_clip:{name} names no weights, known: {_tags(model)}")
    with _explained(name) as library:
        network = library.create_model(
            model,
            weights if pretrained else None,
            load_weights=pretrained,
            require_pretrained=pretrained,
            pretrained_text=False,
            force_custom_text=True,
        )
        return _two_towers(library, model, network)
    raise AssertionError  # the block above ends in a result or an error


def build_tokenizer(name: str) -> Tokenize:
    """Build what turns texts into tokens for a model."""
    model, _ = _split(name)
    with _explained(name) as library:
        return partial(_tokenize, library.get_tokenizer(model))
    raise AssertionError  # as above


def _two_towers(library: Any, model: str, network: Any) -> TwoTowers:
    how = library.get_model_preprocess_cfg(network)
    size = how["size"] if isinstance(how["size"], int) else how["size"][0]
    tokenizer = library.get_tokenizer(model)
    scale = network.logit_scale.exp().item()
    example = tokenizer(["text"])
    width = _width(network, example)
    texts = _Texts(network.text, example.shape[1])
    text = TextEncoder(texts, width, partial(_tokenize, tokenizer), model, scale)
    kind: Interpolation = "bilinear" if how["interpolation"] == "bilinear" else "bicubic"
    return TwoTowers(network.visual, width, how["mean"], how["std"], size, kind, text)


@torch.no_grad()
def _width(network: Any, tokens: Int[Tensor, "1 t"]) -> int:
    """Return the number of features, which the library has under no name of its own."""
    found = network.eval().encode_text(tokens).shape[1]
    network.train()
    return found


def _tokenize(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    return tokenizer(texts).tolist()


class _Texts(nn.Module):
    """A tower of texts, which takes as many tokens as its tokenizer gives, padding included."""

    def __init__(self, tower: nn.Module, length: int) -> None:
        super().__init__()
        self.tower, self.length = tower, length

    def forward(
        self, tokens: Int[Tensor, "b t"], there: Bool[Tensor, "b t"]
    ) -> Float[Tensor, "b d"]:
        ids = nn.functional.pad(torch.where(there, tokens, 0), (0, self.length - tokens.shape[1]))
        f = self.tower(ids)
        return f[0] if isinstance(f, tuple) else f


def _split(name: str) -> tuple[str, str]:
    """Return the model as the library names it, and the weights.

    Raises:
        ValueError: If there is no such model.
    """
    folder = Path(name).expanduser()
    if name.startswith(_HUB):
        return name, ""
    if (folder / "open_clip_config.json").is_file():
        return f"{_FOLDER}{folder}", ""
    model, _, weights = name.partition("/")
    every = _library(name).list_models()
    if model not in every:
        near = difflib.get_close_matches(name, every, 3) or ["ViT-B-32", "ViT-L-14"]
        raise ValueError(
            f"unknown model {model!r} of open_clip:{name}, known: {', '.join(near)}, any of "
            "open_clip.list_models(), or a folder with open_clip_config.json"
        )
    file = Path(weights).expanduser()
    return model, str(file) if file.is_file() else weights


def _tags(model: str) -> str:
    tags = _library(model).list_pretrained_tags_by_model(model)
    return ", ".join(f"open_clip:{model}/{tag}" for tag in tags[:4]) + ", or a file of weights"


def _library(name: str) -> Any:
    with extra("clip", f"backbone open_clip:{name}"):
        import open_clip
    return open_clip


@contextmanager
def _explained(name: str) -> Iterator[Any]:
    """Give the library, quiet, and turn any error in the block into one line."""
    library = _library(name)
    look_for_hub()
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # it logs what it raises too
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield library
    except Exception as error:  # libraries raise all kinds
        reason = str(error).strip().partition("\n")[0]
        raise ValueError(
            f"no open_clip:{name}: {reason}; known without a network: a folder, a file of weights, "
            "what the library's cache holds, or --init random"
        ) from error
    finally:
        logging.disable(level)
