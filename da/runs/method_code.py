"""Digests of the source of methods, which change with the code and not with its comments."""

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from da.config.registry import METHODS

PACKAGE = Path(__file__).parents[1] / "methods"
"""Folder of our own methods."""

COMMON = "base", "_settings", "_source", "__init__"
"""Files that all methods share; their changes are those of the package, as in its commit."""

DIGITS = 16
"""Hexadecimal digits of a digest."""


def code_digest(method: str) -> str | None:
    """Return a digest of the source of a method, or None where it is in no file of its own.

    It covers the method's file and those next to it that it imports, and what these import.
    Comments, docstrings and layout do not count.
    """
    files = _code_files(method)
    if not files:
        return None
    each = sorted((file.name, _read_code(*_state(file))[0]) for file in files)
    return hashlib.sha256(repr(each).encode()).hexdigest()[:DIGITS]


def loaded_code_digest(method: str) -> str | None:
    """Return the digest of the code that this process runs, for the record of a run.

    Where a file was changed after this process had read it, the digest is one of no code, so that
    the run is done again.
    """
    from da.methods.base import LOADED

    if any(file.stat().st_ctime > LOADED for file in _code_files(method)):
        return "changed meanwhile"
    return code_digest(method)


def _code_files(method: str) -> list[Path]:
    """Return the files that a method is made of, its own first."""
    found: dict[Path, None] = {}
    waiting = [_find(method, None)]
    while waiting:
        file = waiting.pop()
        if file and file not in found:
            found[file] = None
            waiting += [_find(name, file) for name in _read_code(*_state(file))[1]]
    return list(found)


def _find(name: str, beside: Path | None) -> Path | None:
    """Return the file of a module of methods: in our folder, in yours, or next to another file."""
    if not beside and name in METHODS and not METHODS.find(name).own:
        return METHODS.find(name).file
    for folder in (PACKAGE, *METHODS.user_folders(), *([beside.parent] if beside else [])):
        for file in (folder / f"{name}.py", folder / name / "__init__.py"):
            if name not in COMMON and file.is_file():
                return file.resolve()
    return None


def _state(file: Path) -> tuple[Path, int, int]:
    about = file.stat()
    return file, about.st_mtime_ns, about.st_size


@lru_cache(maxsize=256)
def _read_code(file: Path, changed: int, size: int) -> tuple[str, tuple[str, ...]]:
    """Return a digest of a file's code, and the modules next to it that it may import."""
    content = file.read_bytes()
    try:
        code = "\0".join(_code_words(content)).encode()
        names = tuple(dict.fromkeys(_imported(ast.parse(content))))
    except (SyntaxError, tokenize.TokenError, ValueError):
        code, names = content, ()
    return hashlib.sha256(code).hexdigest(), names


def _imported(tree: ast.AST) -> Iterator[str]:
    """Yield the names that could be modules next to a file, of everything that it imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            full = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            full = [".".join(filter(None, [node.module, alias.name])) for alias in node.names]
        else:
            continue
        for name in full:
            own = name.removeprefix("da.methods.")
            yield from [own.partition(".")[0]] if name.startswith("da.") else own.split(".")


MARKS = {
    tokenize.INDENT: "indent",
    tokenize.DEDENT: "dedent",
    tokenize.COMMENT: "",
    tokenize.NL: "",
    tokenize.ENCODING: "",
    tokenize.ENDMARKER: "",
}
"""Tokens that stand for layout, and what of them counts."""


def _code_words(content: bytes) -> Iterator[str]:
    """Yield the words of some code, the same on every version of Python.

    Lines that are text alone, such as docstrings, are left out. An f-string is one word.
    """
    lines = content.decode().splitlines(keepends=True)
    statement: list[str] = []
    plain, depth, begin = True, 0, (0, 0)
    for token in tokenize.tokenize(io.BytesIO(content).readline):
        name = tokenize.tok_name[token.type]
        if name in ("FSTRING_START", "TSTRING_START"):
            depth, begin = depth + 1, begin if depth else token.start
        elif name in ("FSTRING_END", "TSTRING_END"):
            depth -= 1
            if not depth:
                statement.append(_slice(lines, begin, token.end))
                plain = False
        elif depth:
            continue
        elif token.type == tokenize.NEWLINE:
            yield from () if plain else (*statement, "newline")
            statement, plain = [], True
        elif token.type in MARKS:
            yield from filter(None, [MARKS[token.type]])
        else:
            statement.append(token.string)
            plain = plain and token.type == tokenize.STRING and not _is_formatted(token.string)


def _is_formatted(literal: str) -> bool:
    return "f" in literal.partition(literal[-1])[0].lower()


def _slice(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    """Return the source from one position to another, both as (line from 1, column)."""
    part = lines[start[0] - 1 : end[0]]
    part[-1] = part[-1][: end[1]]
    part[0] = part[0][start[1] :]
    return "".join(part)
