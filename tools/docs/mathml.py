"""Equations as MathML, which browsers show without JavaScript."""

from typing import Any

from latex2mathml.converter import convert


def format_fence(source: str, *_: Any, **__: Any) -> str:
    """Turn the LaTeX of a `math` fence into MathML.

    Args:
        source: Text between the fences.
    """
    return f'<div class="equation">{convert(source.strip(), display="block")}</div>'
