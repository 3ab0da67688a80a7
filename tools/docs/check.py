"""Check the links of the built site: `python -m tools.docs.check` ends with 1 if one is broken.

Zensical's strict mode tells of links between pages; this also tells of pictures, of the
navigation, and of links in HTML.
"""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

SITE = Path(__file__).parents[2] / "site"


class Page(HTMLParser):
    """The links of a page, and the names of its parts that links can lead to."""

    def __init__(self, file: Path):
        super().__init__()
        self.links: list[str] = []
        self.anchors = {""}
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what an element links to, and its name."""
        for name, value in attrs:
            if name in ("href", "src") and value is not None:
                self.links.append(value)
            if name in ("id", "name") and value:
                self.anchors.add(value)


def broken_links(site: Path) -> Iterator[str]:
    """Yield each page with a link that leads to no file or to no part of a page."""
    pages = {file.resolve(): Page(file) for file in sorted(site.rglob("*.html"))}
    for file, page in pages.items():
        if file.name == "404.html":  # its links begin at the root of a server
            continue
        for link in dict.fromkeys(page.links):
            if not _leads_somewhere(link, file, pages):
                yield f"{file.relative_to(site.resolve())}: {link}"


def _leads_somewhere(link: str, file: Path, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    target = target / "index.html" if target.is_dir() else target
    if target not in pages:
        return target.is_file()
    return unquote(parts.fragment) in pages[target].anchors


if __name__ == "__main__":
    broken = list(broken_links(SITE))
    for link in broken:
        print(f"broken link: {link}", file=sys.stderr)
    sys.exit(bool(broken))
