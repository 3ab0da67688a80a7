"""Generated pages and tables are those of now; pictures and links of pages lead somewhere."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from shutil import copy, copytree

import pytest

from da.data.class_lists import published_counts
from da.methods import METHODS
from da.results.literature.numbers import FILES, rows
from da.runs import recipes
from da.statistics.expected_accuracy import MEAN_ERROR
from tools.docs import (
    check,
    datasets,
    label_free,
    large_sets,
    markdown,
    methods,
    pages,
    papers,
    plots,
    printed_numbers,
    results,
    step_reports,
    tllib,
)
from tools.docs.equations import load_equations
from tools.docs.peers import compare_libraries

ROOT = pages.ROOT
AGAIN = "written by hand, or out of date: `make pages` writes it again"


@pytest.mark.slow
def test_pages_of_the_reference_are_those_of_the_code():
    for page, text in pages.reference_pages().items():
        assert page.read_text() == text, f"{page} is {AGAIN}"
    assert not pages.leftovers()


@pytest.mark.slow
def test_tables_are_what_the_records_say(monkeypatch):
    monkeypatch.chdir(ROOT)
    for page in pages.pages_with_tables():
        assert results.fill(page.read_text()) == page.read_text(), f"{page} is {AGAIN}"


def test_pictures_are_those_of_the_published_plots():
    assert all(copy.read_bytes() == plot for copy, plot in plots.copies(pages.DOCS).items())


def test_pictures_are_there():
    found = 0
    for page in [ROOT / "README.md", *pages.DOCS.rglob("*.md")]:
        for picture in re.findall(r"!\[.*?\]\((?!http)(.*?)\)", page.read_text()):
            assert (page.parent / picture).is_file(), f"{page}: {picture}"
            found += 1
    assert found


def test_every_method_has_an_equation_but_those_of_other_libraries():
    peers = {name for name, kind in methods.METHODS.items() if kind.family == "peer"}
    assert set(load_equations()) == set(methods.names()) - peers


def test_a_page_says_what_its_numbers_of_images_are():
    rendered = datasets.render_pages()
    said = "of training and test images", "compares no number for the others"
    found = {
        name: [each in rendered[name] for each in said]
        for name in ("digit_five", "cifar_stl", "camelyon17", "office31")
    }
    assert [*found.values()] == [[True, True], [True, False], [False, True], [False, False]]


def test_every_published_data_set_has_its_license_domains_and_numbers_with_sources():
    every = [row for file in FILES for row in rows(file)]
    read = {row.where for row in every if row.seen}
    unseen = {row.where for row in every} - read
    assert unseen
    for name, text in datasets.render_pages().items():
        if domains := datasets.DATASETS[name].DOMAINS:
            assert f"| `{domains[0]}` |" in text
            assert "\n- license: " in text, name
        cited = {*re.findall(r" \[(\d+)\] \|", text)}
        assert cited == {*re.findall(r"^(\d+)\. ", text, re.MULTILINE)}, name
        assert not any(f": {where}\n" in text for where in unseen)


def test_printed_numbers_of_a_setting_stand_together():
    text = printed_numbers.render_numbers("officehome", "accuracy")
    [partial] = [part for part in text.split("### ") if part.startswith("Office-Home partial\n")]
    assert "Tasks with `+partial25`. Shown: accuracy." in partial
    assert re.search(r"^\| source-only \| 60\.1 \[\d+\] \|", partial, re.MULTILINE)
    assert "PADA" in partial
    assert "re-implementation" not in text


def test_equations_have_no_command_that_stays_latex():
    mathml = pytest.importorskip("tools.docs.mathml", exc_type=ImportError)
    for name, text in load_equations().items():
        for fence in re.findall(r"```math\n(.*?)```", text, re.DOTALL):
            assert "\\" not in mathml.format_fence(fence), name


def test_libraries_are_compared_by_their_mean_accuracy_and_median_seconds(tmp_path):
    ours, theirs = ["CORAL", "ours"], ["CORAL", "skada"]
    each = [
        [[*theirs, 1.0, 50.0, 2.0], [*ours, 1.0, 60.0, 1.0], [*ours, 0.0, 10.0, 4.0]],
        [[*theirs, 1.0, 51.0, 3.0], [*ours, 1.0, 62.0, 3.0], [*ours, 0.0, 30.0, 5.0]],
    ]
    lines = [json.dumps({"rows": rows, "environment": {"machine": "a machine"}}) for rows in each]
    file = tmp_path / "classifiers.jsonl"
    file.write_text("\n".join(lines))
    found = compare_libraries(file)
    assert (
        "| CORAL | 1 | 61.0 | 50.5 | 2.00 | 2.50 |\n| CORAL | chosen | 20.0 |  | 4.50 |  |" in found
    )
    assert found.endswith(
        "Means of 2 tasks, and median seconds of a task on one core of a machine."
    )


def test_the_newest_report_of_each_machine_is_quoted(tmp_path):
    folder = tmp_path / "benchmarks" / "reports"
    folder.mkdir(parents=True)
    for day, machine in (("01-30", "a"), ("02-02", "a"), ("01-31", "b")):
        text = f"# Speed on {machine}, {day}\n\nIt is.\n\n## Summary\n\n| {day} |\n\n## More\n"
        (folder / f"2026-{day}_{machine}.md").write_text(text)
    assert results.quote_reports(folder) == (
        "Speed on a, 02-02 (`benchmarks/reports/2026-02-02_a.md`):\n\n| 02-02 |\n\n"
        "Speed on b, 01-31 (`benchmarks/reports/2026-01-31_b.md`):\n\n| 01-31 |"
    )


def test_steps_of_machines_stand_side_by_side(tmp_path):
    columns = ["network, images", "method", *step_reports.AGAINST]
    for day, machine, ratios in [
        ("30", "a", [9.0, 9.0]),
        ("31", "a", [1.2, None]),
        ("30", "b", [2, 3]),
    ]:
        section = {
            "columns": columns,
            "rows": [["lenet", f"on {machine}", *ratios], ["lenet", "mcc", 1, 1]],
        }
        report = {"machine": machine.upper(), "scripts": {"step": {"sections": [section]}}}
        (tmp_path / f"2026-01-{day}_{machine}.json").write_text(json.dumps(report))
    (tmp_path / "2026-01-31_c.json").write_text('{"machine": "C", "scripts": {}}')
    lines = step_reports.compare_machines(tmp_path).splitlines()
    heads = [f"{who} on {machine}" for machine in "AB" for who in step_reports.AGAINST]
    assert lines[0] == f"| network, images | method | {' | '.join(heads)} |"
    assert lines[2:] == [
        "| lenet | on a | 1.20 |  |  |  |",
        "| lenet | mcc | 1.00 | 1.00 | 1.00 | 1.00 |",
        "| lenet | on b |  |  | 2.00 | 3.00 |",
    ]


def test_a_table_of_settings_has_default_values_and_help():
    text = markdown.describe_settings(methods.METHODS["mcc"].Hparams)
    assert "| `temperature` | `2.5` | above 0;<br>tune: 0.5 to 10, log | Temperature that " in text


@pytest.mark.parametrize(
    ("html", "broken"),
    [
        ('<a href="b.html#part">', []),
        ('<a href="b.html#none">', ["a.html: b.html#none"]),
        ('<a href="c.html">', ["a.html: c.html"]),
        ('<img src="c.svg">', ["a.html: c.svg"]),
        ('<a href="https://example.org/c">', []),
        ('<a href="#here" id="here">', []),
    ],
)
def test_links_that_lead_nowhere_are_told(html, broken, tmp_path):
    (tmp_path / "a.html").write_text(html)
    (tmp_path / "b.html").write_text('<p id="part">')
    assert list(check.broken_links(tmp_path)) == broken


@pytest.mark.slow
def test_the_site_is_built_without_a_broken_link(tmp_path):
    pytest.importorskip("zensical")
    for name in ("tools", "da"):
        (tmp_path / name).symlink_to(ROOT / name)
    copytree(ROOT / "docs", tmp_path / "docs")  # a link would build the site where it leads to
    copy(ROOT / "zensical.toml", tmp_path)
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    assert (tmp_path / "site" / "reference" / "methods" / "dann.html").is_file()
    assert list(check.broken_links(tmp_path / "site")) == []


def test_comparisons_with_tllib_are_told_by_pairs_that_both_sides_have(tmp_path):
    usual = {"method": "dann", "task": "emoji:a-b", "of_step": 0.01}
    times = {"tllib": 0.03, "tllib_ready": 0.02, "da": 0.01}
    runs = [
        (0, "tllib", 60.0),
        (0, "da", 61.0),
        (1, "tllib", 62.0),
        (1, "da", 65.0),
        (2, "da", 9.0),
    ]
    report = {
        "machine": "M", "date": "2026-02-02", "steps": 300, "batch": 32,
        "environment": {"torch": "2"}, "peer": {"commit": "0123456789"},
        "runs": [usual | {"seed": n, "side": side, "accuracy": x} for n, side, x in runs],
        "timing": [usual | {"side": s, "of_step": x, "accuracy": 1.0} for s, x in times.items()],
    }  # fmt: skip
    (tmp_path / "2026-02-02_m_tllib.json").write_text(json.dumps(report))
    first = report | {
        "runs": [usual | {"seed": 2, "side": "tllib", "accuracy": 99.0}],
        "timing": [],
    }
    (tmp_path / "2026-01-01_m_tllib.json").write_text(json.dumps(first))
    told = tllib.compare(tmp_path)
    assert "| dann | 61.0 / 63.0 | 61.0 | 63.0 | +2.0 | 2 |" in told
    assert "ours is +2.00 points from TLlib's, with a standard error of 1.00." in told
    assert "| dann | 30.0 | 20.0 | 10.0 |  | 3.00x | 2.00x |" in told


@pytest.mark.slow
def test_heads_of_papers_say_the_hours_that_are_computed():
    for file, text in papers.fill_headers().items():
        assert file.read_text() == text, f"{file} is {AGAIN}"


def test_the_page_of_papers_counts_the_images_that_runs_train_on():
    plain = recipes.run("dann", "tllib", "office31:amazon-webcam")
    assert papers.count_images(plain) == 20_000 * 32 * 2
    assert (
        papers.count_images(replace(plain, method=METHODS["source_only"].Hparams())) == 20_000 * 32
    )
    stream = "imagenet_c5000:clean-fog5,snow5+stream"
    tent = recipes.run("tent", "sar", stream, init="0123456789ab")
    assert papers.count_images(tent) == 10_000
    assert papers.describe_hours([plain] * 100) == "about 8"
    assert papers.describe_hours([plain]) == "below 1"


def test_estimates_are_summarized_by_method_and_rule(tmp_path):
    lines = [
        {"method": "mcc", "rule": "atc", "estimate": 60, "low": 50, "high": 70, "true": 55},
        {"method": "mcc", "rule": "atc", "estimate": 80, "low": 75, "high": 85, "true": 65},
        {"method": "mcc", "rule": "doc", "estimate": 62, "low": 50, "high": 70, "true": 65},
    ]
    file = tmp_path / "estimates.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    found = label_free.list_estimates(file)
    assert "| mcc | atc | 70.0 | 60.0 | 10.0 | 15.0 | 50% |\n" in found
    assert found.endswith("| mcc | doc | 62.0 | 65.0 | 3.0 | 3.0 | 100% |")
    assert label_free.mean_errors(file) == {"atc": 10, "doc": 3}


def test_mean_errors_that_da_prints_are_those_of_the_report():
    assert label_free.mean_errors() == MEAN_ERROR


def test_combined_models_are_compared_by_mean_and_lowest_accuracy(tmp_path):
    reached = [(50.0, 60.0, 55.0), (52.0, 51.0, 61.0)]
    names = "source_only", "chosen by oracle", "iwa"
    pools = [{"models": 3, "rows": dict(zip(names, each, strict=True))} for each in reached]
    file = tmp_path / "combined.jsonl"
    file.write_text("".join(f"{json.dumps(pool)}\n" for pool in pools))
    found = label_free.compare_combined(file)
    assert "| best single ‡ | 55.5 | 51.0 | 1 |\n| iwa | 58.0 | 55.0 | 0 |" in found
    assert "2 tasks and seeds, 3 models each" in found


def test_images_of_domainnet_are_those_of_its_published_lists():
    compared = 0
    for name, (images, _) in large_sets.DOMAINNET.items():
        parts = [published_counts("domainnet", f"{name}_{part}") for part in ("train", "test")]
        if all(parts):
            assert sum(sum(part.values()) for part in parts) == images
            compared += 1
    assert compared == 4
    assert sum(images for images, _ in large_sets.DOMAINNET.values()) == 586_575


def test_costs_of_large_sets_follow_from_the_newest_reports(tmp_path, monkeypatch):
    monkeypatch.setattr(large_sets, "REPORTS", tmp_path)
    monkeypatch.setattr(large_sets, "_measured", large_sets._measured.__wrapped__)
    rows = {
        "training": [[large_sets.TRAINED, 256, 780.0], [large_sets.ON_FEATURES, 9.0, 3.6, "0 %"]],
        "data": [[large_sets.DECODED, 1000.0, 2.0]],
    }
    for name, factor in (("2026-01-01_nvidia-h200", 9), ("2026-01-02_nvidia-h200", 1)):
        scripts = {
            script: {"sections": [{"rows": [[row[0], row[1], row[2] * factor] for row in each]}]}
            for script, each in rows.items()
        }
        (tmp_path / f"{name}.json").write_text(json.dumps({"scripts": scripts, "cores": 2}))
    (tmp_path / "2026-01-03_nvidia-h200_tllib.json").write_text("{}")
    monkeypatch.setattr(large_sets.papers, "WORK", {"resnet50": 4.0, "resnet101": 8.0})
    assert large_sets.training_rate("resnet101") == 390
    assert large_sets.forward_rate("resnet50") == 2340
    assert (large_sets.decode_rate(), large_sets.step_seconds()) == (500, 0.0036)
    found = large_sets._work("w", 3.6e6, 1000, 2e4)
    assert found == ["w", "3.60 M images", "0.072", "20", "1", "0.12", "2", "2"]
    assert "`benchmarks/reports/2026-01-02_nvidia-h200.md`" in large_sets.list_rates()
    last = large_sets.list_streams().splitlines()[-1]
    assert last.startswith(
        "| all severities, 12 methods, 3 seeds | 135.00 M images | 20.321 | 117 | 48 "
    )


def test_a_cluster_is_compared_with_one_machine_by_whole_commands(tmp_path):
    each = [("local", 10.0, 700.0, 0.0), ("ray", 20.0, 800.0, 500.0)]
    lines = [
        {"way": way, "images": 1000, "seconds": s, "command_mb": peak, "actor_mb": actor}
        for way, s, peak, actor in each
    ]
    file = tmp_path / "features.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    found = large_sets.compare_clusters(file)
    assert found.splitlines()[-1] == "| 1,000 | 100 | 50 | 0.50 | 700 | 800 | 500 |"
