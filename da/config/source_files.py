"""What a file of Python says, without importing it."""

import ast
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from da.system.code_errors import describe_code_error


@lru_cache(maxsize=256)
def read_constants(file: Path, changed: int) -> Mapping[str, Any]:
    """Return the plain values of a file's upper-case names, and its docstring as `__doc__`.

    Args:
        file: File of Python.
        changed: When it was changed last, so that it is read again then.
    """
    tree = parse_file(file)
    found: dict[str, Any] = {"__doc__": ast.get_docstring(tree) or ""}
    for node in tree.body:
        for name in filter(str.isupper, assigned_names(node)):
            if value := node.value:  # type: ignore[attr-defined]
                with suppress(ValueError):
                    found[name] = ast.literal_eval(value)
    return found


def assigned_names(node: ast.stmt) -> list[str]:
    """Return the names that a statement such as `x = 1` or `x: int = 1` gives a value."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    elif isinstance(node, ast.Assign):
        targets = node.targets
    return [target.id for target in targets if isinstance(target, ast.Name)]


def parse_file(file: Path) -> ast.Module:
    """Parse a file of Python.

    Raises:
        ValueError: It cannot be read, or is no Python; the message names file and line.
    """
    try:
        return ast.parse(file.read_bytes(), str(file))
    except (OSError, SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError(describe_code_error(file, error)) from error
