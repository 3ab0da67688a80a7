"""Which outputs of runs are kept in a folder, by names and headers of files. No torch here."""

import json
from collections.abc import Iterable
from pathlib import Path

from da.config.validation import is_run_id, require_run_id
from da.results.records import Record

ABOUT = "da"
"""Key of what a file says of its runs: names of classes, and digests of records' own files."""


def outputs_file(run_id: str, results: Path = Path("results")) -> Path:
    """Return the file where the outputs of a run are, or will be.

    Raises:
        ValueError: The id is none, so that it could lead out of the folder.
    """
    return results / "outputs" / f"{require_run_id(run_id)}.safetensors"


def list_files(results: Path) -> dict[str, Path]:
    """List the files of outputs in a folder of records, by id of their run or published name."""
    return {file.stem: file for file in sorted((results / "outputs").glob("*.safetensors"))}


def find_outputs(records: Iterable[Record], results: Path) -> set[str]:
    """Return the ids of the records whose outputs are kept, in files of their own or published.

    Contents are not read: what is damaged is found when it is loaded.

    Args:
        records: Records of runs.
        results: Folder of the records.
    """
    files = list_files(results)
    published = {
        id: digest
        for name, file in files.items()
        if not is_run_id(name)
        for id, digest in _read_runs(file).items()
    }
    return {
        r.id for r in records if r.outputs and (r.id in files or published.get(r.id) == r.outputs)
    }


def _read_runs(file: Path) -> dict[str, str]:
    """Return the digests of the runs whose outputs a published file has, by id."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = stream.read(min(length, file.stat().st_size))
    try:
        runs = json.loads(json.loads(header)["__metadata__"][ABOUT])["runs"]
        return {id: about["outputs"] for id, about in runs.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
