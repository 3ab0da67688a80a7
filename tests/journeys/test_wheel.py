"""The wheel, in an empty folder elsewhere, without any library that only an extra installs."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import da
from tests.contracts.test_package import dependencies, normal

PACKAGE = Path(da.__file__).parent
PROJECT = PACKAGE.parent
CORE_BRINGS = {"scipy", "setuptools"}
"""Distributions of extras that those of the core need too."""


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy, so that no old build gets into it."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, folder)
    shutil.copytree(PACKAGE, folder / "da", ignore=shutil.ignore_patterns("__pycache__"))
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", "dist"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, "."], cwd=folder, check=True)
    (built,) = folder.glob("dist/*.whl")
    return built


def test_it_holds_the_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    own = {
        str(f.relative_to(PROJECT)) for f in PACKAGE.rglob("*.*") if "__pycache__" not in f.parts
    }
    assert {name for name in names if ".dist-info/" not in name} == own
    assert {"da/py.typed", "da/results/literature/office31.csv"} <= own
    assert any(name.endswith("licenses/LICENSE") for name in names)


def absent() -> set[str]:
    """The libraries that a core installation lacks."""
    known = dependencies()
    extras = set.union(*known.values()) - known[""] - CORE_BRINGS - {"da-lab"}
    return {
        library
        for library, has in packages_distributions().items()
        if {*map(normal, has)} <= extras
    }


BLOCK = "import sys; sys.modules |= dict.fromkeys({})"

IMAGES = """
from pathlib import Path
from PIL import Image, ImageDraw

for domain, paper in (("photos", "white"), ("sketches", "gray")):
    for label in ("square", "circle"):
        for i in range(8):
            image = Image.new("RGB", (96, 96), paper)
            draw = ImageDraw.Draw(image)
            form = draw.rectangle if label == "square" else draw.ellipse
            form((5 + 3 * i, 5, 60 + 4 * i, 90), fill=(20 * i, 200 - 20 * i, 80))
            file = Path(domain, label, f"{i}.png")
            file.parent.mkdir(parents=True, exist_ok=True)
            image.save(file)
"""


@pytest.fixture
def elsewhere(wheel, tmp_path):
    """A function that runs Python with the wheel, and with the core's libraries, elsewhere."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "site" / "sitecustomize.py").write_text(BLOCK.format(sorted(absent())))
    (tmp_path / "work").mkdir()
    place = {"PYTHONPATH": str(tmp_path / "site"), "DA_HOME": str(tmp_path / "home")}

    def python(*words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path / "work",
            env=os.environ | place,
            capture_output=True,
            text=True,
        )

    return python


def test_it_shows_published_records_and_lists_methods(elsewhere, tmp_path):
    shutil.copytree(PROJECT / "results" / "published", tmp_path / "work" / "published")
    shutil.copy(PROJECT / "experiments" / "emoji.py", tmp_path / "work")
    assert elsewhere("-m", "da", "--version").stdout == f"da {da.__version__}\n"
    assert "dann" in elsewhere("-m", "da", "list", "methods").stdout
    assert "emoji:noto-twemoji" in elsewhere("-m", "da", "list", "tasks").stdout
    table = elsewhere("-m", "da", "table", "emoji.py", "--results", "published")
    assert "420 of 420 runs" in table.stdout
    plot = elsewhere("-m", "da", "plot", "emoji.py", "--results", "published")
    assert plot.stderr == 'da: a plot needs matplotlib: pip install "da-lab[plot]"\n'


def test_it_trains_on_two_folders_and_predicts(elsewhere, tmp_path):
    assert elsewhere("-c", IMAGES).returncode == 0
    train = "train --task folder:photos-sketches --steps 20 --save-weights dann"
    done = elsewhere("-m", "da", *train.split())
    assert "dann folder:photos-sketches seed 0 " in done.stdout, done.stderr
    assert "wandb" not in done.stderr.lower()
    (record,) = (tmp_path / "work" / "results").glob("*.json")
    assert record.stem in elsewhere("-m", "da", "runs").stdout
    predicted = elsewhere("-m", "da", "predict", record.stem, "sketches/square/1.png")
    assert predicted.stdout.startswith("sketches/square/1.png  ")
