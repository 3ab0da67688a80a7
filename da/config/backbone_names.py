"""How names of backbones are written. This needs no torch."""

from da.config.registry import BACKBONES


def written_names() -> list[str]:
    """Return the name of each backbone file, as it is written after `--backbone`.

    A file with `SYNTAX` takes a name of its own after a colon, as in `timm:resnet50`.
    """
    return [BACKBONES.constants(name).get("SYNTAX", name) for name in BACKBONES]


def split_prefix(name: str) -> tuple[str, str]:
    """Split the name of a backbone into its file and what follows the colon, if it has one.

    Raises:
        ValueError: If no file has that prefix, or the file takes no name or needs one.
    """
    prefix, colon, rest = name.partition(":")
    if prefix not in BACKBONES:
        raise ValueError(f"unknown backbone {name!r}, known: {', '.join(written_names())}")
    syntax = BACKBONES.constants(prefix).get("SYNTAX", prefix)
    if bool(rest) != (":" in syntax) or (colon and not rest):
        raise ValueError(f"backbone {name!r} is written {syntax}")
    return prefix, rest
