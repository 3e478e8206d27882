"""Write files and folders atomically, even if the process is killed."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DRAFT = ".draft"
"""Part of the names of unfinished files and folders, which begin with a dot."""

ABANDONED = 24 * 3600
"""Age in seconds from which a draft counts as abandoned."""

EXCHANGE = 2
"""Flag of Linux's ``renameat2``: exchange both names atomically."""

HERE = -100
"""``renameat2``'s value for the current folder."""


@contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """Yield the path of a draft that becomes the file if the block ends without an error.

    The draft is synced before it is renamed, so even a power cut leaves the old file or the new
    one. An error removes the draft.

    Args:
        path: the file; its folder is created if absent. A link is followed, not replaced.

    Raises:
        OSError: the file cannot be written.
    """
    target = path.resolve() if path.is_symlink() else path
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = _name_draft(target)
    try:
        yield draft
        _sync(draft)
        draft.replace(target)
        _sync(target.parent)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically.

    Raises:
        OSError: it cannot be written.
    """
    with write_whole(path) as draft:
        draft.write_bytes(content)


@contextmanager
def write_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that replaces another if the block ends without an error.

    If the system supports it, both are exchanged atomically, so one always exists. Files of the old
    folder that the new one lacks are kept.

    Args:
        path: the folder, created if absent. A link is followed, not replaced.

    Raises:
        OSError: it cannot be written.
    """
    target = path.resolve() if path.is_symlink() else path
    target.parent.mkdir(parents=True, exist_ok=True)
    settle_folder(target)
    _sweep(target)
    draft = _name_draft(target)
    try:
        draft.mkdir()
        yield draft
        sync_tree(draft)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    if target.exists():
        replaced = _name_replaced(target)
        draft.replace(
            replaced
        )  # a kill here leaves the old folder, a kill after the exchange leaves both
        if not _exchange(replaced, target):
            replaced.replace(draft)
            target.replace(replaced)
            draft.replace(target)
        settle_folder(target)
    else:
        draft.replace(target)
    _sync(target.parent)


def settle_folder(path: Path) -> None:
    """Finish or undo a killed ``write_folder``.

    Raises:
        OSError: it cannot be written.
    """
    replaced = _name_replaced(path)
    if not replaced.is_dir():
        return
    if not path.exists():
        replaced.replace(path)
        return
    for old in replaced.iterdir():
        if not (path / old.name).exists():
            old.replace(path / old.name)
    shutil.rmtree(replaced, ignore_errors=True)


def check_folder(folder: Path) -> None:
    """Check before the work starts that a folder is writable; create it if absent.

    Raises:
        OSError: it is not.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def hash_file(path: Path) -> str:
    """SHA-256 of a file, hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_tree(folder: Path) -> None:
    """Sync everything in a folder to disk.

    Raises:
        OSError: the disk is full or failed.
    """
    for parent, _, files in os.walk(folder):
        for name in files:
            _sync(Path(parent, name))
        _sync(Path(parent))


def _sync(path: Path) -> None:
    """Sync a file, or the names in a folder, to disk."""
    if path.is_dir() and os.name != "posix":
        return  # only POSIX can open folders
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _name_draft(target: Path) -> Path:
    return target.with_name(f".{target.name[:100]}{DRAFT}{uuid.uuid4().hex}{target.suffix[:20]}")


def _name_replaced(target: Path) -> Path:
    return target.with_name(f".{target.name[:100]}.replaced")


def _sweep(target: Path) -> None:
    """Remove old drafts of a folder that killed processes left."""
    start = f".{target.name[:100]}{DRAFT}"
    with suppress(OSError):
        for draft in list(target.parent.iterdir()):
            if not draft.name.startswith(start):
                continue
            if time.time() - draft.stat().st_mtime > ABANDONED:
                shutil.rmtree(draft, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two names atomically; return whether the system supports it."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    names = os.fsencode(first), os.fsencode(second)
    return bool(rename(HERE, names[0], HERE, names[1], EXCHANGE) == 0)
