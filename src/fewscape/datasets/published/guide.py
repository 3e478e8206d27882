"""What to download for a data set, from where, and its layout on disk."""

from __future__ import annotations

import shlex
import textwrap
from dataclasses import dataclass
from pathlib import Path

from fewscape.core import DatasetError


@dataclass(frozen=True, slots=True)
class DownloadGuide:
    """Download instructions of a data set."""

    name: str
    """Name in ``fewscape data prepare`` and of the prepared folder."""
    parts: tuple[str, ...]
    """Downloads with their addresses."""
    tree: str
    """Folders and files of the download, one per line."""

    def command(self, source: Path | str, output: Path | str) -> str:
        """The command that prepares the data set."""
        words = ["fewscape", "data", "prepare", self.name]
        return shlex.join([*words, "--source", str(source), "--output", str(output)])

    def format(self, source: Path | str = "downloads", output: Path | str | None = None) -> str:
        """Lines for people.

        Args:
            source: folder for the download.
            output: folder for the prepared data set; ``data/NAME`` if not given.
        """
        command = self.command(source, f"data/{self.name}" if output is None else output)
        return "\n".join(
            [
                "download into one folder:",
                textwrap.indent("\n".join(self.parts), "  "),
                "its content, unpacked or as ZIP files:",
                textwrap.indent(self.tree.strip("\n"), "  "),
                f"and run: {command}",
            ]
        )


def check_prepared(root: Path, guide: DownloadGuide) -> None:
    """Check that a root has the folder of a prepared data set.

    Args:
        root: parent folder of the prepared data sets.
        guide: guide of the data set.

    Raises:
        DatasetError: says how to make the folder, or which root is meant.
    """
    folder = root / guide.name
    if folder.is_dir():
        return
    if (root / "classes.json").is_file():
        raise DatasetError(
            f"'{root}' is itself a data set and has no folder '{guide.name}'",
            "expected the parent folder of the data sets",
            f"give '{root.absolute().parent}' as root, or "
            f"{guide.format(output=root.absolute().parent / guide.name)}",
        )
    raise DatasetError(
        f"there is no folder '{folder if root.is_dir() else root}'",
        f"expected '{guide.name}' as prepared from its download in the root folder",
        f"check the root, or {guide.format(output=folder)}",
    )
