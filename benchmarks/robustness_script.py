"""Runs one script of a folder of generators, and notes every command that it gives.

Started by ``benchmarks.robustness``, one process a script: the scripts call ``common.fast``.
"""

from __future__ import annotations

import json
import runpy
import sys
import time
import types
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from fewscape import mapping


def main() -> None:
    """Run the script named first, and write into the file named second."""
    script, record = map(Path, sys.argv[1:3])
    sys.path.insert(0, str(script.parent))
    older = types.ModuleType("fewscape.scene")  # what the scripts know of the package by this name
    older.read_annotations = mapping.read_annotations  # type: ignore[attr-defined]
    sys.modules["fewscape.scene"] = older
    import common  # type: ignore[import-not-found]  # the scripts' own

    plain, truth = common.fast, common.picture()[1]

    def fast(*words: object, **options: bool) -> tuple[object, str]:
        begin = time.perf_counter()
        code, text = plain(*words, **options)
        told = [str(word) for word in words]
        output = Path(told[told.index("--output") + 1]) if "--output" in told else None
        entry = {
            "name": told[0] if output is None else output.name,
            "words": told,
            "code": code,
            "text": text,
            "seconds": round(time.perf_counter() - begin, 1),
            "iou": None if output is None else score(output, truth),
        }
        with record.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        return code, text

    common.fast = fast
    runpy.run_path(str(script))


def score(output: Path, truth: np.ndarray[Any, Any]) -> float | None:
    """IoU of whatever is mapped with the roofs; None without a map."""
    for path in sorted(output.glob("*_classes.tif")):
        with rasterio.open(path) as dataset:
            found = dataset.read(1)
        rows, cols = (
            (np.arange(own) + 0.5) * whole / own
            for own, whole in zip(found.shape, truth.shape, strict=True)
        )
        roofs = truth[np.ix_(rows.astype(int), cols.astype(int))] == 1
        inside = (found > 0) & (found < 255)
        return float((inside & roofs).sum() / max(1, (inside | roofs).sum()))
    return None


if __name__ == "__main__":
    main()
