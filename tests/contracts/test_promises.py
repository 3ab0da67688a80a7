"""docs/contributing/promises.md names tests that exist, and their figures.

`python -m tests.contracts.test_promises REPORT` writes the figures of the JUnit file of a run.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from da.system.environment import environment

PAGE = Path(__file__).parents[2] / "docs" / "contributing" / "promises.md"
ROW = re.compile(r"^(\| .+ \| `(.+)` \|) (.+) \|$", re.MULTILINE)
COUNTS = re.compile(r"-|\d+ results, \d+ refused, \d+ failed, \d+ faults|\d+ of \d+ tests pass")
LAST = re.compile(r"^Last run: .*$", re.MULTILINE)


def rows(text: str) -> list[tuple[str, str]]:
    """Return the test and the figure of each promise."""
    return [(row[2], row[3]) for row in ROW.finditer(text)]


def figures(report: ElementTree.Element) -> Callable[[str], str]:
    """Return a function from a test, or a file of tests, to its figure in a report."""
    cases = list(report.iter("testcase"))

    def figure(test: str) -> str:
        file, _, function = test.partition("::")
        module = "tests.contracts." + file.removesuffix(".py").replace("/", ".")
        found = [c for c in cases if c.get("classname") == module]
        found = [c for c in found if not function or c.get("name", "").split("[")[0] == function]
        counted: Counter[str] = Counter()
        for case in found:
            for each in case.iter("property"):
                counted.update(json.loads(each.get("value", "{}")))
        if counted:
            return ", ".join(f"{counted[kind]} {kind}" for kind in counted)
        passed = sum(case.find("failure") is None and case.find("error") is None for case in found)
        return f"{passed} of {len(found)} tests pass" if found else "-"

    return figure


def filled(text: str, report: ElementTree.Element) -> str:
    """Return the page with the figures of a report."""
    figure, suite = figures(report), next(report.iter("testsuite"))
    about, day = environment(), suite.get("timestamp", "").partition("T")[0]
    minutes = float(suite.get("time", 0)) / 60
    last = f"Last run: {day}, commit {about['commit']}, {about['machine']}, {minutes:.0f} min"
    return LAST.sub(last, ROW.sub(lambda row: f"{row[1]} {figure(row[2])} |", text))


def test_every_promise_names_a_test_and_a_figure():
    named = rows(PAGE.read_text())
    assert len(named) > 20
    for test, figure in named:
        file, _, function = test.partition("::")
        text = (Path(__file__).parent / file).read_text()
        assert f"def {function or 'test_'}" in text, test
        assert COUNTS.fullmatch(figure), figure


def test_every_test_of_faults_is_a_promise():
    named = {test for test, _ in rows(PAGE.read_text())}
    for file in sorted((Path(__file__).parent / "faults").glob("test_*.py")):
        every = re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
        path = f"faults/{file.name}"
        assert path in named or {f"{path}::{name}" for name in every} <= named


def test_figures_are_those_of_the_report():
    counts = json.dumps({"results": 3, "refused": 2, "failed": 0, "faults": 1})
    case = '<testcase classname="tests.contracts.faults.test_kills" name="test_{}">{}</testcase>'
    properties = f"<properties><property name='outcomes' value='{counts}'/></properties>"
    cases = case.format("search[a]", properties) + case.format("other", "<failure/>")
    suite = f'<testsuite timestamp="2026-01-02T03" time="90">{cases}</testsuite>'
    report = ElementTree.fromstring(f"<testsuites>{suite}</testsuites>")
    page = "Last run: none\n| a | `faults/test_kills.py::test_search` | - |\n| b | `x.py` | - |\n"
    first, search, none = filled(page, report).splitlines()
    assert first.startswith("Last run: 2026-01-02, commit ")
    assert search.endswith("| 3 results, 2 refused, 0 failed, 1 faults |")
    assert none == "| b | `x.py` | - |"
    assert figures(report)("faults/test_kills.py::test_other") == "0 of 1 tests pass"


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(), ElementTree.parse(sys.argv[1]).getroot()))
