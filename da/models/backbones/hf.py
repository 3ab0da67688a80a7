"""A network of Hugging Face transformers: an encoder of texts, or both towers of a CLIP.

`hf:NAME` is a folder that `save_pretrained` wrote, with the tokenizer, or a name of the hub.
Features of a text are the mean over its tokens, or with `hf:NAME?pool=cls` those of the first one.
Of a text the first 512 tokens are read, or N with `?tokens=N`, if the network takes so many.
"""

from typing import Any
from urllib.parse import parse_qsl

from torch import nn

from da.models.backbones._transformers import Pool, build_from_transformers, load_tokenizer
from da.models.text_encoder import Tokenize

SYNTAX = "hf:NAME"


def build(pretrained: bool, name: str = "") -> nn.Module:
    """Build the network in a folder, or of the hub.

    Args:
        pretrained: Whether to load its weights; random ones otherwise.
        name: The folder or name, and how texts are read.
    """
    where, pool, tokens = _parse(name)
    return build_from_transformers(where, pretrained, pool, tokens)


def build_tokenizer(name: str) -> Tokenize:
    """Build what turns texts into tokens, as the network of a name reads them."""
    where, _, tokens = _parse(name)
    return load_tokenizer(where, tokens)


def _parse(name: str) -> tuple[str, Pool, int]:
    """Read `NAME?pool=mean|cls&tokens=N`.

    Raises:
        ValueError: If something else stands there.
    """
    where, _, query = name.partition("?")
    words: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    tokens = words.get("tokens", "512")
    known = words.keys() <= {"pool", "tokens"} and words.get("pool", "mean") in ("mean", "cls")
    if not known or not tokens.isdecimal() or int(tokens) < 2 or (query and not words):
        raise ValueError(f"cannot read hf:{name}, known: hf:NAME?pool=mean|cls&tokens=N")
    return where, words.get("pool", "mean"), int(tokens)
