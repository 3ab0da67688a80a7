from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, current_thread, main_thread

import pytest
import torch

from da.system import threads
from da.system.threads import map_in_threads
from tests.conftest import THREADS


@pytest.fixture
def four():
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(THREADS)


@pytest.mark.parametrize("n", [0, 1, 2, 50])
def test_each_part_is_done_once(four, n):
    done, parts = [], list(zip(range(n), "xy" * 25, strict=False))
    assert map_in_threads(lambda a, b: done.append((a, b)) or (a, b), parts) == parts
    assert sorted(done) == parts


def test_operations_inside_are_not_split_and_those_after_are(four):
    seen = []
    map_in_threads(lambda i: seen.append(torch.get_num_threads()), [(i,) for i in range(20)])
    assert seen == 20 * [1]
    assert torch.get_num_threads() == 4
    with ThreadPoolExecutor(1) as other:
        assert other.submit(torch.get_num_threads).result() == 4
    assert set(threads._pool(3).map(lambda _: torch.get_num_threads(), range(20))) == {1}


def test_what_goes_wrong_in_another_thread_is_raised(four):
    meet = Barrier(4)

    def fail() -> None:
        meet.wait()
        if current_thread() is not main_thread():
            raise KeyError

    with pytest.raises(KeyError):
        map_in_threads(fail, 4 * [()])
    assert torch.get_num_threads() == 4


def test_tensors_of_inference_are_written_by_every_thread(four):
    with torch.inference_mode():
        x = torch.zeros(1000)
        map_in_threads(lambda place: place.add_(1), [(place,) for place in x.split(10)])
    assert x.eq(1).all()
