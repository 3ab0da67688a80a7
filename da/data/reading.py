"""How a user's images are read, as the settings of a run say."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from da.config.choices import Fit


@dataclass(frozen=True)
class Reading:
    """Options with which the domains of a task are opened."""

    side: int = 0
    """Pixels a side of network input, for which images of any size are decoded; 0 for the usual."""
    skip_bad: bool = False
    """Whether to leave out the user's images that cannot be decoded."""
    fit: Fit = "squash"
    """How the user's images become squares."""
    label_columns: tuple[str, ...] = ()
    """Columns of labels, the first as the class; empty for the data's own class."""
    hold_out: bool = True
    """Whether some images of a source are held out, where the data sets none apart."""
    exact: int = 0
    """Pixels a side of images that come as squares and are stored as they are; 0 for others."""

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Reading":
        """Return the options among the settings of a run, as its record has them."""
        given = {f.name: settings[f.name] for f in fields(cls) if f.name in settings}
        return cls(**given | {"label_columns": tuple(given.get("label_columns", ()))})

    def options_for(self, dataset: Any) -> dict[str, Any]:
        """Return the options that the function `open_domain` of a data set takes.

        Raises:
            ValueError: If the data set does not take an option.
        """
        benchmark = dataset.__name__.rpartition(".")[2]
        options: dict[str, Any] = {}
        if self.label_columns:
            if not hasattr(dataset, "LABEL_COLUMNS"):
                raise ValueError(f"{benchmark} has one label an image: leave label_columns out")
            options["columns"] = self.label_columns
        if self.side and getattr(dataset, "ANY_SIDE", False):
            options["side"] = self.side
        for name, flag, usual in (("skip_bad", "SKIPS_BAD", False), ("fit", "FITS", "squash")):
            if (value := getattr(self, name)) == usual:
                continue
            if not getattr(dataset, flag, False):
                raise ValueError(f"{name} is for images of your own, not for {benchmark}")
            options[name] = value
        return options
