from da.report.facts import list_facts


def data(**more: object) -> dict:
    table = {
        "heads": ["0-20", "average", "below"],
        "labels": ["source_only", "dann", "mcc"],
        "cells": [["50.0", "60.0", ""], ["51.0", "61.0 ± 0.1", "0"], ["52.0", "62.0 ± 0.2", "1"]],
        "best": [[], [1], [0, 1]],
    }
    runs, warnings = {"seed": [0, 1, 0]}, {"run": [0, 0, 2], "lasts": [True, True, False]}
    own = {"tables": {"last": table}, "runs": runs, "warnings": warnings, "falling": False}
    return own | {"rows": table["labels"], "tasks": ["0-20", "0-30"]} | more


def test_the_best_is_named_with_those_that_are_not_separable_from_it():
    facts = {fact.name: (fact.value, fact.more) for fact in list_facts(data(), 5, 6)}
    assert facts == {
        "runs": ("5 of 6", "2 seeds"),
        "rows": ("3", ""),
        "tasks": ("2", ""),
        "best, last step": ("62.0 ± 0.2", "mcc, not separable from dann"),
        "no adaptation": ("60.0", "source_only"),
        "warnings": ("1", "runs with one at the end"),
    }


def test_of_errors_the_lowest_is_the_best():
    facts = {fact.name: fact.more for fact in list_facts(data(falling=True), 6, 6)}
    assert facts["best, last step"] == "dann, not separable from mcc"


def test_many_rows_are_counted():
    found = data()
    table = found["tables"]["last"]
    table["labels"] = [f"row {i}" for i in range(6)]
    table["cells"], table["best"] = [["1", "2", ""]] * 6, [[1]] * 6
    assert "row 0, not separable from 5 others" in [fact.more for fact in list_facts(found, 1, 1)]
