import threading
import time

from da.system.budget import Budget


def test_threads_together_hold_no_more_than_there_is():
    budget, active, most = Budget(10), [], []

    def work(amount: int) -> None:
        with budget.hold(amount):
            active.append(min(amount, 10))
            most.append(sum(active))
            time.sleep(0.002)
            active.remove(min(amount, 10))

    threads = [threading.Thread(target=work, args=[n]) for n in (4, 7, 4, 99, 4, 7, 1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) <= 10
    assert budget.free == 10
