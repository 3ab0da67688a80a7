import hashlib

import pytest
import torch

from tests.fidelity import inputs
from tests.fidelity.peers import SCRIPTS
from tests.fidelity.record import PICTURES, default_dtype, digest_batches
from tests.fidelity.replay import recorded
from tests.fidelity.spy import GIVEN


def test_numbers_of_a_stream_are_those_of_the_published_generator():
    seed = int.from_bytes(hashlib.sha256(b"centers").digest()[:8], "big")
    mask, z = 2**64 - 1, (seed + 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
    z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
    assert inputs.stream("centers", 1).item() == ((z ^ z >> 31) >> 40) / 2**23 - 1


@pytest.mark.parametrize("name", SCRIPTS)
def test_inputs_of_a_file_can_be_made_again(name):
    file = recorded(name)
    for dtype in (torch.float64, torch.float32):
        with default_dtype(dtype):
            assert digest_batches(SCRIPTS[name].target_images) == file["batches"]
            for role, about in file["initial"].items():
                if not role.startswith(GIVEN):
                    assert inputs.digest(_initial(role, about)) == about["digest"], role


def _initial(role, about):
    for place, shape in enumerate(about["shapes"]):
        made = torch.full(shape, float(place in about["scales"]))
        yield inputs.initial(role, place, made)


def test_picture_is_that_of_the_file():
    digest = hashlib.sha256(inputs.picture().tobytes()).hexdigest()
    assert digest == recorded(PICTURES)["picture"]
