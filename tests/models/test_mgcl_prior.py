"""The comparison with prototypes that MGCL's default starts from."""

import numpy as np
import pytest
import torch

from fewscape.backbones import BackboneConfig
from fewscape.core import ConfigError, Episode
from fewscape.models import MGCL
from fewscape.models.mgcl.prior import learn_prototypes, prototype_cosines
from fewscape.ops import pool_regions, resize_maps
from tests.reference.correlation import joined


def test_cosines_are_those_of_the_joined_vectors():
    generator = torch.Generator().manual_seed(0)
    channels, regions = 5, 4
    rows = [torch.randn(2, count, channels, generator=generator) for count in (9, 7)]
    cells = [torch.randint(-1, regions, (2, count), generator=generator) for count in (9, 7)]
    means = [pool_regions(r, c, regions) for r, c in zip(rows, cells, strict=True)]
    shares = torch.rand(2, 3, 7, generator=generator)
    shares[:, 2] = 0
    prototypes = learn_prototypes(rows[1], means[1], cells[1], shares)
    cosines = prototype_cosines(rows[0], means[0], cells[0], prototypes)
    assert (cosines[:, 2] == 0).all()
    for sample in range(2):
        query, support = (
            joined(r[sample].double().numpy(), c[sample].numpy(), regions)
            for r, c in zip(rows, cells, strict=True)
        )
        for side in range(2):
            prototype = sum(
                share * vector
                for share, vector in zip(shares[sample, side].tolist(), support, strict=True)
            )
            expected = [
                query_vector @ prototype / np.linalg.norm(query_vector) / np.linalg.norm(prototype)
                for query_vector in query
            ]
            np.testing.assert_allclose(cosines[sample, side].numpy(), expected, atol=1e-5)


def test_an_untrained_network_answers_with_the_mean_cosine_of_all_levels():
    torch.manual_seed(0)
    model = MGCL(BackboneConfig("test_resnet")).eval()
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    mask = torch.zeros(1, 64, 64, dtype=torch.uint8)
    mask[:, 16:40, 8:48] = 1
    with torch.inference_mode():
        features = model.encode(images)
        support = model.learn(features[:1], mask)
        logits = model.predict_shot(features[1:], support).logits
        planes = [model._compare(features[1:], support, stride) for stride in (4, 8, 16, 32)]
    total = sum(resize_maps(plane, (16, 16)) for plane in planes)
    margin = model.decoder.prior_weights[0] * (total[:, 0] - total[:, 1])
    assert torch.allclose(logits[:, 1] - logits[:, 0], margin, atol=1e-4)


def test_a_border_cell_counts_for_each_side_by_its_share():
    model = MGCL(BackboneConfig("test_resnet")).eval()
    mask = torch.zeros(1, 64, 64, dtype=torch.uint8)
    mask[:, :, :34] = 1  # the fifth column of stride 8 holds a quarter of foreground
    with torch.inference_mode():
        features = model.encode(torch.rand(1, 3, 64, 64))
        scales = model.learn(features, mask)["scales8"].view(8, 8, 2)
    whole = scales.sum(dim=2)
    assert torch.allclose(scales[:, 4, 0], 0.25 * whole[:, 4])
    assert torch.allclose(scales[:, 4, 1], 0.75 * whole[:, 4])


@pytest.mark.parametrize("variant", ["default", "reference"])
def test_other_strides_are_refused(variant):
    with pytest.raises(ConfigError, match=r"strides \[8, 32\]; its variant .* leave the setting"):
        MGCL(BackboneConfig("test_resnet", strides=(8, 32)), variant=variant)


def test_the_reference_has_no_prior():
    model = MGCL(BackboneConfig("test_resnet"), variant="reference").eval()
    mask = torch.ones(1, 1, 64, 64, dtype=torch.uint8)
    image = torch.rand(1, 3, 64, 64)
    episode = Episode(image, mask[0], image[None], mask, torch.zeros(1, dtype=torch.long))
    assert "prior" not in model(episode).maps
