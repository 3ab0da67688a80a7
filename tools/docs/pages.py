"""Every generated file of docs/ and what it contains."""

from collections.abc import Callable
from pathlib import Path

from tools.docs import (
    catalog,
    cli,
    datasets,
    methods,
    notebook,
    papers,
    plots,
    python,
    results,
    settings,
)

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"

TOP: dict[str, Callable[[], str]] = {
    "cli.md": cli.render_page,
    "settings.md": settings.render_page,
    "python.md": python.render_page,
    "datasets.md": catalog.render_datasets,
    "backbones.md": catalog.render_backbones,
    "selectors.md": catalog.render_selectors,
    "recipes.md": catalog.render_recipes,
    "papers.md": papers.render_page,
}
"""Pages of the reference, apart from those of methods and data sets, and what makes them."""


def reference_pages() -> dict[Path, str]:
    """Return the text of every page that is made from code or from a notebook."""
    texts = {REFERENCE / name: render() for name, render in TOP.items()}
    texts |= notebook.render_pages(DOCS / "tutorials")
    folders = {"methods": methods.render_pages(), "datasets": datasets.render_pages()}
    return texts | {
        REFERENCE / folder / f"{name}.md": text
        for folder, rendered in folders.items()
        for name, text in rendered.items()
    }


def pages_with_tables() -> list[Path]:
    """List the pages in which tables from records stand between other text."""
    folders = DOCS / "guides", DOCS / "results"
    return [
        ROOT / "README.md",
        *(page for folder in folders for page in sorted(folder.glob("*.md"))),
    ]


def all_files() -> dict[Path, bytes]:
    """Return the content of every file that is made."""
    texts = reference_pages()
    texts |= {page: results.fill(page.read_text()) for page in pages_with_tables()}
    texts |= papers.fill_headers()
    return {file: text.encode() for file, text in texts.items()} | plots.copies(DOCS)


def leftovers() -> list[Path]:
    """List pages of methods and data sets that are no more."""
    made = {"methods": {*methods.names(), "index"}, "datasets": {*datasets.names()}}
    return [
        page
        for folder, names in made.items()
        for page in (REFERENCE / folder).glob("*.md")
        if page.stem not in names
    ]
