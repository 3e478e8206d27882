"""Contract tests of supervised networks."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from fewscape.core import ShapeError
from fewscape.models import SemanticModel
from fewscape.testing.storing import store_and_load

LEAST_SIDE = 64
"""Side of the images, pixels; larger if ``window_multiple`` is."""


class SemanticContract:
    """Tests of a supervised network; a subclass provides the fixture ``model``."""

    def test_logits_have_the_declared_stride(self, model: SemanticModel) -> None:
        """One channel per class."""
        height, width = 2 * model.window_multiple, model.window_multiple
        output = model(draw_images(model, size=(height, width)))
        cells = height // model.stride, width // model.stride
        assert output.size == (height, width)
        assert output.logits.shape == (2, model.num_classes, *cells)
        assert output.logits.isfinite().all()

    def test_the_heats_are_named_as_the_network_says(self, model: SemanticModel) -> None:
        """``heat1`` to the last one."""
        output = model(draw_images(model))
        assert {f"heat{number}" for number in range(1, model.num_heats + 1)} <= set(output.maps)

    def test_two_steps_equal_forward(self, model: SemanticModel) -> None:
        """``encode``, then ``decode``."""
        images = draw_images(model)
        with torch.inference_mode():
            assert torch.equal(model.decode(model.encode(images)).logits, model(images).logits)

    def test_a_batch_equals_its_images(self, model: SemanticModel) -> None:
        """Images are independent."""
        images = draw_images(model, 3)
        with torch.inference_mode():
            alone = torch.cat([model(image[None]).logits for image in images])
            assert torch.allclose(model(images).logits, alone, atol=1e-4)

    def test_a_size_that_does_not_fit_names_one_that_does(self, model: SemanticModel) -> None:
        """Instead of failing somewhere inside."""
        if 50 % model.window_multiple == 0:
            pytest.skip("it fits")
        side = -(-50 // model.window_multiple) * model.window_multiple
        with pytest.raises(ShapeError, match=f"for example to {side} x {side}"):
            model(torch.zeros(1, 3, 50, 50))

    def test_every_term_of_the_loss_is_a_finite_scalar(self, model: SemanticModel) -> None:
        """Even with unknown pixels."""
        network = copy.deepcopy(model).train()
        images = draw_images(model)
        shape = images.shape[0], *images.shape[2:]
        labels = torch.randint(0, model.num_classes, shape)
        labels[0, :9] = 255
        terms = network.auxiliary_losses(network(images), labels)
        assert all(term.shape == () and term.isfinite() for term in terms.values())

    def test_bfloat16_is_close_to_float32(self, model: SemanticModel) -> None:
        """The fast precision on recent hardware."""
        images = draw_images(model)
        with torch.inference_mode():
            full = model(images).logits
            rounded = copy.deepcopy(model).to(torch.bfloat16)(images).logits.float()
        assert (full - rounded).abs().max() < 0.1 * (full.max() - full.min())

    def test_a_saved_folder_gives_the_same_network(
        self, model: SemanticModel, tmp_path: Path
    ) -> None:
        """Class names are kept."""
        images = draw_images(model)
        names = tuple(f"class {number}" for number in range(model.num_classes))
        loaded = store_and_load(model, tmp_path / "saved", images.shape[-1], classes=names)
        assert loaded.facts.class_names == names
        assert loaded.facts.window == images.shape[-1]
        with torch.inference_mode():
            assert torch.equal(loaded.semantic(images).logits, model(images).logits)

    def test_it_exports_to_a_graph(self, model: SemanticModel) -> None:
        """There is no data-dependent control flow."""
        images = draw_images(model, 1)
        logits = _Logits(model)
        graph = torch.export.export(logits, (images,), strict=False).module()
        with torch.inference_mode():
            assert torch.allclose(graph(images), logits(images), atol=1e-4)


class _Logits(torch.nn.Module):
    """A network that returns a tensor."""

    def __init__(self, model: SemanticModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(images).logits
        return logits


def draw_images(
    model: SemanticModel, batch: int = 2, size: tuple[int, int] | None = None
) -> torch.Tensor:
    """Random images (B, 3, H, W) uint8; square if no size is given."""
    generator = torch.Generator().manual_seed(0)
    multiple = model.window_multiple
    side = -(-LEAST_SIDE // multiple) * multiple
    shape = (batch, 3, *(size or (side, side)))
    return torch.randint(0, 256, shape, generator=generator).to(torch.uint8)
