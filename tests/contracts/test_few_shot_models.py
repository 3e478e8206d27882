"""The contract over every few-shot network of the zoo: a network is tested by being listed."""

import pytest
import torch

from fewscape.backbones import BackboneConfig
from fewscape.testing import FewShotContract
from fewscape.zoo import MODELS

STUB_CLIP = {
    "class_names": ["ship", "harbor", "plane"],
    "architecture": "stub",
    "first_class_id": 100,  # the classes of the episodes have no names here
}

TRANSFORMER = BackboneConfig(
    "vit_small_patch14_dinov2",
    options={"depth": 6, "embed_dim": 48, "num_heads": 3, "img_size": 56},
)

VARIANTS = {
    "dsmf_net, reference": ("dsmf_net", {"variant": "reference", "adjacency": "dynamic"}),
    "dsmf_net, light": (
        "dsmf_net",
        {"variant": "light", "gpml_stages": [2, 3, 4], "sff_order": "topdown"},
    ),
    "dsmf_net, dilated": (
        "dsmf_net",
        {"dilated": True, "backbone": BackboneConfig("resnet50"), "sff_use_graph_feat": True},
    ),
    "hsnet, reference": ("hsnet", {"variant": "reference"}),
    "icpd_net, reference": ("icpd_net", {"variant": "reference"}),
    "icpd_net, clip": ("icpd_net", {"clip": STUB_CLIP}),
    "mgcl, reference": ("mgcl", {"variant": "reference"}),
    "mgcl, projection": ("mgcl", {"projection": 8}),
    "mgcl, transformer": ("mgcl", {"backbone": TRANSFORMER}),
    "hsnet, transformer": ("hsnet", {"backbone": TRANSFORMER}),
    "pfenet, reference": (
        "pfenet",
        {"variant": "reference", "width": 32, "backbone": BackboneConfig("resnet50_dilated")},
    ),
}
"""Networks of the zoo with other than their default arguments."""


def build(title):
    torch.manual_seed(0)
    name, arguments = VARIANTS.get(title, (title, {}))
    return MODELS[name](**{"backbone": BackboneConfig("test_resnet"), **arguments}).eval()


class TestFewShotModels(FewShotContract):
    test_it_exports_to_a_graph = pytest.mark.slow(FewShotContract.test_it_exports_to_a_graph)

    @pytest.fixture(scope="class", params=sorted([*MODELS, *VARIANTS]))
    def model(self, request):
        return build(request.param)
