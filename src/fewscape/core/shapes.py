"""Shape checks with named axes."""

from __future__ import annotations

import torch

from fewscape.core.errors import ShapeError


def check_shape(tensor: torch.Tensor, axes: str, name: str, **sizes: int) -> dict[str, int]:
    """Check the number of axes and the fixed sizes; return the size of each named axis.

    Args:
        tensor: the tensor to check.
        axes: axis names separated by spaces; numbers are fixed sizes, as in ``"B 3 H W"``.
        name: name of the tensor in the message.
        **sizes: required sizes of named axes, such as ``C=3``.

    Raises:
        ShapeError: the axes differ.

    Examples:
        >>> check_shape(torch.zeros(2, 3, 8, 9), "B 3 H W", "images")
        {'B': 2, 'H': 8, 'W': 9}
    """
    names = axes.split()
    shape = tuple(tensor.shape)
    expected = dict(sizes)
    found: dict[str, int] = {}
    fits = len(shape) == len(names)
    for axis, size in zip(names, shape, strict=False):
        wanted = int(axis) if axis.isdigit() else expected.get(axis, size)
        fits = fits and size == wanted
        if not axis.isdigit():
            fits = fits and found.setdefault(axis, size) == size
    if fits:
        return found
    told = ", ".join(f"{axis} = {size}" for axis, size in sizes.items())
    raise ShapeError(
        f"{name} has shape {shape}",
        f"expected ({', '.join(names)})" + (f" with {told}" if told else ""),
        "check the order of the axes and the size of the input",
    )
