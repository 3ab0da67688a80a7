"""Networks of Hugging Face transformers as encoders of texts, and of images next to texts."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from da.models.backbone import Backbone
from da.models.backbones._timm import look_for_hub
from da.models.text_encoder import TextEncoder, Tokenize, TwoTowers
from da.system.extras import extra

Pool = Literal["mean", "cls"]

TOKENS = 512
"""Most tokens of a text that are read, where the name does not say: what BERT takes."""


def build_from_transformers(
    name: str, pretrained: bool, pool: Pool = "mean", tokens: int = TOKENS
) -> nn.Module:
    """Build an encoder of texts, or both towers of a network such as CLIP.

    Args:
        name: Folder of a saved network with its tokenizer, or a name of the hub.
        pretrained: Whether to load its weights; random ones otherwise.
        pool: Which features of tokens are those of a text: their mean, or those of the first.
        tokens: Most tokens of a text that are read.

    Raises:
        ValueError: If the network or its tokenizer cannot be loaded.
    """
    library = _library(name)
    with _explained(name) as where:
        config = library.AutoConfig.from_pretrained(where)
        tokenizer = library.AutoTokenizer.from_pretrained(where)
        network = _load(library, where, config, pretrained)
        if hasattr(config, "vision_config"):
            wants = library.AutoImageProcessor.from_pretrained(where)
            return _two_towers(network, tokenizer, wants)
        return _text_encoder(network, tokenizer, pool, tokens)
    raise AssertionError  # the block above ends in a result or an error


def load_tokenizer(name: str, tokens: int) -> Tokenize:
    """Load what turns texts into tokens, for a network of that name; see the function above."""
    library = _library(name)
    with _explained(name) as where:
        config = library.AutoConfig.from_pretrained(where)
        tokenizer = library.AutoTokenizer.from_pretrained(where)
        text = getattr(config, "text_config", None)
        most = text.max_position_embeddings if text else tokens
        return partial(_tokenize, tokenizer, _most_tokens(text or config, tokenizer, most))
    raise AssertionError  # as above


def _library(name: str) -> Any:
    with extra("text", f"backbone hf:{name}"):
        import transformers
    return transformers


@contextmanager
def _explained(name: str) -> Iterator[str]:
    """Give the folder or hub's name to load from, and turn any error in the block into one line."""
    where = Path(name).expanduser()
    if not where.is_dir():
        if name[:1] in "/~.":
            raise ValueError(f"no folder {name} of a network of transformers")
        look_for_hub()
    try:
        yield str(where)
    except Exception as error:  # libraries raise all kinds
        reason = str(error).strip().partition("\n")[0]
        raise ValueError(
            f"no hf:{name}: {reason}; known without a network: a folder that save_pretrained "
            "wrote, of network and tokenizer, or what the hub's cache holds"
        ) from error


def _load(library: Any, where: str, config: Any, pretrained: bool) -> nn.Module:
    """Build the network of a configuration, and load its weights.

    Args:
        library: The library transformers.
        where: Folder or name of the network.
        config: Its configuration.
        pretrained: Whether to load its weights; random ones otherwise.

    Raises:
        ValueError: If weights of it are missing.
    """
    AutoModel, logging = library.AutoModel, library.utils.logging
    if not pretrained:
        return AutoModel.from_config(config, dtype=torch.float32)
    shown = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        network, about = AutoModel.from_pretrained(
            where, dtype=torch.float32, output_loading_info=True
        )
    finally:
        logging.set_verbosity(shown[0])
        if shown[1]:
            logging.enable_progress_bar()
    missing = [name for name in sorted(about["missing_keys"]) if "pooler" not in name]
    if missing:
        raise ValueError(f"it has no weights of {missing[0]} and {len(missing) - 1} others")
    return network


def _text_encoder(network: Any, tokenizer: Any, pool: Pool, tokens: int) -> TextEncoder:
    config = network.config
    if config.is_encoder_decoder:
        network = network.get_encoder()
    if isinstance(getattr(network, "pooler", None), nn.Module):
        network.pooler = None  # only `pool` says how tokens become a text
    most = _most_tokens(config, tokenizer, tokens)
    body = _Pooled(network, pool, config.pad_token_id or 0)
    about = f"{config.to_json_string()} {pool} {most} {_hash_tokenizer(tokenizer)}"
    return TextEncoder(body, config.hidden_size, partial(_tokenize, tokenizer, most), about)


def _most_tokens(config: Any, tokenizer: Any, wanted: int) -> int:
    """Return how many tokens of a text are read."""
    most = min(tokenizer.model_max_length, getattr(config, "max_position_embeddings", wanted))
    return int(min(wanted, most))


def _tokenize(tokenizer: Any, most: int, texts: list[str]) -> list[list[int]]:
    return tokenizer(texts, truncation=True, max_length=most)["input_ids"]


def _hash_tokenizer(tokenizer: Any) -> str:
    """Return a digest of a tokenizer's vocabulary and rules."""
    fast = getattr(tokenizer, "backend_tokenizer", None)
    text = fast.to_str() if fast else json.dumps(sorted(tokenizer.get_vocab().items()))
    return hashlib.sha256(f"{type(tokenizer).__name__} {text}".encode()).hexdigest()


class _Pooled(nn.Module):
    """A network of tokens whose features are pooled over a text."""

    def __init__(self, network: nn.Module, pool: Pool, pad: int) -> None:
        super().__init__()
        self.network, self.pool, self.pad = network, pool, pad

    def forward(
        self, tokens: Int[Tensor, "b t"], there: Bool[Tensor, "b t"]
    ) -> Float[Tensor, "b d"]:
        ids = torch.where(there, tokens, self.pad)
        f = self.network(input_ids=ids, attention_mask=there.long()).last_hidden_state
        if self.pool == "cls":
            return f[:, 0]
        return (f * there[..., None]).sum(1) / there.sum(1, keepdim=True)


def _two_towers(network: Any, tokenizer: Any, wants: Any) -> Backbone:
    """Return both towers of a network such as CLIP, with its normalization of images."""
    text, vision = network.config.text_config, network.config.vision_config
    images = _Tower(network.vision_model, getattr(network, "visual_projection", None))
    texts = _Tower(network.text_model, getattr(network, "text_projection", None))
    width = getattr(network.config, "projection_dim", 0) if images.projection else 0
    most = _most_tokens(text, tokenizer, text.max_position_embeddings)
    about = f"{network.config.to_json_string()} {most} {_hash_tokenizer(tokenizer)}"
    encoder = TextEncoder(
        _Texts(texts, text.pad_token_id or 0, full=not images.projection and most),
        width or text.hidden_size,
        partial(_tokenize, tokenizer, most),
        about,
        network.logit_scale.exp().item(),
    )
    mean, std = wants.image_mean, wants.image_std
    return TwoTowers(
        images, width or vision.hidden_size, mean, std, vision.image_size, "bicubic", encoder
    )


class _Tower(nn.Module):
    """A tower, and the projection of its pooled features where it has one."""

    def __init__(self, network: nn.Module, projection: nn.Module | None) -> None:
        super().__init__()
        self.network, self.projection = network, projection

    def forward(self, *x: Any, **named: Any) -> Float[Tensor, "b d"]:
        f = self.network(*x, **named).pooler_output
        return self.projection(f) if self.projection else f


class _Texts(nn.Module):
    """A tower of texts; one without a projection, as SigLIP's, has seen texts of one length."""

    def __init__(self, tower: _Tower, pad: int, full: int) -> None:
        super().__init__()
        self.tower, self.pad, self.full = tower, pad, full

    def forward(
        self, tokens: Int[Tensor, "b t"], there: Bool[Tensor, "b t"]
    ) -> Float[Tensor, "b d"]:
        ids = torch.where(there, tokens, self.pad)
        if self.full:
            ids = nn.functional.pad(ids, (0, self.full - ids.shape[1]), value=self.pad)
            return self.tower(input_ids=ids)
        return self.tower(input_ids=ids, attention_mask=there.long())
