"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED_DATA = REPOSITORY.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def _same_chance_for_every_test():
    torch.manual_seed(0)


@pytest.fixture
def shared_data() -> Path:
    """The folder of real imagery beside the checkout."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real imagery (../shared/data) is not on this machine")
    return SHARED_DATA


@pytest.fixture
def mobilenet_weights(shared_data: Path) -> Path:
    """The pretrained backbone for development."""
    path = shared_data / "pretrained" / "mobilenetv2_100_tf_imagenet.safetensors"
    if not path.is_file():
        pytest.skip(f"{path.name} is not among the shared data")
    return path
