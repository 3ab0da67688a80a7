"""The pages of notebooks, whose text and code they show."""

import json
from pathlib import Path

NOTE = "<!-- Made by `make docs` from the notebook: change that, not this page. -->"
ABOUT = "{note}\n\n{title}\n\n[This page as a notebook]({name})\n"


def render_page(notebook: Path) -> str:
    """Render a notebook's cells in order; tests execute them in the notebook, not on the page."""
    first, *cells = json.loads(notebook.read_text())["cells"]
    title, _, text = "".join(first["source"]).partition("\n")
    parts = [ABOUT.format(note=NOTE, title=title, name=notebook.name), text.strip() + "\n"]
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            source = f"<!-- test: only parse -->\n```python\n{source}\n```"
        parts.append(source + "\n")
    return "\n".join(parts)


def render_pages(folder: Path) -> dict[Path, str]:
    """Return the page of each notebook in a folder."""
    return {file.with_suffix(".md"): render_page(file) for file in sorted(folder.glob("*.ipynb"))}
