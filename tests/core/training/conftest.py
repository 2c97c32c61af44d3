"""The device as a parameter of tests: the CPU, and a GPU where there is one."""

import pytest
import torch

NO_GPU = "not run on a GPU: PyTorch finds none on this machine"


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest) -> str:
    """Each device in turn."""
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip(NO_GPU)
    return str(request.param)


@pytest.fixture
def gpu() -> str:
    """The device of tests that mean nothing on the CPU."""
    if not torch.cuda.is_available():
        pytest.skip(NO_GPU)
    return "cuda"
