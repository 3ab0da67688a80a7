"""Check domains: what a user's data set opened, and whether those of a task go together."""

from typing import Any

import torch
from torch import Tensor

from da.data.domain import PARTS, Domain
from da.data.label_columns import check_column
from da.data.stored_rows import StoredRows
from da.data.texts import holds_texts


def check_domain(domain: Any, where: str) -> None:
    """Check what a user's data set opened.

    Args:
        domain: What it gave.
        where: Where it did, for messages.

    Raises:
        ValueError: It is no domain, or its parts do not fit together.
    """
    if not isinstance(domain, Domain):
        raise ValueError(f"{where} gives {type(domain).__name__}, known: Domain")
    x, y, count = domain.x, domain.y, len(domain.x)
    forms = (torch.uint8, 4), (torch.float32, 2)
    if not isinstance(x, StoredRows) or (x.dtype, x.ndim) not in forms:
        raise ValueError(f"{where} has another x than bytes b h w c, or float32 features b d")
    if x.ndim == 4 and x.shape[3] not in (1, 3):
        raise ValueError(f"{where} has x of shape {tuple(x.shape)}, known: b h w c with 3 colors")
    fits = _are_below(y, len(domain.classes)) or (isinstance(y, Tensor) and bool((y == -1).all()))
    if not fits or len(y) != count:
        raise ValueError(f"{where} has another y than the place in classes of each row of x, int64")
    if {*domain.rows} != {*PARTS} or not all(_are_below(r, count) for r in domain.rows.values()):
        raise ValueError(f"{where} has other rows than of x, int64, for {', '.join(PARTS)}")
    if not isinstance(domain.digest, str):
        raise ValueError(f"{where} has digest {domain.digest!r}, known: a text, as SHA-256 of x")
    for column in domain.columns:
        check_column(column, count, where)


def _are_below(numbers: Any, limit: int) -> bool:
    if not isinstance(numbers, Tensor) or numbers.dtype != torch.int64 or numbers.ndim != 1:
        return False
    return not len(numbers) or 0 <= int(numbers.min()) <= int(numbers.max()) < limit


def require_same_form(task: str, domains: dict[str, Domain]) -> None:
    """Refuse images next to rows, and rows of other widths; texts have forms of their own.

    Raises:
        ValueError: Domains differ in this.
    """
    if any(holds_texts(d.x) for d in domains.values()):
        return
    forms = [
        tuple(d.x.shape[1:] if d.x.is_floating_point() else d.x.shape[3:]) for d in domains.values()
    ]
    if len({*forms}) > 1:
        each = [f"{name} has {_describe_form(d)}" for name, d in domains.items()]
        raise ValueError(f"{task}: both domains need the same features, but {' and '.join(each)}")


def _describe_form(domain: Domain) -> str:
    return f"rows of {domain.x.shape[1]} numbers" if domain.x.ndim == 2 else "images"
