"""Records of an experiment in one file, from which others can make its tables. No torch here."""

import json
from collections.abc import Iterable
from pathlib import Path

from da.results import record_bundles
from da.results.records import Record, record_path, stored_fields


def publish(found: Iterable[Record], name: str, folder: Path) -> Path:
    """Write records to a bundle, and remove their own files in the same folder.

    Args:
        found: Records to write.
        name: Name of the bundle, without ending.
        folder: Folder of the bundle.

    Returns:
        Path of the bundle.
    """
    lines = {r.id: json.dumps(stored_fields(r), separators=(",", ":")) for r in found}
    file = record_bundles.write(lines, name, folder)
    for id in lines:
        record_path(folder, id).unlink(missing_ok=True)
    return file
