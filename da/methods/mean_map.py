"""Mean and spread of every feature as a mapping."""

from jaxtyping import Float
from torch import Tensor

from da.methods._linear_mapping import LinearMapping
from da.ops.linalg import spread


class MeanMap(LinearMapping):
    """Give every source feature the mean and the standard deviation that it has in the target.

    Reinhard et al. do this with the three colors of two pictures; here it is done with the features
    of two domains.
    """

    paper = "Reinhard et al. 2001, IEEE Computer Graphics and Applications 21(5)"
    family = "mapping"

    def maps(
        self, z_s: Float[Tensor, "n d"], z_t: Float[Tensor, "m d"]
    ) -> tuple[Float[Tensor, "d"], None]:
        """Return the ratios of standard deviations for the source, and none for the target."""
        return spread(z_t) / spread(z_s), None
