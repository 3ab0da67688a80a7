"""The page of an experiment in a real browser: `apt-get install chromium` brings one."""

import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Browser, Locator, Page, sync_playwright

import da
from da.cli.main import main
from da.results import records
from da.results.tables import build_table
from da.runs.experiment import load_experiment
from tests.report.experiments import write_experiment

BROWSERS = "chromium", "chromium-browser", "google-chrome"
PROGRAM = next(filter(None, map(shutil.which, BROWSERS)), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PROGRAM, reason=f"no browser: none of {', '.join(BROWSERS)}"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with the experiment, its records and its page."""
    path = tmp_path_factory.mktemp("report")
    file = write_experiment(path)
    main(["report", str(file), "--results", str(path / "results"), "--out", str(path)])
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=PROGRAM)
        yield started
        started.close()


@pytest.fixture
def page(folder: Path, browser: Browser) -> Iterator[Page]:
    """Open the page in a light theme; at the end, the console has to be empty."""
    said: list[str] = []
    opened = browser.new_page(color_scheme="light", viewport={"width": 1280, "height": 900})
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on(
        "request",
        lambda request: (
            said.append(request.url)
            if "file:" not in request.url and "data:" not in request.url
            else None
        ),
    )
    opened.goto((folder / "shifts.html").as_uri())
    opened.wait_for_selector("#accuracy tbody tr")
    yield opened
    opened.close()
    assert not said


def column(table: Locator, place: int) -> list[str]:
    return [
        text.strip() for text in table.locator(f"tbody tr > :nth-child({place})").all_inner_texts()
    ]


def show(page: Page, section: str) -> Locator:
    """Scroll to a section, which is drawn then."""
    found = page.locator(f"#{section}")
    found.scroll_into_view_if_needed()
    page.wait_for_selector(f"#{section} .body[data-done]")
    return found


def test_a_press_of_a_head_sorts_by_its_column(page):
    table = page.locator("#accuracy table")
    rows = column(table, 1)
    head = table.get_by_role("columnheader", name="average")
    orders = []
    for _ in range(3):
        head.get_by_role("button").click()
        orders.append((head.get_attribute("aria-sort"), column(table, 1)))
    numbers = dict(zip(rows, column(table, 5), strict=True))
    ranked = sorted(rows, key=lambda row: -float(numbers[row].split()[0]))
    assert orders == [("descending", ranked), ("ascending", ranked[::-1]), ("none", rows)]
    assert rows == ["source_only", "dann", "mcc"]


def test_a_selector_gives_the_numbers_of_the_table_of_the_command_line(page, folder):
    runs = load_experiment(folder / "shifts.py")
    found = records.load(folder / "results", {run.id: run.settings() for run in runs})
    table = page.locator("#accuracy table")
    shown = {}
    for name in ("last", "infomax", "oracle"):
        page.get_by_label("Evaluation chosen by").select_option(name)
        theirs = build_table(found, [name])
        shown[name] = [column(table, 2 + i) for i in range(len(theirs.heads))]
        cells = zip(*(row.cells for row in theirs.rows), strict=True)
        assert shown[name] == [[str(cell) for cell in part] for part in cells]
    assert shown["last"] != shown["infomax"]
    page.get_by_label("Next to means").select_option("interval")
    again = page.locator("#accuracy code").inner_text()
    words = ["--results", str(folder / "results"), "--chosen-by", "oracle", "--interval"]
    assert again == shlex.join(["da", "table", str(folder / "shifts.py"), *words])
    theirs = build_table(found, ["oracle"], wanted=found, interval=True)
    assert column(table, 2) == [str(row.cells[0]) for row in theirs.rows]
    assert page.locator("#accuracy .notes").inner_text().splitlines() == [*theirs.notes]


def test_tables_are_sorted_by_keyboard_and_tell_it(page):
    table = page.locator("#accuracy table")
    table.get_by_role("button", name="average").focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("status").inner_text() == "sorted by average, descending"
    assert column(table, 1)[0] == "mcc"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "below"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_every_table_has_a_caption_and_scopes(page):
    page.evaluate("document.querySelectorAll('main > section').forEach(render)")
    count = page.locator("table").count()
    assert count >= 6
    assert page.locator("table:has(> caption)").count() == count
    assert page.locator("thead th:not([scope=col])").count() == 0
    assert page.locator("tbody th:not([scope=row])").count() == 0
    assert page.locator("select:not(label select), input:not(label input)").count() == 0


def test_curves_show_a_value_under_the_pointer(page):
    section = show(page, "curves")
    section.locator(".scatterlayer .trace").first.wait_for()
    points = section.locator(".nsewdrag").bounding_box()
    page.mouse.move(points["x"] + points["width"] - 30, points["y"] + points["height"] / 2)
    dot = section.locator(".scatterlayer .trace .point").last.bounding_box()
    page.mouse.move(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2)
    hover = section.locator(".hoverlayer .hovertext")
    hover.wait_for()
    assert "step 30: " in str(hover.text_content())


def test_a_row_that_is_checked_has_a_curve(page):
    section = show(page, "curves")
    lines = section.locator(".scatterlayer .js-line")
    lines.first.wait_for()
    before = lines.count()
    section.get_by_label("dann").uncheck()
    assert lines.count() < before


def test_scores_tell_what_they_choose(page, folder):
    section = show(page, "scores")
    section.locator(".scatterlayer .trace").first.wait_for()
    said = section.locator("figcaption").inner_text()
    assert said.startswith("Of 18 evaluations, infomax chooses mcc, seed")
    assert "Rank correlation (Spearman): 1.00" in said
    section.get_by_label("Score", exact=True).select_option("source_accuracy")
    assert "source_accuracy chooses" in section.locator("figcaption").inner_text()


def test_tasks_show_differences_from_a_row(page):
    section = show(page, "tasks")
    section.get_by_label("Shown").select_option(label="difference from source_only")
    texts = section.locator(".heatmap-label").all_text_contents()
    assert texts[:3] == ["0"] * 3


def test_confused_classes_are_a_table(page):
    section = show(page, "confusion")
    table = section.locator("table")
    assert column(table, 1) == ["a</script>", "b"]
    total = sum(int(text) for i in (2, 3) for text in column(table, i) if text)
    assert total == 200


def test_runs_are_found_by_words(page):
    section = show(page, "runs")
    section.get_by_label("Runs with these words").fill("dann 0-40")
    assert column(section.locator("table"), 2) == ["dann", "dann"]


def test_what_is_not_there_is_said(page):
    assert "outputs" in show(page, "features").locator(".missing").inner_text()
    assert "outputs" in show(page, "images").locator(".missing").inner_text()


def test_the_theme_is_of_the_system_until_it_is_switched(page, tmp_path):
    show(page, "curves").locator(".scatterlayer .trace").first.wait_for()
    page.get_by_role("button", name="Dark theme").click()
    dark = picture(page, tmp_path / "dark.png")
    page.get_by_role("button", name="Light theme").click()
    light = picture(page, tmp_path / "light.png")
    assert brightness(dark) < 70
    assert brightness(light) > 200
    page.emulate_media(color_scheme="dark")
    assert brightness(picture(page, tmp_path / "own.png")) > 200
    page.reload()
    page.wait_for_selector("#accuracy tbody tr")
    assert page.get_by_role("button", name="Light theme").is_visible()
    assert brightness(picture(page, tmp_path / "system.png")) < 70


def picture(page: Page, file: Path) -> Image.Image:
    page.screenshot(path=file)
    return Image.open(file).convert("L")


def brightness(image: Image.Image) -> float:
    return ImageStat.Stat(image).mean[0]


def test_a_theme_changes_colors_and_not_places(page, tmp_path):
    light = picture(page, tmp_path / "light.png")
    page.get_by_role("button", name="Dark theme").click()
    page.mouse.move(640, 5)
    dark = ImageChops.invert(picture(page, tmp_path / "dark.png"))
    small = [image.resize((128, 90)) for image in (light, dark)]
    assert brightness(ImageChops.difference(*small)) < 25


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_does_not_scroll_sideways(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate("document.querySelectorAll('main > section').forEach(render)")
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_2400_runs_are_small_and_open_at_once(browser, tmp_path):
    root = Path(da.__file__).parents[1]
    experiment, published = root / "experiments" / "methods.py", root / "results" / "published"
    words = ["report", experiment, "--results", published, "--out", tmp_path]
    subprocess.run([sys.executable, "-m", "da", *words], check=True, capture_output=True)
    file = tmp_path / "methods.html"
    assert file.stat().st_size < 10e6
    times = []
    for _ in range(3):
        opened, start = browser.new_page(), time.perf_counter()
        opened.goto(file.as_uri())
        opened.wait_for_selector("#accuracy tbody tr")
        times.append(time.perf_counter() - start)
        opened.close()
    assert min(times) < 2


def test_print_has_all_sections_in_black_on_white(page, tmp_path):
    page.evaluate("document.querySelectorAll('main > section').forEach(render)")
    page.locator("#scores .scatterlayer .trace").first.wait_for()
    page.set_viewport_size({"width": 760, "height": 1000})
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.scrollWidth") <= 760
    assert page.locator(".body:not([data-done])").count() == 0
    assert not page.locator("nav").is_visible()
    assert brightness(picture(page, tmp_path / "print.png")) > 200
    assert len(page.pdf()) > 10_000
