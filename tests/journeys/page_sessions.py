"""Run a page of the documentation as its reader would: its blocks in order, in one folder.

`docs/contributing/tests.md` says how a page is written for this.
"""

import contextlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image

from da.cli.main import _app, main
from da.cli.recipe_words import expand_recipe

FENCE = re.compile(r"^(?P<pad> *)(?P<ticks>`{3,})(?P<info>[^`\n]*)$")
NOTE = re.compile(r"^ *<!-- test: (.+?) -->$")
NOTES = "only parse", "fails", "images"


IN_ONE_PROCESS = """
import shlex, sys
from da.cli.main import main
from da.training import sweep
sweep.usual_workers = lambda *_: 1
for words in sys.argv[1:]:
    main(shlex.split(words, comments=True))
"""
"""Program that carries out commands of `da`: a start takes longer than most of them."""

PARSE = """
import sys
from tests.journeys.page_sessions import Block, check_block
check_block(Block("sh", "", "only parse", sys.argv[1], 0))
"""
"""Program that checks commands which need what a page has exported, such as folders of plug-ins."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    title: str
    """Name of the file that the block is; empty for none."""
    note: str
    """What the comment above it tells the test; empty for none."""
    text: str
    line: int

    @property
    def commands(self) -> list[str]:
        """Lines of a block of commands, without comments; none for what commands print."""
        lines = self.text.replace("\\\n", " ").splitlines() if self.language in ("", "sh") else []
        kept = [line.strip() for line in lines if line.strip() and line.strip()[0] != "#"]
        shown = self.language == "sh" or any(line.startswith("da ") for line in kept)
        return kept if shown else []

    @property
    def runs(self) -> bool:
        """Whether a session carries the block out."""
        return self.note != "only parse" and bool(self.commands or self.language == "python")


def read_blocks(page: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    lines, above, i = page.splitlines(), "", 0
    while i < len(lines):
        fence = FENCE.match(lines[i])
        if not fence:
            above = lines[i] if lines[i].strip() else above
            i += 1
            continue
        end = lines.index(fence["pad"] + fence["ticks"], i + 1)
        note, info = NOTE.match(above), fence["info"].strip()
        title = re.search(r'title="(.+?)"', info)
        text = "\n".join(line.removeprefix(fence["pad"]) for line in lines[i + 1 : end])
        yield Block(
            info.split(" ")[0],
            title[1] if title else "",
            note[1] if note else "",
            text + "\n",
            i + 2,
        )
        above, i = "", end + 1


def check_page(page: str) -> None:
    """Check the blocks of a page up to the first `export`; what needs it is left to a session."""
    for block in read_blocks(page):
        check_block(block)
        if any(command.startswith("export ") for command in block.commands):
            return


def check_block(block: Block) -> None:
    """Check a block without carrying it out: Python compiles, commands of `da` are understood."""
    assert not block.note or block.note.startswith(NOTES), f"line {block.line}: {block.note}"
    if block.language == "python":
        compile(block.text, block.title or "page", "exec")
    for command in block.commands if block.note != "fails" else []:
        if command.startswith("export "):
            return
        if command.startswith("da "):
            arguments = expand_recipe(words(command))
            for option, value in pairwise(arguments):
                if option == "--init" and "." in value:
                    Path(value).touch()  # a block before it writes the file
            assert callable(_app(arguments).cli(prog="da", args=arguments)), command


def words(command: str) -> list[str]:
    """Split a command of `da` into arguments, up to a pipe or another command."""
    split = shlex.split(command, comments=True)[1:]
    ends = [i for i, word in enumerate(split) if word in ("|", ">", "&&", ";")]
    return split[: min(ends, default=len(split))]


class Session:
    """A reader at work: a folder, variables of Python, and exported ones."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.names: dict[str, Any] = {"__name__": "page"}
        self.exported: dict[str, str] = {}
        """Once something is exported, each block runs in a process of its own that sees it."""

    def run(self, block: Block) -> None:
        """Do what a block shows."""
        for folder in block.note.split()[1:] if block.note.startswith("images") else ():
            draw_classes(self.folder / folder)
        if block.title:
            file = self.folder / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
        elif block.runs and block.language == "python":
            self._python(block)
        elif block.note == "only parse" and block.commands and self.exported:
            root = {"PYTHONPATH": str(Path(__file__).parents[2])}
            self._process([sys.executable, "-c", PARSE, block.text], root).check_returncode()
        elif block.runs and block.note == "fails":
            assert self._status(block.commands) == 2, f"line {block.line}: exit 2 expected"
        elif block.runs:
            assert self._status(block.commands) == 0, f"line {block.line}: exit 0 expected"

    def _python(self, block: Block) -> None:
        if self.exported:
            self._process([sys.executable, "-c", block.text]).check_returncode()
        else:
            code = compile("\n" * (block.line - 1) + block.text, "page", "exec")
            exec(code, self.names)

    def _status(self, commands: list[str]) -> int:
        """Run commands up to the first that fails, and return its exit status."""
        if self.exported and all(map(_is_plain, commands)):
            words = [command[3:] for command in commands]
            return self._process([sys.executable, "-c", IN_ONE_PROCESS, *words]).returncode
        for command in commands:
            if status := self._command(command):
                return status
        return 0

    def _command(self, command: str) -> int:
        if command.startswith("export "):
            self.exported |= dict(pair.split("=", 1) for pair in shlex.split(command)[1:])
            return 0
        if _is_plain(command) and not self.exported:
            return self._here(shlex.split(command, comments=True)[1:])
        return self._process(["bash", "-c", command]).returncode

    def _here(self, arguments: list[str]) -> int:
        """Run a command of `da` in this process, which has torch already."""
        with contextlib.chdir(self.folder):
            try:
                main(arguments)
            except SystemExit as ended:
                return int(ended.code or 0)
        return 0

    def _process(
        self, arguments: list[str], more: Mapping[str, str] = MappingProxyType({})
    ) -> subprocess.CompletedProcess[bytes]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, **self.exported, **more}
        return subprocess.run(arguments, cwd=self.folder, env=environment, check=False)


def _is_plain(command: str) -> bool:
    """Tell whether a command is one of `da` that needs no shell."""
    return command.startswith("da ") and not re.search(r"[|>&;$]", command)


def draw_classes(root: Path, per_class: int = 12) -> None:
    """Draw a folder of three class folders; the tint of the images depends on the folder's name."""
    random = np.random.default_rng(sum(root.name.encode()))
    tint = random.uniform(0.5, 1, 3)
    for k, name in enumerate(("cup", "lamp", "pen")):
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(per_class):
            pixels = random.uniform(0, 90, (48, 48, 3))
            pixels[8 * k + 4 : 8 * k + 20, 10:40, k] += 160
            Image.fromarray((pixels * tint).astype(np.uint8)).save(root / name / f"{i:02}.png")
