"""A stream that resets returns to the model of the beginning at each shift."""

from dataclasses import replace

import pytest
import torch

from da.data import loaders, tasks
from da.data.domain import LabeledImages
from da.data.streams import order_stream
from da.methods import METHODS
from da.training.engine import fit
from da.training.resets import Beginning, reset_steps
from da.training.setup import show_images
from tests.conftest import build, points

ONLINE = {name: kind for name, kind in METHODS.items() if kind.streams}


def two_domains(options: str):
    """The same images in both domains, in the same order."""
    torch.manual_seed(0)
    x, y = torch.randn(24, 5).repeat(2, 1), torch.arange(48) % 3
    test = LabeledImages(x, torch.arange(48), y, domains=torch.arange(48) // 24)
    few = points(torch.randn(24, 5), torch.arange(24) % 3, 3)
    task = tasks.build_task("moons:0-40", few, few)
    name = f"emoji:openmoji-noto,twemoji+stream:listed,{options}"
    return replace(task, name=name, target_test=test)


@pytest.mark.parametrize("kind", ONLINE.values(), ids=ONLINE)
def test_after_a_reset_a_stream_is_as_at_its_beginning(kind):
    for options in ("reset", "continual"):
        m, task = build(kind), two_domains(options)
        show_images(m, task)
        optimizer = torch.optim.SGD(m.parameters(), 0.5, momentum=0.9)
        beginning, resets = Beginning(m, optimizer), reset_steps(task, 8, 0)
        assert resets == ({4} if options == "reset" else set())

        def before(step: int, at=resets, to=beginning) -> None:
            if step in at:
                torch.manual_seed(1)
                to.restore()

        torch.manual_seed(1)
        batches = loaders.stream(task.target_test, 8, 0, order=order_stream(task, 0))
        list(fit(m, batches, optimizer, 6, 6, before=before))
        first, second = m.online.split(24)
        assert first.isfinite().all()
        same = options == "reset" or kind.name in ("bn_adapt", "lame")  # which learn nothing
        assert first.allclose(second, atol=1e-5) == same
