"""A page for each published data set: what its file says of it, and what papers print."""

from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from da.config.registry import DATASETS
from da.data.catalog import list_tasks
from da.data.class_lists import published_counts
from da.results.literature.benchmarks import BENCHMARKS, DIFFERS
from da.results.shown_metric import TITLES
from tools.docs.markdown import NOTE, paragraphs, table
from tools.docs.printed_numbers import render_numbers

MOST_CLASSES = 12
"""Most classes that are named on a page."""

PIECE = 40
"""Most letters of a checksum on a line."""


def names() -> tuple[str, ...]:
    """Return the names of published data sets: those that are compared, or that papers print."""
    printed = {benchmark.data for benchmark in BENCHMARKS} - {data for data, _ in DIFFERS}
    own = (name for name, found in DATASETS.plug_ins().items() if found.own)
    return tuple(
        name for name in sorted(own) if name in printed or hasattr(DATASETS[name], "check")
    )


def render_pages() -> dict[str, str]:
    """Return the text of each page by its name."""
    return {name: _render(name, DATASETS[name]) for name in names()}


def _render(name: str, module: ModuleType) -> str:
    first, *rest = paragraphs(module.__doc__)
    metric = getattr(module, "METRIC", "accuracy")
    sections = {
        "": "\n\n".join([f"**{first}**", *rest]),
        "Domains": _domains(module),
        "At a glance": _facts(name, module, metric),
        "Where it comes from": _origin(module),
        "Known defects": "\n".join(f"- {text}" for text in getattr(module, "DEFECTS", ())),
        "Use it": _commands(name, module),
        "Printed numbers": render_numbers(name, metric),
    }
    parts = [NOTE, f"# {name}"]
    parts += [
        f"## {title}\n\n{text}".removeprefix("## \n\n") for title, text in sections.items() if text
    ]
    return "\n\n".join(parts) + "\n"


def _domains(module: ModuleType) -> str:
    """Render each domain with its published numbers of images and the names of its folder."""
    known = getattr(module, "SET", None)
    folders = getattr(known, "domains", {})
    rows = [
        (
            f"`{name}`",
            _images(module, name),
            ", ".join(f"`{each}`" for each in folders.get(name, ())),
        )
        for name in module.DOMAINS
        if name
    ]
    heads = ["domain", "images", "names of its folder"]
    keep = [i for i in range(3) if i == 0 or any(row[i] for row in rows)]
    shown = (
        table([heads[i] for i in keep], [[row[i] for i in keep] for row in rows]) if rows else ""
    )
    return "\n\n".join(filter(None, [shown, _explain_images([row[1] for row in rows])]))


def _explain_images(images: list[str]) -> str:
    """Say what two numbers of images are, and why some are missing."""
    parts = "Two numbers are of training and test images." * any("/" in each for each in images)
    absent = "`da data --check` compares no number for the others." * (
        any(images) and not all(images)
    )
    return f"{parts} {absent}".strip()


def _images(module: ModuleType, name: str) -> str:
    """Return the published number of images of a domain, or of its training and test images."""
    known = getattr(module, "SET", None)
    version = next(iter(getattr(known, "versions", ())), "")
    columns = [name, f"{name}_train", f"{name}_test"] if version else []
    counts = [sum(published_counts(version, column).values()) for column in columns]
    totals: dict[str, Any] = {**getattr(known, "totals", {}), **getattr(module, "TOTALS", {})}
    totals |= getattr(module, "COUNTS", {})
    if name in totals:
        counts = [*totals[name]] if isinstance(totals[name], tuple) else [totals[name]]
    found = [f"{count:,}" for count in counts if count]
    return f"{found[0]} / {found[1]}" if len(found) == 2 else "".join(found)


def _facts(name: str, module: ModuleType, metric: str) -> str:
    known, origin = getattr(module, "SET", None), _origin_of(module)
    classes = getattr(known, "names", ()) or getattr(known, "classes", ())
    classes = classes or getattr(module, "CLASSES", ())
    license = getattr(module, "LICENSE", "") or getattr(origin, "license", "")
    folders = [*getattr(known, "folders", ()), *dict.fromkeys(_tables(known))]
    rows = [
        ("classes", _classes(classes)),
        ("usual metric", f"{TITLES[metric]} (`{metric}`)"),
        ("license", license),
        ("names of its folder", ", ".join(f"`{folder}`" for folder in folders)),
        ("lists", f"`{known.lists}`" if getattr(known, "lists", "") else ""),
        ("orders of its classes", ", ".join(f"`@{o}`" for o in getattr(module, "ORDERS", ()))),
    ]
    return "\n".join(f"- {head}: {text}" for head, text in rows if text)


def _classes(names: Any) -> str:
    if not isinstance(names, tuple) or not names:
        return ""
    listed = ", ".join(names[:MOST_CLASSES])
    return f"{len(names):,}: {listed}" + (" and so on" if len(names) > MOST_CLASSES else "")


def _tables(known: Any) -> list[str]:
    """Return the folders of the tables of a data set of WILDS."""
    return [each.folder for each in getattr(known, "tables", {}).values()]


def _origin_of(module: ModuleType) -> Any:
    return getattr(module, "ORIGIN", None) or getattr(getattr(module, "SET", None), "origin", None)


def _origin(module: ModuleType) -> str:
    """Render the files that a data set comes as."""
    files = getattr(_origin_of(module), "files", ())
    rows = [
        (
            f"`{f.name}`",
            f"[{urlsplit(f.url).netloc}]({f.url})" if f.url else f.place,
            _digest(f.digest),
        )
        for f in files
    ]
    fetched = (
        "`da data` fetches those that have an address, where a network lets it." if rows else ""
    )
    heads = ("file", "place", "checksum")
    wide = 3 if any(row[2] for row in rows) else 2
    return f"{table(heads[:wide], [row[:wide] for row in rows])}\n\n{fetched}" if rows else ""


def _digest(digest: str) -> str:
    """Render a checksum in pieces that fit into a column of a page."""
    return "<br>".join(f"`{digest[i : i + PIECE]}`" for i in range(0, len(digest), PIECE))


def _commands(name: str, module: ModuleType) -> str:
    own = f"export DA_DATA=/data\nda data {name} --check\n" if hasattr(module, "check") else ""
    lines = f"{own}da train --task {list_tasks(name)[0]} source_only"
    return f"<!-- test: only parse -->\n```sh\n{lines}\n```"
