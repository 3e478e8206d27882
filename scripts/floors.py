"""Print the oldest versions that pyproject.toml allows, as pip constraints.

    python scripts/floors.py > constraints.txt

``make test-floors`` installs them in a separate environment and runs the tests there.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"

DEVELOPMENT = {"dev", "docs"}
"""Extras for developers only."""

REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(\[[\w,]+\])?>=(?P<version>[\w.]+)")


def list_floors(pyproject: Path = PYPROJECT) -> dict[str, str]:
    """The oldest version of each dependency by name.

    Raises:
        ValueError: a dependency has no floor.
    """
    project = tomllib.loads(pyproject.read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    requirements = [
        *project["dependencies"],
        *(each for name, some in extras.items() if name not in DEVELOPMENT for each in some),
    ]
    floors = {}
    for requirement in requirements:
        match = REQUIREMENT.match(requirement)
        if match is None:
            raise ValueError(f"'{requirement}' has no floor; write it as name>=version")
        floors[match["name"]] = match["version"]
    return floors


if __name__ == "__main__":
    for name, version in sorted(list_floors().items()):
        print(f"{name}=={version}")
