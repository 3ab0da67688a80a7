"""Every command and every Python block of README.md and docs/ works, page by page."""

from pathlib import Path
from subprocess import CalledProcessError

import pytest

from da.training import sweep
from tests.journeys.page_sessions import Session, check_block, check_page, read_blocks

ROOT = Path(__file__).parents[2]
PAST = "docs/findings/"
"""What was found with the commands of then."""
PAGES = {str(page.relative_to(ROOT)): page for page in sorted((ROOT / "docs").rglob("*.md"))}
PAGES = {"README.md": ROOT / "README.md"} | {k: v for k, v in PAGES.items() if PAST not in k}
RUN = [name for name, page in PAGES.items() if any(b.runs for b in read_blocks(page.read_text()))]


@pytest.mark.parametrize("name", PAGES)
def test_blocks_are_understood(name):
    check_page(PAGES[name].read_text())


@pytest.mark.parametrize("name", RUN)
def test_a_page_works_from_top_to_bottom(name, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    monkeypatch.setattr(sweep, "usual_workers", lambda *_: 1)  # same records, no new processes
    folder = tmp_path / "reader"
    folder.mkdir()
    monkeypatch.chdir(folder)
    session = Session(folder)
    for block in read_blocks(PAGES[name].read_text()):
        session.run(block)


PAGE = """
<!-- test: only parse -->
```sh
da data emoji
```

```python title="mine/one.py"
ONE = 1
```

    ```text
    da is printed
    ```

```python
from pathlib import Path
one = 1
```

<!-- test: images photos -->

```python
assert one == 1 and Path("mine/one.py").read_text() == "ONE = 1\\n"
assert len(list(Path("photos").rglob("*.png"))) == 36
```

<!-- test: fails -->
```
da list nothing
```
"""


def test_blocks_are_read_with_language_title_and_note():
    found = [(b.language, b.title, b.note, b.runs) for b in read_blocks(PAGE)]
    assert found == [
        ("sh", "", "only parse", False),
        ("python", "mine/one.py", "", True),
        ("text", "", "", False),
        ("python", "", "", True),
        ("python", "", "images photos", True),
        ("", "", "fails", True),
    ]


def test_a_session_keeps_files_and_variables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = Session(tmp_path)
    for block in read_blocks(PAGE):
        check_block(block)
        session.run(block)


@pytest.mark.parametrize(
    "page",
    [
        "```python\nassert 0\n```",
        "```sh\nfalse\n```",
        "```sh\nda list nothing\n```",
        "<!-- test: fails -->\n```sh\nda list methods\n```",
        "```sh\nexport A=b\ntest $A = c\n```",
        "```sh\nexport A=b\nda list nothing\n```",
    ],
)
def test_a_session_tells_what_does_not_work(page, tmp_path):
    session, blocks = Session(tmp_path), read_blocks(page)
    with pytest.raises(AssertionError):
        [session.run(block) for block in blocks]


def test_a_command_that_needs_an_export_is_parsed_with_it(tmp_path):
    page = "```sh\nexport A=b\n```\n<!-- test: only parse -->\n```sh\nda table --none\n```"
    check_page(page)
    session = Session(tmp_path)
    exported, parsed = read_blocks(page)
    session.run(exported)
    with pytest.raises(CalledProcessError):
        session.run(parsed)


@pytest.mark.parametrize(
    "page",
    [
        "<!-- test: only parse -->\n```python\nassert (\n```",
        "<!-- test: only parse -->\n```sh\nda train --no-such-option dann\n```",
        "<!-- test: no such note -->\n```sh\nda list methods\n```",
    ],
)
def test_a_block_that_is_not_understood_is_told(page):
    (block,) = read_blocks(page)
    with pytest.raises((AssertionError, SyntaxError, SystemExit)):
        check_block(block)
