"""Equations of the methods, from the file next to this one."""

import re
from pathlib import Path

SECTION = re.compile(r"^## (\w+)\n\n(.*?)(?=\n+## |\Z)", re.DOTALL | re.MULTILINE)


def load_equations() -> dict[str, str]:
    """Return the Markdown of each method's equations by the method's name."""
    text = Path(__file__).with_suffix(".md").read_text()
    return {name: section.strip() for name, section in SECTION.findall(text)}
