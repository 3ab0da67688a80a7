"""The command `da report`, as a user types it."""

import json
import re
import sys

import pytest

from da.cli.main import main
from tests.report.experiments import write_experiment


def read_data(page: str) -> dict:
    return json.loads(page.partition('id="data">')[2].partition("</script>")[0])


@pytest.mark.slow
def test_a_page_is_one_file_without_links(tmp_path, capsys):
    main(["report", str(write_experiment(tmp_path)), "--out", "pages"])
    said = capsys.readouterr().out
    assert re.fullmatch(r"pages/shifts.html, \d\.\d MB, 18 of 18 runs\n", said)
    page = (tmp_path / "pages" / "shifts.html").read_text(encoding="utf-8")
    own = page.partition('<script type="text/plain"')[0]
    assert "Compare three methods on three shifts." in own
    assert "This paragraph" not in own
    assert not re.search(r'(src|href)="(?!#)', own)
    assert read_data(page)["confusion"]["classes"]["0"] == ["a</script>", "b"]
    command = f"da report {tmp_path / 'shifts.py'} --out pages"
    assert f"{command}\n</pre>" in page
    where = tmp_path / "elsewhere"
    (tmp_path / "results").rename(where)
    main(["report", "shifts.py", "--results", str(where)])
    page = (tmp_path / "reports" / "shifts.html").read_text(encoding="utf-8")
    for command in ("sweep", "table", "report"):
        assert f"da {command} shifts.py --results {where}\n" in page
    assert read_data(page)["command"] == f"da table shifts.py --results {where}"


@pytest.mark.slow
def test_some_runs_alone_and_those_that_are_missing(tmp_path, capsys):
    file = write_experiment(tmp_path)
    next((tmp_path / "results").glob("*.json")).unlink()
    main(["report", str(file), "--only", "method=dann,mcc,source_only"])
    assert "17 of 18 runs" in capsys.readouterr().out
    page = (tmp_path / "reports" / "shifts.html").read_text(encoding="utf-8")
    assert "<dd>17 of 18 <small>2 seeds</small></dd>" in page
    assert "--only method=dann,mcc,source_only" in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.py"], "no experiment none.py"),
        (["shifts.py", "--results", "empty"], "no records in empty"),
        (["shifts.py", "--out", "shifts.py"], "--out"),
    ],
)
def test_mistakes_are_one_line(words, said, tmp_path, capsys):
    write_experiment(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["report", *words])
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert said in error
    assert error.count("\n") == 1


def test_a_missing_library_is_one_line_with_the_extra(tmp_path, monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "da.report.page", raising=False)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(SystemExit):
        main(["report", str(write_experiment(tmp_path))])
    assert 'pip install "da-lab[report]"' in capsys.readouterr().err
