"""The GeoPackage that keeps what was drawn, as ``map --examples`` and QGIS read it.

Every change is one transaction of SQLite, on the disk before it is told to anybody: a process
that is killed loses nothing, and QGIS may have the file open at the same time.
"""

from __future__ import annotations

import sqlite3
import struct
import threading
import uuid
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from fewscape.core import ExamplesError, OutputError
from fewscape.raster import Georeference, to_pixel_geometries
from fewscape.raster.vectors.vector_layer import EXAMPLES_LAYER
from fewscape.raster.writing.palette import parse_colour
from fewscape.serve.example import (
    IDENTIFIER,
    DrawnClass,
    Example,
    Snapshot,
    add_class,
    check_name,
    fit_geometry,
    write_colour,
)

LAYER, ASIDE, CLASSES = EXAMPLES_LAYER, "set_aside", "classes"
"""What teaches (which ``map --examples`` reads), what is hidden, the classes."""

PATIENCE = 5.0
"""Seconds to wait for another program that writes."""

FIELDS = ("class", "colour", "id", "tool")

SAME = 1e-3
"""Pixels by which a corner may differ that nobody moved."""

ENVELOPES = (0, 32, 48, 48, 64)
"""Bytes of the box in the head of a geometry, by its kind."""


class ExamplesFile:
    """The examples of one scene on disk.

    Args:
        path: the GeoPackage; made if absent.
        grid: of the scene.

    Raises:
        ExamplesError: the file is another one, or damaged.
        OutputError: it cannot be made.
    """

    def __init__(self, path: Path, grid: Georeference) -> None:
        self.path = path
        self.grid = grid
        self._lock = threading.RLock()
        if not path.exists():
            self._create()
        with self._telling():
            self._database = sqlite3.connect(path, timeout=PATIENCE, check_same_thread=False)
            self._database.isolation_level = None  # transactions are begun below
            self._srs = self._check()
            self._seen = self._version()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def was_changed(self) -> bool:
        """Whether another program wrote since it was last read; also when it replaced the file."""
        with self._lock, self._telling():
            return self._version() != self._seen

    def read(self, revision: int) -> Snapshot:
        """Everything in the file; rows of other programs get an id.

        Args:
            revision: for the snapshot and all its examples.
        """
        with self._lock, self._telling(), self._transaction():
            self._seen = self._version()
            classes: tuple[DrawnClass, ...] = ()
            for name, text in self._database.execute(
                f"SELECT name, colour FROM {CLASSES} ORDER BY rowid"  # noqa: S608
            ):
                classes = add_class(classes, name, parse_colour(text or ""))
            examples: dict[str, Example] = {}
            for layer in (LAYER, ASIDE):
                for example, text in self._read_layer(layer, examples, revision):
                    examples[example.id] = example
                    classes = add_class(classes, example.class_name, parse_colour(text or ""))
            self._seen = self._version()
        return Snapshot(revision, classes, examples)

    def write(self, before: Snapshot, after: Snapshot) -> None:
        """Bring the file from one snapshot to another, all or nothing.

        Raises:
            OutputError: the disk is full, or another program holds the file.
        """
        old, new = before.examples, after.examples
        gone = [key for key in old if key not in new or old[key] != new[key]]
        come = [new[key] for key in new if key not in old or old[key] != new[key]]
        with self._lock, self._telling(), self._transaction():
            for layer in (LAYER, ASIDE):
                self._database.executemany(
                    f"DELETE FROM {layer} WHERE id = ?",  # noqa: S608
                    [(key,) for key in gone],
                )
            for example in come:
                self._insert(example, after)
            if before.classes != after.classes:
                self._write_classes(after)
            self._seen = self._version()

    def _insert(self, example: Example, after: Snapshot) -> None:
        layer = ASIDE if example.hidden else LAYER
        colour = write_colour(after.colour_of(example.class_name))
        self._database.execute(
            f'INSERT INTO {layer} (geom, "class", colour, id, tool) '  # noqa: S608
            "VALUES (?, ?, ?, ?, ?)",
            (self._pack(example), example.class_name, colour, example.id, example.tool),
        )

    def _write_classes(self, after: Snapshot) -> None:
        self._database.execute(f"DELETE FROM {CLASSES}")  # noqa: S608
        for known in after.classes:
            colour = write_colour(known.colour)
            self._database.execute(
                f"INSERT INTO {CLASSES} (name, colour) VALUES (?, ?)",  # noqa: S608
                (known.name, colour),
            )
            for layer in (LAYER, ASIDE):
                self._database.execute(
                    f'UPDATE {layer} SET colour = ? WHERE "class" = ?',  # noqa: S608
                    (colour, known.name),
                )

    def _read_layer(
        self, layer: str, known: Iterable[str], revision: int
    ) -> Iterator[tuple[Example, str | None]]:
        import shapely

        taken = set(known)
        rows = self._database.execute(
            f'SELECT fid, geom, "class", colour, id, tool FROM {layer} ORDER BY fid'  # noqa: S608
        ).fetchall()
        shapes = [_unpack(row[1]) for row in rows]
        useful = [place for place, shape in enumerate(shapes) if shape is not None]
        crs = self.grid.crs
        placed = to_pixel_geometries(
            np.array([shapes[place] for place in useful], dtype=object), crs, self.grid
        )
        for place, shape in zip(useful, placed, strict=True):
            fid, _, name, colour, key, tool = rows[place]
            try:
                fitted = fit_geometry(shapely.force_2d(shape), self.grid.width, self.grid.height)
                class_name = check_name(str(name or ""))
            except ExamplesError:
                continue  # another program drew outside the scene, or names no class yet
            if not key or key in taken or not IDENTIFIER.fullmatch(key):
                key = uuid.uuid4().hex
                self._database.execute(
                    f"UPDATE {layer} SET id = ? WHERE fid = ?",  # noqa: S608
                    (key, fid),
                )
            taken.add(key)
            hidden = layer == ASIDE
            yield Example(key, class_name, fitted, tool or "polygon", hidden, revision), colour

    def _pack(self, example: Example) -> bytes:
        import shapely

        ground = shapely.transform(example.geometry, self.grid.to_ground)
        head = struct.pack("<2sBBi", b"GP", 0, 1, self._srs)
        body: bytes = shapely.to_wkb(ground, byte_order=1, flavor="iso")
        return head + body

    def _create(self) -> None:
        import pyogrio

        with self._telling(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a scene without a reference system
            self.path.parent.mkdir(parents=True, exist_ok=True)
            new = self.path.with_name(f".{self.path.stem}-{uuid.uuid4().hex[:8]}.gpkg")
            try:
                for layer in (LAYER, ASIDE):
                    pyogrio.raw.write(
                        new,
                        np.array([], dtype=object),
                        [np.array([], dtype=object) for _ in FIELDS],
                        list(FIELDS),
                        layer=layer,
                        driver="GPKG",
                        geometry_type="Unknown",
                        crs=self.grid.crs.to_wkt() if self.grid.crs else None,
                        append=layer != LAYER,
                        layer_options={"SPATIAL_INDEX": "NO"},
                    )
                new.replace(self.path)
            finally:
                new.unlink(missing_ok=True)

    def _check(self) -> int:
        """The number of the reference system; the table of classes is made if absent."""
        query = "SELECT table_name, srs_id FROM gpkg_geometry_columns"
        tables = dict(self._database.execute(query).fetchall())
        columns = {row[1] for row in self._database.execute(f"PRAGMA table_info({LAYER})")}
        if not {LAYER, ASIDE} <= tables.keys() or not {"geom", *FIELDS} <= columns:
            raise ExamplesError(
                f"'{self.path}' is no file of this page",
                f"expected the layers '{LAYER}' and '{ASIDE}'",
                "go on with it by --examples, which copies what it holds",
            )
        with self._transaction():
            known = "SELECT count(*) FROM sqlite_master WHERE name = ?"
            if not self._database.execute(known, (CLASSES,)).fetchone()[0]:
                self._database.execute(
                    f"CREATE TABLE {CLASSES} (id INTEGER PRIMARY KEY, name TEXT, colour TEXT)"
                )
                self._database.execute(
                    "INSERT INTO gpkg_contents (table_name, data_type, identifier) "
                    "VALUES (?, 'attributes', ?)",
                    (CLASSES, CLASSES),
                )
        return int(tables[LAYER])

    def _version(self) -> tuple[int, int, int]:
        """Changes when another connection commits, and when the file is replaced."""
        told = int(self._database.execute("PRAGMA data_version").fetchone()[0])
        state = self.path.stat()
        return told, state.st_ino, state.st_dev

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._database.in_transaction:  # a full disk may have ended it
                self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """What may go wrong on a disk, as sentences."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if "locked" in str(error) or "full" in str(error) or "readonly" in str(error):
                raise self._unwritable(str(error)) from error
            raise ExamplesError(
                f"the examples '{self.path}' cannot be read: {error}",
                "expected a GeoPackage that is whole",
                "put a copy in its place, or move it away to begin anew",
            ) from error
        except OSError as error:
            raise self._unwritable(error.strerror or str(error)) from error

    def _unwritable(self, why: str) -> OutputError:
        return OutputError(
            f"the examples '{self.path}' cannot be saved: {why}",
            "expected a folder with room in which files can be made",
            "make room, end the program that holds the file, or choose another one with --session",
        )


def _unpack(blob: bytes | None) -> object:
    """The geometry in a cell of a GeoPackage; None if there is none that can be used."""
    import shapely

    if not blob or len(blob) < 8 or blob[:2] != b"GP" or (blob[3] >> 1) & 7 >= len(ENVELOPES):
        return None
    shape = shapely.from_wkb(blob[8 + ENVELOPES[(blob[3] >> 1) & 7] :], on_invalid="ignore")
    if shape is None or shape.is_empty:
        return None
    return shape


def keep_versions(before: Snapshot, read: Snapshot) -> Snapshot:
    """What was read, with the examples that are as they were; coordinates are rounded in files."""
    kept = {}
    for key, example in read.examples.items():
        known = before.examples.get(key)
        kept[key] = example
        if known is not None and example.geometry.equals_exact(known.geometry, SAME):
            told = replace(example, version=known.version, geometry=known.geometry)
            kept[key] = known if told == known else example
    return replace(read, examples=kept)
