"""Training-free: the ratio of two kernel densities over all annotated cells."""

from fewscape.models.density_ratio.cells import keep_cells, score_cells
from fewscape.models.density_ratio.network import DensityRatio

__all__ = ["DensityRatio", "keep_cells", "score_cells"]
