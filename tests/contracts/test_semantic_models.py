"""One list of checks over every fully supervised network of the zoo."""

import copy

import pytest
import torch

from fewscape.backbones import BackboneConfig
from fewscape.core import ShapeError
from fewscape.models import save_model
from fewscape.zoo import SEMANTIC_MODELS, load

SIZE = 64
NAMES = ("roof", "road", "water")
VARIANTS = {
    "bicor_seg, reference": ("bicor_seg", {"variant": "reference"}),
    "bicor_seg, few pixels": ("bicor_seg", {"topk_ratio": 0.1, "num_layers": 3}),
}
"""Networks of the zoo with other than their default arguments."""


@pytest.fixture(scope="module", params=sorted([*SEMANTIC_MODELS, *VARIANTS]))
def model(request):
    torch.manual_seed(0)
    name, arguments = VARIANTS.get(request.param, (request.param, {}))
    options = {"backbone": BackboneConfig("test_convnext"), "width": 32} | arguments
    return SEMANTIC_MODELS[name](len(NAMES), **options).eval()


def draw_images(batch=2, height=SIZE, width=SIZE):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (batch, 3, height, width), generator=generator).to(torch.uint8)


def test_logits_have_the_declared_stride(model):
    output = model(draw_images(height=2 * model.window_multiple, width=model.window_multiple))
    size = 2 * model.window_multiple, model.window_multiple
    assert output.size == size
    assert output.logits.shape == (2, len(NAMES), *(side // model.stride for side in size))
    assert output.logits.isfinite().all()


def test_the_heats_are_named_as_the_network_says(model):
    output = model(draw_images())
    assert {f"heat{number}" for number in range(1, model.num_heats + 1)} <= set(output.maps)


def test_two_steps_equal_forward(model):
    images = draw_images()
    with torch.inference_mode():
        assert torch.equal(model.decode(model.encode(images)).logits, model(images).logits)


def test_a_batch_equals_its_images(model):
    images = draw_images(3)
    with torch.inference_mode():
        alone = torch.cat([model(image[None]).logits for image in images])
        assert torch.allclose(model(images).logits, alone, atol=1e-4)


def test_a_size_that_does_not_fit_names_one_that_does(model):
    side = -(-50 // model.window_multiple) * model.window_multiple
    with pytest.raises(ShapeError, match=f"for instance to {side} x {side}"):
        model(torch.zeros(1, 3, 50, 50))


def test_every_term_of_the_loss_is_a_finite_scalar(model):
    network = copy.deepcopy(model).train()
    labels = torch.randint(0, len(NAMES), (2, SIZE, SIZE))
    labels[0, :9] = 255
    terms = network.auxiliary_losses(network(draw_images()), labels)
    assert all(term.shape == () and term.isfinite() for term in terms.values())


def test_bfloat16_is_close_to_float32(model):
    images = draw_images()
    with torch.inference_mode():
        full = model(images).logits
        rounded = copy.deepcopy(model).to(torch.bfloat16)(images).logits.float()
    assert (full - rounded).abs().max() < 0.1 * (full.max() - full.min())


def test_a_saved_folder_gives_the_same_network(model, tmp_path):
    save_model(model, tmp_path / "saved", "# card\n", SIZE, facts={"classes": NAMES})
    loaded = load(str(tmp_path / "saved"))
    again = loaded.semantic
    assert loaded.facts.class_names == NAMES
    assert loaded.facts.window == SIZE
    images = draw_images()
    with torch.inference_mode():
        assert torch.equal(again(images).logits, model(images).logits)


@pytest.mark.slow
def test_it_exports_to_a_graph(model):
    images = draw_images(1)

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, images):
            return self.model(images).logits

    graph = torch.export.export(Logits(), (images,), strict=False).module()
    with torch.inference_mode():
        assert torch.allclose(graph(images), Logits()(images), atol=1e-4)
