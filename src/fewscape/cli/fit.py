"""``fewscape fit``: train a network from a recipe."""

from __future__ import annotations

EXAMPLE = """\
fewscape fit --config embedded --trainer.default_root_dir runs/embedded
fewscape fit --config bicor_seg/small --data.folder mydata --trainer.default_root_dir runs/mine
fewscape fit --config my_recipe.yaml --model.lr 0.0005"""
PASS_THROUGH = True  # LightningCLI parses its own options


def run(argv: list[str]) -> int:
    """Train by the recipe; ``--ckpt_path`` resumes."""
    from fewscape.training.fitting import train

    train(argv)
    return 0
