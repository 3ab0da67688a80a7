import jaxtyping
import pytest


@pytest.fixture(autouse=True)
def _no_checks_of_shapes(monkeypatch):
    """Shapes take three quarters of the time, and other tests check them."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
