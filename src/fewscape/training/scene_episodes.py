"""Sample episodes of labelled pixels from panchromatic and multispectral pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import lightning.pytorch as lightning
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from fewscape.core import DatasetError
from fewscape.datasets.pan_ms import EpisodeOptions, PixelBank, PixelScene, describe_by_hand


class StepEpisodes(NamedTuple):
    """The episodes of one step, all from one scene."""

    scene: PixelScene
    pixels: list[torch.Tensor]
    """(S + Q, 2) pixels of each episode, supports first."""
    support_classes: list[torch.Tensor]
    """(S,) classes below K."""
    query_classes: list[torch.Tensor]
    """(Q,) likewise."""


class SceneEpisodes(Dataset[StepEpisodes]):
    """Episodes that depend only on seed, epoch and index.

    Scenes with enough pixels for fewer than two classes are skipped.

    Args:
        scenes: the scenes; all episodes of a step come from one.
        options: see ``EpisodeOptions``.
        steps: steps per epoch.
        per_step: episodes per step; the scene is encoded once for all of them.
        seed: random seed.

    Raises:
        DatasetError: no scene is left.
    """

    def __init__(
        self,
        scenes: Sequence[PixelScene],
        options: EpisodeOptions | None = None,
        steps: int = 20,
        per_step: int = 4,
        seed: int = 0,
    ) -> None:
        self.scenes: list[PixelScene] = []
        self.banks: list[PixelBank] = []
        for scene in scenes:
            try:
                bank = PixelBank(scene.labels.numpy(), describe_by_hand(scene), options)
            except DatasetError as error:
                refusal = error
            else:
                self.scenes.append(scene)
                self.banks.append(bank)
        if not self.scenes:
            raise refusal
        self.steps = steps
        self.per_step = per_step
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> StepEpisodes:
        rng = np.random.default_rng([self.seed, self.epoch, index])
        number = int(rng.integers(len(self.scenes))) if len(self.scenes) > 1 else 0
        scene, bank = self.scenes[number], self.banks[number]
        drawn = [bank.draw(rng, self.epoch) for _ in range(self.per_step)]
        return StepEpisodes(
            scene,
            [
                scene.pixels[torch.from_numpy(np.concatenate([e.supports, e.queries]))]
                for e in drawn
            ],
            [torch.from_numpy(e.support_classes) for e in drawn],
            [torch.from_numpy(e.query_classes) for e in drawn],
        )


class SceneData(lightning.LightningDataModule):
    """Episodes for training, and scenes for validation.

    Args:
        episodes: training episodes.
        validation: validation scenes.
    """

    def __init__(self, episodes: SceneEpisodes, validation: Sequence[PixelScene] = ()) -> None:
        super().__init__()
        self.episodes = episodes
        self.validation = list(validation)

    def train_dataloader(self) -> DataLoader[StepEpisodes]:
        """Episodes of the current epoch."""
        self.episodes.epoch = self.trainer.current_epoch if self.trainer else 0
        return DataLoader(self.episodes, batch_size=None)

    def val_dataloader(self) -> DataLoader[PixelScene]:
        """The scenes for validation, one at a time."""
        return DataLoader(self.validation, batch_size=None)  # type: ignore[arg-type]

    def transfer_batch_to_device(
        self,
        batch: Any,  # noqa: ANN401 (Lightning's)
        device: torch.device,
        dataloader_idx: int,
    ) -> Any:  # noqa: ANN401 (Lightning's)
        """Keep scenes on the CPU until they are encoded."""
        del device, dataloader_idx
        return batch

    def state_dict(self) -> dict[str, Any]:
        """Save the descriptors for sampling, which are older than the weights."""
        rows = [torch.from_numpy(bank.descriptors) for bank in self.episodes.banks]
        return {"descriptors": rows}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Restore the descriptors of the interrupted run."""
        for bank, rows in zip(self.episodes.banks, state_dict["descriptors"], strict=True):
            bank.refresh(rows.numpy())
