import warnings

import pytest


@pytest.fixture(scope="session")
def peer():
    """The validators of pytorch-adapt, whose import warns of what it is built on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pytorch_adapt import validators
    return validators
