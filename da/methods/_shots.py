"""Which methods learn from labeled target images. Does not import torch."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from da.methods.base import Method


def mixes_shots(kind: "type[Method]") -> bool:
    """Return whether a method takes labeled target images as if they were of the source.

    Half of each source batch is of them then. Methods with other features for source images than
    for target images cannot, nor those that never see the source.
    """
    own = kind.overrides("embed_source")
    return not (kind.takes_shots or kind.source_free or kind.frozen_only or kind.takes_names or own)
