"""Densities on the sphere: von Mises-Fisher kernels around annotated cells."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from fewscape.core import check_shape

LEAST_DENSITY = 1e-30
"""Added to densities so that the logarithm is finite for a class without cells; it is smaller than
the minimum density exp(-2 * 32)."""
MIN_COUNT = 1e-8
"""Added to the number of cells before dividing; far below the weight of a single pixel."""
MAX_PRODUCTS = 1 << 22
"""Cosines at a time, 16 MiB."""
WIDEST = 2.0
"""Concentration of the widest candidate kernel; its reach is the inverse."""
NUM_CANDIDATES = 5
"""Number of candidate kernels, each half as wide as the previous one: up to 32."""


def log_density_ratio(
    rows: torch.Tensor,
    anchors: torch.Tensor,
    weights: torch.Tensor,
    concentrations: torch.Tensor,
) -> torch.Tensor:
    """Log ratio of the foreground's to the background's density (FROST, arXiv 2606.31136).

    Each density is the weighted mean over the class's cells of exp(k (cosine - 1)): the constant of
    the von Mises-Fisher density cancels. Float32 even under autocast; rows are processed in chunks,
    so that memory stays flat.

    Args:
        rows: (B, N, C) of length one.
        anchors: (B or 1, M, C) of length one.
        weights: (B or 1, M, 2) of each cell in the foreground and in the background. A class
            without cells has density ``LEAST_DENSITY``.
        concentrations: (B or 1,) k.

    Returns:
        (B, N) float32, above 0 where the foreground is denser.

    Examples:
        >>> anchors = torch.eye(2)[None]
        >>> log_density_ratio(anchors, anchors, torch.eye(2)[None], torch.tensor([3.0]))
        tensor([[ 3., -3.]])
    """
    sizes = check_shape(rows, "B N C", "rows")
    kept = check_shape(anchors, "B N C", "anchors", C=sizes["C"])
    check_shape(weights, "B N 2", "weights", N=kept["N"])
    at_once = max(1, MAX_PRODUCTS // (sizes["B"] * kept["N"]))
    with torch.autocast(rows.device.type, enabled=False):
        mean = weights.float() / (weights.float().sum(dim=1, keepdim=True) + MIN_COUNT)
        scale = concentrations.float()[:, None, None]
        kernel = anchors.float().transpose(1, 2) * scale  # (B or 1, C, M)
        parts = [
            (torch.matmul(part, kernel) - scale).exp_() @ mean
            for part in torch.split(rows.float(), at_once, dim=1)
        ]
        densities = torch.log(torch.cat(parts, dim=1) + LEAST_DENSITY)  # (B, N, 2)
    return densities[..., 0] - densities[..., 1]


def choose_concentration(
    anchors: torch.Tensor,
    weights: torch.Tensor,
    num_judged: int = 512,
    widest: float = WIDEST,
    num_candidates: int = NUM_CANDIDATES,
) -> torch.Tensor:
    """Choose the kernel that classifies annotated cells best by leave-one-out.

    Each judged cell's log ratio comes from all other cells; the loss is logistic, with equal weight
    for foreground and background.

    Args:
        anchors: (B, M, C) of length one.
        weights: (B, M, 2), see ``log_density_ratio``.
        num_judged: maximum number of judged cells, evenly spaced.
        widest: concentration of the first candidate, which wins ties.
        num_candidates: number of candidates, each with twice the previous concentration.

    Returns:
        (B,) float32.

    Examples:
        >>> pair = torch.eye(2).repeat(2, 1)[None]
        >>> choose_concentration(pair, pair, widest=1.0, num_candidates=3)
        tensor([4.])
    """
    sizes = check_shape(anchors, "B M C", "anchors")
    check_shape(weights, "B M 2", "weights", B=sizes["B"], M=sizes["M"])
    count = min(num_judged, sizes["M"])
    device = anchors.device
    judged = torch.arange(count, device=device) * sizes["M"] // count  # (J,)
    with torch.autocast(device.type, enabled=False):
        weights = weights.float()
        own = weights[:, judged]  # (B, J, 2)
        rest = (weights.sum(dim=1, keepdim=True) - own).clamp(min=MIN_COUNT)
        shares = own / (own.sum(dim=1, keepdim=True) + MIN_COUNT)
        cosines = anchors.float()[:, judged] @ anchors.float().transpose(1, 2)
        kernel = torch.exp(widest * (cosines - 1))  # (B, J, M)
        kernel[:, torch.arange(count, device=device), judged] = 0
        losses = []
        for _ in range(num_candidates):
            densities = torch.log(kernel @ weights / rest + LEAST_DENSITY)
            ratio = densities[..., 0] - densities[..., 1]  # (B, J)
            loss = shares[..., 0] * F.softplus(-ratio) + shares[..., 1] * F.softplus(ratio)
            losses.append(loss.sum(dim=1))
            kernel = kernel.square()  # the kernel of twice the concentration
        best = torch.stack(losses, dim=1).argmin(dim=1)  # (B,)
    return widest * 2.0**best
