"""Validate names and options of backbones, which may come from untrusted files."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fewscape.core import ConfigError, suggest

NAME = re.compile(r"(timm/)?[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
"""Form of an architecture name; a colon would make timm fetch settings."""

NUMBERS = (
    *("depth", "embed_dim", "num_heads", "patch_size", "mlp_ratio", "init_values", "img_size"),
    *("channels", "depths", "dims", "layers", "num_stages", "stem_width", "base_width"),
    *("output_stride", "cardinality", "width_multiplier", "channel_multiplier", "window_size"),
    *("drop_rate", "drop_path_rate", "proj_drop_rate", "attn_drop_rate", "patch_drop_rate"),
    *("reg_tokens", "kernel_size", "kernel_sizes", "num_groups", "head_hidden_size"),
    *("ls_init_value", "mean", "std"),
)
"""Options of timm's networks that are numbers or lists of numbers."""

SWITCHES = (
    *(
        "dynamic_img_size",
        "dynamic_img_pad",
        "strict_img_size",
        "qkv_bias",
        "qk_norm",
        "class_token",
    ),
    *("no_embed_class", "pre_norm", "final_norm", "avg_down", "conv_bias"),
    *("use_abs_pos_emb", "use_rel_pos_bias", "use_rot_pos_emb", "fc_norm"),
)
"""Boolean options."""

WORDS = (
    *("pad_type", "global_pool", "act_layer", "norm_layer", "stem_type", "aa_layer", "mlp_layer"),
    *("pos_embed", "weight_init"),
)
"""String options."""

OPTIONS = (*NUMBERS, *SWITCHES, *WORDS)

WORD = re.compile(r"[A-Za-z0-9_]{0,40}")

LARGEST = 16_384
"""Maximum of any number; no existing network has more channels."""


def check_name(name: str) -> None:
    """Check that a name is an architecture and not an address.

    Raises:
        ConfigError: it is not.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ConfigError(
            f"'{name}' is not a name of a backbone",
            "expected an architecture such as resnet50 or timm/mobilenetv2_100",
            "give weights from a hub or folder as weights, not as the name",
        )


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Check that options only change a network's shape, and that their values are valid.

    All other options of timm, such as files to load, are refused.

    Raises:
        ConfigError: an option or value is not allowed.
    """
    for option, value in options.items():
        if option not in OPTIONS:
            raise ConfigError(
                f"the backbone '{name}' was given the option '{option}', which is not allowed",
                "",
                suggest(str(option), OPTIONS),
            )
        if not _is_allowed(option, value):
            raise ConfigError(
                f"the option '{option}' of the backbone '{name}' is {str(value)[:60]!r}",
                "expected "
                + ("a word" if option in WORDS else f"numbers up to {LARGEST:,}, or true or false"),
                "correct it, or leave it out",
            )


def check_scaling(mean: Sequence[float], std: Sequence[float]) -> None:
    """Check mean and standard deviation of three bands.

    Raises:
        ConfigError: there are not three, or a value is not finite or not positive.
    """
    for what, values in (("mean", mean), ("standard deviation", std)):
        is_list = isinstance(values, Sequence) and len(values) == 3
        if not is_list or not all(_is_number(value) for value in values):
            raise ConfigError(
                f"the {what} of a backbone is {str(values)[:60]}", "expected three finite numbers"
            )
    if not all(value > 0 for value in std):
        raise ConfigError(
            f"the standard deviation of a backbone is {list(std)}",
            "expected three numbers above 0: values are divided by it",
        )


def _is_allowed(option: str, value: object) -> bool:
    if isinstance(value, list | tuple):
        return option in NUMBERS and len(value) <= 64 and all(map(_is_number, value))
    if value is None or isinstance(value, bool):
        return option not in ("mean", "std")
    if isinstance(value, str):
        return option in WORDS and WORD.fullmatch(value) is not None
    return option not in WORDS and _is_number(value)


def _is_number(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and abs(value) <= LARGEST  # type: ignore[arg-type]
