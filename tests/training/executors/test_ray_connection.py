"""What stands between a command and a cluster is one line."""

import pytest

from da.training.executors.ray_connection import connect

ray = pytest.importorskip("ray")


@pytest.mark.parametrize(
    "error",
    [ConnectionError("no answer"), ray.exceptions.AuthenticationError("no token was found")],
)
def test_a_cluster_that_refuses_is_one_line(error, monkeypatch):
    def refuse(*_, **how):
        raise error

    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(ValueError, match="no Ray cluster at head:1 ") as raised, connect("head:1"):
        pass
    assert str(error).partition(".")[0] in str(raised.value)
    assert "\n" not in str(raised.value)
