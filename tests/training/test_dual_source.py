import numpy as np
import pytest
import torch

from fewscape.datasets.pan_ms import (
    EpisodeOptions,
    PairScale,
    PixelScene,
    describe_by_hand,
    make_synthetic_pair,
)
from fewscape.models.dual_source import DualSource, DualSourceConfig
from fewscape.training.dual_source import (
    DualSourceSegmentation,
    describe_labelled,
    train_on_scenes,
)
from fewscape.training.scene_episodes import SceneData, SceneEpisodes

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def scene():
    made = make_synthetic_pair(32, 0, fields=40)
    return PixelScene.make(made.pair, made.labels, PairScale.fit(made.pair))


class Followed(DualSourceSegmentation):
    """Remembers its losses."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.losses = []

    def training_step(self, batch, batch_index):
        loss = super().training_step(batch, batch_index)
        self.losses.append(loss.item())
        return loss


def make_data(scene):
    options = EpisodeOptions(way=3, shots=2, queries=4)
    return SceneData(SceneEpisodes([scene], options, steps=2, per_step=2, seed=3))


def make_task(warmup_epochs=1):
    torch.manual_seed(0)
    return Followed(
        DualSource(DualSourceConfig(width=16)),
        warmup_epochs=warmup_epochs,
        optimizer="adamw",
        lr=1e-3,
        schedule="constant",
    )


def test_a_resumed_run_has_the_same_losses(scene, tmp_path):
    whole = train_on_scenes(make_task(), make_data(scene), 7, str(tmp_path / "whole"))
    first = train_on_scenes(make_task(), make_data(scene), 6, str(tmp_path / "parts"))
    rest = train_on_scenes(
        make_task(),
        make_data(scene),
        7,
        str(tmp_path / "more"),
        str(tmp_path / "parts" / "last.ckpt"),
    )
    assert len(whole.losses) == 14
    assert first.losses == whole.losses[:12]
    assert rest.losses == whole.losses[12:]


def test_episodes_are_a_function_of_seed_epoch_and_index(scene):
    episodes = SceneEpisodes([scene], EpisodeOptions(way=3, shots=2, queries=4), seed=3)
    first, again = episodes[0], episodes[0]
    assert all(torch.equal(a, b) for a, b in zip(first.pixels, again.pixels, strict=True))
    episodes.epoch = 1
    assert not all(torch.equal(a, b) for a, b in zip(first.pixels, episodes[0].pixels, strict=True))


def test_sampling_sees_the_descriptors_of_the_right_pixels(scene):
    """The bank's row of a pixel is its descriptor in an episode (the release swapped the axes)."""
    model = DualSource(DualSourceConfig(width=16)).eval()
    rows = describe_labelled(model, scene)
    chosen = torch.tensor([5, 17, 101])
    alone = describe_labelled(model, scene, scene.pixels[chosen])
    torch.testing.assert_close(rows[chosen], alone, atol=1e-5, rtol=1e-4)
    swapped = describe_labelled(model, scene, scene.pixels[chosen].flip(1))
    assert not torch.allclose(rows[chosen], swapped, atol=1e-3)


def test_the_contrast_begins_after_the_warm_up(scene):
    task = make_task(warmup_epochs=100)
    other = make_task(warmup_epochs=0)
    train_on_scenes(task, make_data(scene), 1)
    train_on_scenes(other, make_data(scene), 1)
    assert other.losses[0] > task.losses[0]


def test_descriptors_by_hand_are_standardised(scene):
    values = describe_by_hand(scene)
    assert values.shape == (len(scene.labels), 11)
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(values.std(axis=0), 1, atol=1e-3)
