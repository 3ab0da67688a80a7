"""Your own texts, in a CSV or Parquet file: a column of texts, one of labels, and one of domains.

A task is written `text:FILE.csv?text=review&label=stars&domain=shop:A-B`. It adapts from the rows
whose column `shop` is A to those where it is B; `stars` has their classes, two or more, and
`review` their texts. Rows come from your disk; their number is up to you. A target may have an
empty column of labels, and `+unlabelled` after a task does not look at it.

Rows have the roles that images have in tasks of `folder`. Texts need a backbone that reads them,
such as `hf:FOLDER`. Of a text, the first 16,384 bytes are kept. Parquet needs pyarrow.
"""

from da.data.datasets import _columns
from da.data.datasets._columns import Place
from da.data.datasets._vectors import build_domain
from da.data.domain import Domain
from da.data.texts import LONGEST, encode_texts

SYNTAX = "FILE.csv?text=review&label=stars&domain=shop:A-B"
DOMAINS = ()
TEXTS = True

_WORDS = "text", "label", "domain"


def pair(names: str) -> tuple[str, str]:
    """Split `FILE?text=...&label=...&domain=...:A-B` at the dash between two values of the column.

    Raises:
        ValueError: If the file or a column is missing, or there is no such dash or more than one.
    """
    return _columns.split_values(names, _WORDS, SYNTAX)


def open_domain(name: str) -> Domain:
    """Open the rows of a domain, which is named as `pair` names it.

    Raises:
        ValueError: If a row has no text, or only some rows have a label.
    """
    return _open(name, labeled=True)


def open_unlabeled(name: str) -> Domain:
    """Open the rows of a domain, and do not look at labels; errors as for `open_domain`."""
    return _open(name, labeled=False)


def _open(name: str, *, labeled: bool) -> Domain:
    place = _columns.parse_place(name, _WORDS, SYNTAX)
    rows = place.select_rows()
    labels = place.labels(rows) if labeled else None
    texts = _columns.read_texts(place.file, place.column("text"), rows.tolist())
    x = encode_texts(texts, _width(place))
    return build_domain(f"{place.value} in {place.file}", x, labels)


def _width(place: Place) -> int:
    """Return the bytes of the file's longest text, so that equal texts of any domain are equal."""
    lengths = (len(str(cell).encode()) for cell in place.cells("text"))
    return min(LONGEST, max(lengths))
