"""The base class of the settings of all methods."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from da.config.network import Network
from da.config.validation import choice_errors, limit_errors, refuse


@dataclass(frozen=True)
class Settings:
    """Settings of a method.

    Raises:
        ValueError: Where a value is outside its limit, or settings contradict each other.
    """

    owner: ClassVar[Any]
    """Class of the method that these settings are for, or what its file says. Set automatically."""
    first_defaults: ClassVar[Mapping[str, Any]] = {}
    """Defaults of earlier versions, by name, where a setting now has another.
    Ids of runs leave out what has its first default, and records that lack a setting mean it.
    """

    def __post_init__(self) -> None:
        refuse(choice_errors(self) | limit_errors(self))
        refuse(self.contradictions())

    def contradictions(self) -> dict[str, bool]:
        """Return an error message for each contradiction, and whether the settings have it."""
        return {}

    @property
    def trains(self) -> bool:
        """Whether training steps move anything; otherwise a run ends after one."""
        return True

    def build(
        self, backbone: Any, classes: int, network: Network | None = None, domains: int = 1
    ) -> Any:
        """Build the untrained method that these settings describe.

        Args:
            backbone: Network from images to features, with its number of features as `width`.
            classes: Number of classes.
            network: Settings of neck and head; None for the defaults of `Network`.
            domains: Number of source domains.
        """
        from da.models.initialization import draw_rest

        network = network or Network()
        method = self.owner(self, backbone, classes, network)
        if self.owner.takes_domains:
            method.take_domains(domains)
        draw_rest(method, network.init_as)
        return method
