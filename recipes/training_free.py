r"""Model folder of a few-shot model that needs no training, with other numbers than its own.

    python recipes/efficientnet_lite.py --output runs/tf_efficientnet_lite2.safetensors
    PYTHONPATH=src python recipes/training_free.py discriminant --option mixed=true \
        --weights runs/tf_efficientnet_lite2.safetensors --output runs/discriminant_mixed
    PYTHONPATH=src python recipes/training_free.py discriminant --option views=d4 \
        --option shrinkage=0.9 --weights runs/tf_efficientnet_lite2.safetensors --output runs/turned

``fewscape compare``, ``evaluate`` and ``map`` take such folders. With its own numbers a model needs
no folder: its name and ``--weights`` are enough.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml

from fewscape.backbones import BackboneConfig
from fewscape.models import save_model
from fewscape.zoo import MODELS, TRAINING_FREE

WINDOW = 512


def main() -> None:
    """Build the model, write the folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", choices=TRAINING_FREE)
    parser.add_argument("--weights", required=True, help="of the backbone, which they name")
    parser.add_argument("--option", action="append", default=[], help="NAME=VALUE of the model")
    parser.add_argument("--output", type=Path, required=True, help="model folder to write")
    arguments = parser.parse_args()
    given = dict(option.split("=", 1) for option in arguments.option)
    options = {name: yaml.safe_load(value) for name, value in given.items()}
    backbone = BackboneConfig(weights=arguments.weights)
    model = MODELS[arguments.model](backbone=backbone, **options).eval()
    card = (
        f"# {arguments.model}\n\nNothing was trained. Backbone: {Path(arguments.weights).name}.\n"
    )
    save_model(model, arguments.output, card, WINDOW)
    print(f"{arguments.output}: {arguments.model}, {options}")


if __name__ == "__main__":
    main()
