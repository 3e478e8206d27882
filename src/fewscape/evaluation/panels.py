"""Pictures of a network's prediction and intermediate maps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from fewscape.core import Episode
from fewscape.datasets.contact_sheet import outline_mask, to_picture
from fewscape.models import FewShotModel
from fewscape.ops import resize_maps

Picture = npt.NDArray[np.uint8]

MOST_CHANNELS = 2
"""Maps with more channels are features, which are not shown."""


def explain_episode(model: FewShotModel, episode: Episode) -> dict[str, Picture]:
    """Draw the prediction over the query, then each named map of the network's ``Output``.

    Maps are shown from minimum (dark) to maximum (bright); of two maps, the foreground's.

    Args:
        model: the network in evaluation mode, on the CPU.
        episode: an episode of batch 1.

    Returns:
        (H, W, 3) pictures by title.
    """
    with torch.inference_mode():
        output = model(episode)
        logits = resize_maps(output.logits.float(), output.size)[0]
        shown = {
            name: resize_maps(plane[:1, :1].float(), output.size)[0, 0].numpy()
            for name, plane in output.maps.items()
            if plane.shape[1] <= MOST_CHANNELS
        }
    query = to_picture(episode.query_image[0].numpy())
    found = (logits[1] > logits[0]).byte().numpy()
    heat = {name: _colour(plane) for name, plane in shown.items()}
    return {"prediction": outline_mask(query, found), **heat}


def _colour(plane: npt.NDArray[np.float32]) -> Picture:
    from matplotlib import colormaps

    spread = float(np.ptp(plane)) or 1.0
    colours = colormaps["inferno"]((plane - plane.min()) / spread, bytes=True)
    return np.asarray(colours[..., :3], np.uint8)
