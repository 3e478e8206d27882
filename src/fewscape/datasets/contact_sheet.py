"""Draw a contact sheet of episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from fewscape.core import IGNORE, Episode
from fewscape.datasets.manifest import EpisodeSpec

Picture = npt.NDArray[np.uint8]

_CELL = 192
_GAP = 8
_CAPTION = 22
_OBJECT = np.array([255, 72, 96], np.float32)
_UNKNOWN = np.array([128, 128, 128], np.float32)


def draw_contact_sheet(
    pairs: Sequence[tuple[EpisodeSpec, Episode]],
    columns: int = 3,
    more: Sequence[Mapping[str, Picture]] | None = None,
) -> Image.Image:
    """Draw episodes: supports with their masks, the query, and the query with its mask.

    Objects are tinted red within a white outline, unknown pixels are grey.

    Args:
        pairs: manifest entry and tensors (batch 1) of each episode.
        columns: episodes per row.
        more: further pictures (H, W, 3) per episode by title, such as predictions.
    """
    more = more or [{} for _ in pairs]
    cells = max(
        (
            episode.num_shots + 2 + len(titled)
            for (_, episode), titled in zip(pairs, more, strict=True)
        ),
        default=3,
    )
    block = (cells * (_CELL + 2) + 2 * _GAP, _CELL + _CAPTION + 2 * _GAP)
    rows = -(-len(pairs) // columns)
    sheet = Image.new("RGB", (block[0] * min(columns, len(pairs)), block[1] * rows), "white")
    for number, ((spec, episode), titled) in enumerate(zip(pairs, more, strict=True)):
        row, column = divmod(number, columns)
        corner = (column * block[0] + _GAP, row * block[1] + _GAP)
        _draw_episode(sheet, corner, spec, episode, titled)
    return sheet


def _draw_episode(
    sheet: Image.Image,
    corner: tuple[int, int],
    spec: EpisodeSpec,
    episode: Episode,
    more: Mapping[str, Picture],
) -> None:
    left, top = corner
    caption = f"{spec.dataset} / {spec.class_name}"
    draw = ImageDraw.Draw(sheet)
    draw.text((left, top), caption, fill="black", font=ImageFont.load_default(15))
    query = to_picture(episode.query_image[0].numpy())
    cells = [
        outline_mask(to_picture(image.numpy()), mask.numpy())
        for image, mask in zip(episode.support_images[0], episode.support_masks[0], strict=True)
    ]
    cells += [query, outline_mask(query, episode.query_mask[0].numpy())]
    labels = [*(f"support {n + 1}" for n in range(len(cells) - 2)), "query", "truth", *more]
    for number, (cell, label) in enumerate(zip([*cells, *more.values()], labels, strict=True)):
        place = (left + number * (_CELL + 2), top + _CAPTION)
        sheet.paste(Image.fromarray(cell).resize((_CELL, _CELL)), place)
        _draw_tag(draw, place, label)


def _draw_tag(draw: ImageDraw.ImageDraw, corner: tuple[int, int], label: str) -> None:
    font = ImageFont.load_default(12)
    box = draw.textbbox((corner[0] + 5, corner[1] + 3), label, font=font)
    draw.rectangle((corner[0], corner[1], box[2] + 5, box[3] + 3), fill=(20, 20, 20))
    draw.text((corner[0] + 5, corner[1] + 3), label, fill="white", font=font)


def outline_mask(picture: Picture, mask: Picture) -> Picture:
    """Tint and outline the mask's object on a picture (H, W, 3), and grey out unknown pixels."""
    shown = picture.astype(np.float32)
    is_object, is_unknown = mask == 1, mask == IGNORE
    shown[is_object] = 0.6 * shown[is_object] + 0.4 * _OBJECT
    shown[is_unknown] = 0.3 * shown[is_unknown] + 0.7 * _UNKNOWN
    shown[_edge(is_object)] = 255
    return shown.astype(np.uint8)


def _edge(is_object: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    padded = np.pad(is_object, 1, mode="edge")
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return is_object & ~inner


def to_picture(image: Picture) -> Picture:
    """(3, H, W) to (H, W, 3)."""
    return np.ascontiguousarray(image.transpose(1, 2, 0))
