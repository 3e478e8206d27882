"""Every network of the benchmarks' recipes learns on every backbone that they offer."""

import importlib

import pytest
import torch

from fewscape.backbones import BackboneConfig
from fewscape.benchmark.published.recipes import compose_recipe
from fewscape.losses import share_cross_entropy
from fewscape.testing import make_episode
from tests.recipe_names import BACKBONES, CONFIGS, list_models

SIDE = 256
NETWORKS = [name for name in list_models("isaid5i") if not name.endswith("_published")]
PUBLISHED = [name for name in list_models("isaid5i") if name.endswith("_published")]


def build(benchmark, model):
    """The network of a recipe with random weights, and a stub in the place of CLIP."""
    torch.manual_seed(0)
    told = compose_recipe(CONFIGS, benchmark, model)["model"]["model"]
    arguments = dict(told["init_args"])
    arguments["backbone"] = BackboneConfig(**arguments["backbone"] | {"weights": None})
    if "clip" in arguments:
        arguments["clip"] = arguments["clip"] | {"architecture": "stub", "weights": None}
    module, _, name = told["class_path"].rpartition(".")
    return getattr(importlib.import_module(module), name)(**arguments)


def check_learning(network):
    """Logits of the declared stride, and gradients wherever something is to be learnt."""
    episode = make_episode(batch=1, height=SIDE, width=SIDE)
    output = network.train()(episode)
    assert output.logits.shape == (1, 2, SIDE // network.stride, SIDE // network.stride)
    loss = share_cross_entropy(output.logits, episode.query_mask)
    loss = loss + sum(network.auxiliary_losses(output, episode).values())
    assert loss.isfinite()
    free = [p for p in network.parameters() if p.requires_grad]
    if not free:
        assert network.name == "prototype"
        return
    loss.backward()
    gradients = [p.grad for p in free if p.grad is not None]
    assert len(gradients) > len(free) / 2
    assert all(gradient.isfinite().all() for gradient in gradients)
    # A correction that starts from nothing passes none on at first.
    assert any(gradient.abs().sum() > 0 for gradient in gradients)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_learns_on_every_backbone(network, backbone):
    check_learning(build("isaid5i", f"{network}@{backbone}"))


@pytest.mark.slow
@pytest.mark.parametrize("network", PUBLISHED)
def test_published_networks_learn(network):
    check_learning(build("isaid5i", network))
    assert build("dlrsd5i", network).name == network.removesuffix("_published")
