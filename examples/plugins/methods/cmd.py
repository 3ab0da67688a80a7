"""Central moment discrepancy."""

from dataclasses import dataclass

from da.methods import Batch, Losses, Method, Scalar


class CMD(Method):
    """Give features the same central moments in both domains, order by order."""

    paper = "Zellinger et al. 2017, arXiv:1702.08811"
    family = "discrepancy"
    batchable = ("trade_off",)

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """As in section 5.2. The paper's layer ends in a sigmoid; here only the gap sees one."""

        trade_off: float = 1.0
        """Weight of the gap, lambda in eq. 2."""
        moments: int = 5
        """Number of orders that are compared, K in eq. 6."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy and the gap between the domains' moments (eq. 6)."""
        f_s, f_t = self.features(batch)
        a_s, a_t = f_s.float().sigmoid(), f_t.float().sigmoid()
        gap = (a_s.mean(0) - a_t.mean(0)).norm()
        z_s, z_t = a_s - a_s.mean(0), a_t - a_t.mean(0)
        for k in range(2, self.hp.moments + 1):
            gap = gap + (z_s.pow(k).mean(0) - z_t.pow(k).mean(0)).norm()
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "moments": self.hp.trade_off * gap,
        }
