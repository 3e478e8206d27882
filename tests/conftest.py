"""What all tests share."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED_DATA = Path(
    os.environ.get("FEWSCAPE_TEST_DATA", REPOSITORY.parent / "shared" / "data")
).resolve()
"""Real imagery, which the repository does not carry; tests that need it skip without it."""
DEFAULT_THREADS = 2  # what our continuous integration has; more make small tensors slower


settings.register_profile(  # a busy machine is no failure
    "ours", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ours")


def pytest_addoption(parser):
    parser.addoption("--device", default="cpu", help="where tests with the device fixture run")


def pytest_configure(config):
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", DEFAULT_THREADS)))


def pytest_collection_modifyitems(items):
    if torch.cuda.is_available():
        return
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="torch sees no CUDA device"))


@pytest.fixture(autouse=True)
def _same_chance_for_every_test():
    random.seed(0)
    np.random.seed(0)  # packages that we call draw from it
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("FEWSCAPE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def notebook_runs(tmp_path_factory):
    """The folder where the notebooks that these tests run are kept; each is run once."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.getbasetemp() / "notebook_runs"
        patch.setenv("FEWSCAPE_NOTEBOOK_RUNS", str(folder))
        yield folder


@pytest.fixture(scope="session")
def device(request) -> torch.device:
    """The device of ``--device``."""
    return torch.device(request.config.getoption("--device"))


@pytest.fixture
def shared_data() -> Path:
    """The folder of real imagery beside the checkout."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real imagery (FEWSCAPE_TEST_DATA) is not on this machine")
    return SHARED_DATA


@pytest.fixture
def mobilenet_weights(shared_data: Path) -> Path:
    """The pretrained backbone for development."""
    path = shared_data / "pretrained" / "mobilenetv2_100_tf_imagenet.safetensors"
    if not path.is_file():
        pytest.skip(f"{path.name} is not among the shared data")
    return path
