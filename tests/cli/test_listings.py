"""What `da list` prints."""

import re

from da.cli import listings
from da.data.tasks import parse_task
from da.methods import METHODS


def test_methods_stand_in_columns_by_family_then_name():
    lines = listings.list_methods()
    assert len(lines) == len(METHODS) >= 32
    names = max(map(len, METHODS))
    families = max(len(method.family) for method in METHODS.values())
    row = re.compile(rf"(.{{{names}}})  (.{{{families}}})  (\d{{4}}|    )  (\S.*)")
    cells = [[cell.strip() for cell in row.fullmatch(line).groups()] for line in lines]
    years: dict[str, str] = {}
    for _, family, year, _ in cells:
        years[family] = min(years.get(family, "9"), year)
    keys = [(years[family], family, name) for name, family, _, _ in cells]
    assert keys == sorted(keys)
    assert cells[0][:2] == ["fine_tune", "baseline"]
    assert {name for name, *_ in cells} == METHODS.keys()
    assert {name for name, _, year, _ in cells if not year} == {
        name for name, method in METHODS.items() if method.paper == "baseline"
    }


def test_the_year_stands_apart_from_authors_and_place():
    (dann,) = [line for line in listings.list_methods() if line.startswith("dann ")]
    assert dann.split(maxsplit=3)[2:] == ["2016", "Ganin et al., arXiv:1505.07818"]


def test_methods_bring_the_networks_of_their_papers():
    lines = listings.LISTS["methods"]()
    networks = [line.split(maxsplit=2) for line in lines[len(METHODS) :] if "  --" in line]
    found = {method: (recipe, options) for method, recipe, options in networks}
    recipe, options = found["shot"]
    assert recipe == "authors"
    assert {"--head-weight-norm", "--no-neck-relu"} <= {*options.split()}
    assert "--head 1024" in found["mdd"][1]
    assert "--neck 1000" in found["afn"][1]
    assert "--head-norm" in found["mcd"][1]


def test_selectors_come_between_the_last_evaluation_and_the_oracle():
    names = [line.split()[0] for line in listings.list_selectors()]
    assert names[0] == "last"
    assert "infomax" in names
    assert names[-1] == "oracle"


def test_selectors_say_what_they_need():
    needs = {name: needed for name, needed, _ in listings.describe_selectors()}
    assert needs["infomax"] == "logits"
    assert needs["transfer_score"] == "logits, features, weights"
    assert "  logits, features, weights  " in "\n".join(listings.list_selectors())
    assert needs["oracle"] == "target labels"


def test_tasks_of_many_domains_are_told_by_their_domains():
    lines = listings.list_tasks()
    at = lines.index(next(line for line in lines if line.startswith("emoji: ")))
    assert lines[at + 1].split(maxsplit=1) == [
        "emoji:noto-twemoji",
        "and others of noto, twemoji, fluent, contrast, openmoji",
    ]
    assert "  visda2017:synthetic-real  visda2017:synthetic-test" in lines
    ends = [word for line in lines[-4:] for word in line.split() if "+" in word]
    for end in ends:
        parse_task(end if ":" in end and not end.startswith("+") else f"emoji:noto-twemoji{end}")
