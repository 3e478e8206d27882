"""What to download for a data set, from where, and how the download lies on disk."""

from __future__ import annotations

import shlex
import textwrap
from dataclasses import dataclass
from pathlib import Path

from fewscape.core import DatasetError


@dataclass(frozen=True, slots=True)
class DownloadGuide:
    """For people who do not have the data set yet."""

    name: str
    """That ``fewscape data prepare`` takes; also that of the prepared folder."""
    parts: tuple[str, ...]
    """What to download, each with its address."""
    tree: str
    """Folders and files of the download, a line each."""

    def command(self, source: Path | str, output: Path | str) -> str:
        """The command that prepares it."""
        words = ["fewscape", "data", "prepare", self.name]
        return shlex.join([*words, "--source", str(source), "--output", str(output)])

    def tell(self, source: Path | str = "downloads", output: Path | str | None = None) -> str:
        """Lines for people.

        Args:
            source: folder that is to hold the download.
            output: folder that is to hold the prepared data set; ``data/NAME`` if not given.
        """
        command = self.command(source, f"data/{self.name}" if output is None else output)
        return "\n".join(
            [
                "download into one folder:",
                textwrap.indent("\n".join(self.parts), "  "),
                "it then holds, unpacked or as ZIP files:",
                textwrap.indent(self.tree.strip("\n"), "  "),
                f"and run: {command}",
            ]
        )


def check_prepared(root: Path, guide: DownloadGuide) -> None:
    """See that a root holds the folder of a prepared data set.

    Args:
        root: folder that the prepared data sets lie in.
        guide: of the data set.

    Raises:
        DatasetError: says how to make the folder, or which root was meant.
    """
    folder = root / guide.name
    if folder.is_dir():
        return
    if (root / "classes.json").is_file():
        raise DatasetError(
            f"'{root}' is a data set itself and holds no folder '{guide.name}'",
            "expected as root the folder that the data sets lie in",
            f"give '{root.absolute().parent}' as root, or "
            f"{guide.tell(output=root.absolute().parent / guide.name)}",
        )
    raise DatasetError(
        f"there is no folder '{folder if root.is_dir() else root}'",
        f"expected '{guide.name}' as prepared from its download in the root folder",
        f"check the root, or {guide.tell(output=folder)}",
    )
