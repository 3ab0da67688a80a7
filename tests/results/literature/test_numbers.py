import re
from collections import defaultdict
from statistics import fmean

import pytest

from da.results.literature.numbers import FILES, rows

COUNTS = {
    "amazon_reviews": 72,
    "cifar10_transfer": 5,
    "cifar_stl": 34,
    "digits": 666,
    "domain_generalization": 1843,
    "domainnet": 464,
    "imageclef": 322,
    "imagenet_variants": 16,
    "multisource": 188,
    "office31": 1176,
    "office_caltech": 461,
    "officehome": 1806,
    "openset": 1939,
    "partial": 1246,
    "partial_openset": 278,
    "semisupervised": 39,
    "sourcefree": 37,
    "testtime": 826,
    "universal": 2867,
    "visda2017": 798,
    "vit_uda": 1270,
    "wilds": 52,
}


@pytest.mark.parametrize("file", FILES)
def test_every_number_has_a_source(file: str) -> None:
    assert len(rows(file)) == COUNTS[file]
    for row in rows(file):
        assert all((row.benchmark, row.paper, row.where, row.source, row.target, row.method))
        assert row.year is None or 2010 <= row.year <= 2030
        if re.search("accuracy|score|OS|error|F1", row.metric):
            assert 0 <= row.value <= 100


def test_numbers_are_parsed() -> None:
    digits = rows("digits")
    assert {row.seen for row in digits} == {True, False}
    dann = next(r for r in digits if r.method == "DANN (gradient reversal)" and r.source == "USPS")
    assert (dann.value, dann.std, dann.year) == (73.0, 2.0, 2017)


def test_unknown_file_names_the_known() -> None:
    with pytest.raises(ValueError, match=r"'office'.*known: amazon_reviews, cifar10_transfer"):
        rows("office")


def test_averages_are_those_of_the_tasks_or_said_not_to_be() -> None:
    """A wrong digit in one of 12 tasks shows."""
    series = defaultdict(list)
    for row in rows("officehome"):
        if "differs" not in row.where:
            about = row.method, row.backbone, row.metric, row.paper, row.where
            series[about].append(row)
    whole = [each for each in series.values() if len(each) == 13]
    assert len(whole) > 80
    for each in whole:
        tasks = fmean(row.value for row in each if row.source != "avg")
        average = next(row.value for row in each if row.source == "avg")
        assert abs(tasks - average) < 0.17, each[0]
