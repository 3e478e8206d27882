"""Masks of Segment Anything (SAM, Kirillov et al. 2023; SAM 2, Ravi et al. 2024) as regions."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fewscape.core import ConfigError, Policy, ShapeError, WeightsError, hash_file, require
from fewscape.regions.flatten import MAX_MASKS, flatten_masks
from fewscape.regions.maker import Image, RegionMaker

_loading = threading.Lock()


@dataclass(frozen=True)
class Sam(RegionMaker):
    """Automatic masks of SAM on a grid of points; each pixel belongs to its smallest mask.

    The defaults are those of the published MGCL. Images of one or two bands repeat the last band;
    only the first three bands are used. An image without any mask has no region.

    Args:
        model: a folder in the format of ``transformers``, or a name on its hub. A folder is never
            fetched.
        points_per_side: the grid has the square of this number of points.
        min_predicted_iou: minimum IoU predicted by the network.
        min_stability: minimum IoU of the masks at thresholds ``stability_offset`` above and below
            the default.
        stability_offset: offset in logits.
        max_box_iou: maximum box IoU in non-maximum suppression.
        max_masks: number of masks to keep, largest first.
        points_per_batch: points per batch; more need more memory.
        device: ``auto``, ``cpu`` or ``cuda``.
    """

    name: ClassVar[str] = "sam"
    model_types: ClassVar[tuple[str, ...]] = ("sam",)
    model: str = "facebook/sam-vit-huge"
    points_per_side: int = 32
    min_predicted_iou: float = 0.88
    min_stability: float = 0.5
    stability_offset: float = 1.0
    max_box_iou: float = 0.7
    max_masks: int = MAX_MASKS
    points_per_batch: int = 64
    device: str = "auto"

    def __post_init__(self) -> None:
        for key in ("points_per_side", "max_masks", "points_per_batch"):
            if getattr(self, key) < 1:
                raise ConfigError(
                    f"{self.name}: {key} is {getattr(self, key)}", "expected 1 or more"
                )

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The arguments except batch and device; a folder is identified by its content."""
        told = {key: value for key, value in asdict(self).items() if key not in _WITHOUT_EFFECT}
        return told | {"model": self._identity}

    def segment(self, image: Image) -> npt.NDArray[np.integer]:
        """The masks of the whole image, flattened."""
        from PIL import Image as Picture

        if image.dtype != np.uint8:
            raise ShapeError(
                f"{self.name}: the image is {image.dtype}", "expected uint8", "scale it to 0..255"
            )
        bands = np.minimum(np.arange(3), image.shape[2] - 1)
        picture = Picture.fromarray(np.ascontiguousarray(image[:, :, bands]))
        with _loading:
            generate = self._generator
        found = generate(
            picture,
            points_per_batch=self.points_per_batch,
            points_per_crop=self.points_per_side,
            pred_iou_thresh=self.min_predicted_iou,
            stability_score_thresh=self.min_stability,
            stability_score_offset=self.stability_offset,
            crops_nms_thresh=self.max_box_iou,
        )
        masks = [np.asarray(mask, bool) for mask in found["masks"]]
        return flatten_masks(masks, image.shape[:2], self.max_masks)

    @cached_property
    def _identity(self) -> str:
        return _hash_folder(Path(self.model)) if _is_local(self.model) else self.model

    @cached_property
    def _generator(self) -> Any:  # noqa: ANN401 (a transformers pipeline, untyped)
        return _load_generator(self.model, self.name, self.model_types, self.device)

    def __getstate__(self) -> dict[str, Any]:
        # Each process loads its own network.
        return {key: value for key, value in vars(self).items() if key != "_generator"}


@dataclass(frozen=True)
class Sam2(Sam):
    """Like ``Sam`` with SAM 2, whose image network is several times smaller and faster."""

    name: ClassVar[str] = "sam2"
    model_types: ClassVar[tuple[str, ...]] = ("sam2", "sam2_video")
    model: str = "facebook/sam2.1-hiera-large"


_WITHOUT_EFFECT = ("model", "points_per_batch", "device")


def _load_generator(model: str, method: str, model_types: tuple[str, ...], device: str) -> Any:  # noqa: ANN401
    transformers = require("transformers", "sam")
    config = _load(transformers.AutoConfig, model, method)
    _check_type(config.model_type, model, method, model_types)
    network, keys = _load(
        transformers.AutoModelForMaskGeneration,
        model,
        method,
        use_safetensors=True,
        output_loading_info=True,
    )
    if keys["missing_keys"]:
        raise WeightsError(
            f"the weights in '{model}' lack {', '.join(sorted(keys['missing_keys'])[:5])}",
            f"expected all {len(network.state_dict())} tensors of the network",
            "fetch the folder again",
        )
    return transformers.pipeline(
        "mask-generation",
        model=network.eval(),
        image_processor=_load(transformers.AutoImageProcessor, model, method),
        device=Policy.choose(device, "float32").device,
    )


def _load(kind: Any, model: str, method: str, **options: bool) -> Any:  # noqa: ANN401
    from safetensors import SafetensorError

    try:
        return kind.from_pretrained(model, local_files_only=_is_local(model), **options)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise WeightsError(
            f"the {method} network '{model}' cannot be loaded: {str(error).splitlines()[0]}",
            "expected a folder with config.json, preprocessor_config.json and model.safetensors, "
            "or a name on the hub",
            "offline, fetch the folder elsewhere and give its path",
        ) from error


def _check_type(found: str, model: str, method: str, expected: tuple[str, ...]) -> None:
    if found not in expected:
        raise WeightsError(
            f"'{model}' holds a network of type '{found}'",
            f"the method '{method}' expects {' or '.join(repr(name) for name in expected)}",
            f"use the method '{found}'" if found in ("sam", "sam2") else "choose another model",
        )


def _is_local(model: str) -> bool:
    """Whether this is a path rather than a name on the hub, which is at most 'owner/name'."""
    path = Path(model)
    return path.is_dir() or path.is_absolute() or model.startswith(".") or len(path.parts) > 2


def _hash_folder(folder: Path) -> str:
    """SHA-256 of the files' names and content, which identifies the model."""
    if not folder.is_dir():
        raise WeightsError(
            f"there is no folder '{folder}'",
            "expected one with config.json, preprocessor_config.json and model.safetensors",
            "check the path, or give a name on the hub",
        )
    digest = hashlib.sha256()
    for file in sorted(each for each in folder.iterdir() if _decides(each)):
        digest.update(f"{file.name}\0".encode() + bytes.fromhex(hash_file(file)))
    return f"sha256:{digest.hexdigest()}"


def _decides(file: Path) -> bool:
    return file.is_file() and file.suffix in (".json", ".safetensors")
