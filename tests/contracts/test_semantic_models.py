"""The contract over every fully supervised network of the zoo."""

import pytest
import torch

from fewscape.backbones import BackboneConfig
from fewscape.testing import SemanticContract
from fewscape.zoo import SEMANTIC_MODELS

NUM_CLASSES = 3
VARIANTS = {
    "bicor_seg, reference": ("bicor_seg", {"variant": "reference"}),
    "bicor_seg, few pixels": ("bicor_seg", {"topk_ratio": 0.1, "num_layers": 3}),
}
"""Networks of the zoo with other than their default arguments."""


class TestSemanticModels(SemanticContract):
    test_it_exports_to_a_graph = pytest.mark.slow(SemanticContract.test_it_exports_to_a_graph)

    @pytest.fixture(scope="class", params=sorted([*SEMANTIC_MODELS, *VARIANTS]))
    def model(self, request):
        torch.manual_seed(0)
        name, arguments = VARIANTS.get(request.param, (request.param, {}))
        options = {"backbone": BackboneConfig("test_convnext"), "width": 32} | arguments
        return SEMANTIC_MODELS[name](NUM_CLASSES, **options).eval()
