"""The examples of one scene while people draw: changes one after the other, undone and redone."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fewscape.core import ExamplesError
from fewscape.raster import Georeference
from fewscape.serve.example import (
    IDENTIFIER,
    RESERVED,
    DrawnClass,
    Example,
    Snapshot,
    add_class,
    check_name,
    read_colour,
    read_geometry,
)
from fewscape.serve.examples_file import ExamplesFile, keep_versions

MOST_STEPS = 200
"""That can be undone."""

MOST_EXAMPLES = 20_000

TOOLS = ("polygon", "brush", "object", "point", "not", "import")


class StaleError(ExamplesError):
    """Somebody else changed the example in the meantime."""


class Drawing:
    """What is drawn on one scene. Any thread may change it; each change is saved before it holds.

    Args:
        path: the GeoPackage that keeps it.
        grid: of the scene.

    Raises:
        ExamplesError: the file is another one, or damaged.
        OutputError: it cannot be made.
    """

    def __init__(self, path: Path, grid: Georeference) -> None:
        self.grid = grid
        self._lock = threading.RLock()
        self._file = ExamplesFile(path, grid)
        self._now = self._file.read(1)
        self._past: list[Snapshot] = []
        self._future: list[Snapshot] = []
        self._listeners: list[Callable[[Snapshot], None]] = []

    @property
    def path(self) -> Path:
        """The GeoPackage."""
        return self._file.path

    @property
    def now(self) -> Snapshot:
        """What there is."""
        return self._now

    @property
    def can_undo(self) -> bool:
        """Whether a change is known that can be taken back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether a change was taken back."""
        return bool(self._future)

    def listen(self, listener: Callable[[Snapshot], None]) -> None:
        """Be told of every new snapshot, in the thread that makes it."""
        self._listeners.append(listener)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()

    def change(self, changes: Sequence[Mapping[str, Any]]) -> Snapshot:
        """Carry out changes together, as one step that can be undone.

        Args:
            changes: each with ``do``: ``put`` an example (``example``, and ``based_on``, the
                version that was seen if it is known), ``delete`` (``id``, ``based_on``),
                ``class`` (``name``, ``colour`` or none, ``to`` for another name), or
                ``drop_class`` (``name``), with all its examples.

        Raises:
            StaleError: an example is not the one that was seen.
            ExamplesError: a change cannot be carried out; then none is.
            OutputError: it cannot be saved; then nothing is changed.
        """
        with self._lock:
            self.look()
            after = replace(self._now, revision=self._now.revision + 1)
            for change in changes:
                after = self._apply(after, change)
            if replace(after, revision=self._now.revision) == self._now:
                return self._now  # told twice, since the first answer was lost
            return self._turn(after, self._past, self._future)

    def add(self, examples: Sequence[Example], classes: Sequence[DrawnClass]) -> Snapshot:
        """Add examples that come from a file; those that there are already are left out."""
        with self._lock:
            self.look()
            after = replace(self._now, revision=self._now.revision + 1)
            known = {(one.class_name, one.geometry.wkb) for one in after.examples.values()}
            names = after.classes
            for given in classes:
                names = add_class(names, given.name, given.colour)
            new = dict(after.examples)
            for example in examples:
                if (example.class_name, example.geometry.wkb) not in known:
                    new[example.id] = replace(example, version=after.revision)
                    names = add_class(names, example.class_name)
            after = replace(after, classes=names, examples=new)
            if new == self._now.examples and names == self._now.classes:
                return self._now
            return self._turn(after, self._past, self._future)

    def undo(self) -> Snapshot:
        """Take the last change back, whoever made it."""
        with self._lock:
            self.look()
            if not self._past:
                return self._now
            after = self._renew(self._past[-1])
            self._file.write(self._now, after)
            self._past.pop()
            self._future.append(self._now)
            return self._tell(after)

    def redo(self) -> Snapshot:
        """Carry the change out again that was taken back last."""
        with self._lock:
            self.look()
            if not self._future:
                return self._now
            after = self._renew(self._future[-1])
            self._file.write(self._now, after)
            self._future.pop()
            self._past.append(self._now)
            return self._tell(after)

    def look(self) -> bool:
        """Take over what another program, such as QGIS, wrote into the file; whether it did."""
        with self._lock:
            if not self._file.was_changed():
                return False
            read = keep_versions(self._now, self._file.read(self._now.revision + 1))
            if replace(read, revision=self._now.revision) == self._now:
                return False
            self._past.append(self._now)
            self._future.clear()
            self._tell(read)
            return True

    def _turn(self, after: Snapshot, past: list[Snapshot], future: list[Snapshot]) -> Snapshot:
        self._file.write(self._now, after)
        past.append(self._now)
        del past[:-MOST_STEPS]
        future.clear()
        return self._tell(after)

    def _tell(self, after: Snapshot) -> Snapshot:
        self._now = after
        for listener in self._listeners:
            listener(after)
        return after

    def _renew(self, earlier: Snapshot) -> Snapshot:
        """An earlier snapshot as the next one: versions tell that examples changed again."""
        revision = self._now.revision + 1
        examples = {
            key: example
            if self._now.examples.get(key) == example
            else replace(example, version=revision)
            for key, example in earlier.examples.items()
        }
        return Snapshot(revision, earlier.classes, examples)

    def _apply(self, at: Snapshot, change: Mapping[str, Any]) -> Snapshot:
        match change.get("do"):
            case "put":
                return self._put(at, change.get("example") or {}, change.get("based_on"))
            case "delete":
                return self._delete(at, str(change.get("id")), change.get("based_on"))
            case "class":
                return _change_class(at, change)
            case "drop_class":
                return _drop_class(at, str(change.get("name")))
            case other:
                raise ExamplesError(
                    f"'{str(other)[:40]}' is no change",
                    "expected put, delete, class or drop_class",
                    "load the page again",
                )

    def _put(self, at: Snapshot, told: Mapping[str, Any], based_on: object) -> Snapshot:
        key = str(told.get("id") or uuid.uuid4().hex)
        if not IDENTIFIER.fullmatch(key):
            raise ExamplesError(
                f"'{key[:40]}' is no name of an example",
                "expected up to 64 letters, digits, hyphens and underscores",
                "load the page again",
            )
        if len(at.examples) >= MOST_EXAMPLES:
            raise ExamplesError(
                f"there are {len(at.examples):,} examples already",
                "more of them would teach hardly more",
                "delete some, or map with the command line",
            )
        known = at.examples.get(key)
        name = check_name(str(told.get("class", known.class_name if known else "")))
        geometry = told.get("geometry")
        if geometry is None and known is not None:
            shape = known.geometry
        else:
            shape = read_geometry(geometry or {}, self.grid.width, self.grid.height)
        tool = str(told.get("tool", known.tool if known else "polygon"))
        example = Example(
            key,
            name,
            shape,
            tool if tool in TOOLS else "polygon",
            bool(told.get("hidden", known.hidden if known else False)),
            at.revision,
        )
        if known is not None:
            if replace(example, version=known.version) == known:
                return at
            _check_seen(known, based_on)
        examples = {**at.examples, key: example}
        if known is None or known.geometry != shape:
            examples = _cut_others(examples, example, at.revision)
        return replace(at, classes=add_class(at.classes, name), examples=examples)

    def _delete(self, at: Snapshot, key: str, based_on: object) -> Snapshot:
        known = at.examples.get(key)
        if known is None:
            return at
        _check_seen(known, based_on)
        return replace(at, examples={name: one for name, one in at.examples.items() if name != key})


def _check_seen(known: Example, based_on: object) -> None:
    if based_on is not None and based_on != known.version:
        raise StaleError(
            f"this example of '{known.class_name}' was changed elsewhere in the meantime",
            "only what is shown now can be changed",
            "look at it again, and change it then",
        )


def _cut_others(examples: Mapping[str, Example], new: Example, revision: int) -> dict[str, Example]:
    """Whoever draws over an example of another class means the new class there."""
    if new.hidden or new.class_name in RESERVED[1:] or new.geometry.geom_type == "Point":
        return dict(examples)
    kept: dict[str, Example] = {}
    for key, example in examples.items():
        is_other = example.class_name not in (new.class_name, *RESERVED[1:])
        if key == new.id or not is_other or not example.geometry.intersects(new.geometry):
            kept[key] = example
            continue
        rest = example.geometry.difference(new.geometry)
        if rest.is_empty:
            continue
        if rest.geom_type not in ("Polygon", "MultiPolygon", "Point"):
            kept[key] = example
        elif rest != example.geometry:
            kept[key] = replace(example, geometry=rest, version=revision)
        else:
            kept[key] = example
    return kept


def _change_class(at: Snapshot, change: Mapping[str, Any]) -> Snapshot:
    """A new class, another colour, or another name; two classes of one name become one."""
    name = check_name(str(change.get("name", "")))
    text = change.get("colour")
    colour = None if text is None else read_colour(str(text))
    classes = add_class(at.classes, name, colour)
    if colour is not None:
        classes = tuple(
            DrawnClass(name, colour) if known.name == name else known for known in classes
        )
    to = change.get("to")
    if to is None or check_name(str(to)) == name:
        return replace(at, classes=classes)
    new = check_name(str(to))
    if new in (known.name for known in classes):
        classes = tuple(known for known in classes if known.name != name)
    else:
        classes = tuple(
            DrawnClass(new, known.colour) if known.name == name else known for known in classes
        )
    examples = {
        key: replace(example, class_name=new, version=at.revision)
        if example.class_name == name
        else example
        for key, example in at.examples.items()
    }
    return replace(at, classes=classes, examples=examples)


def _drop_class(at: Snapshot, name: str) -> Snapshot:
    return replace(
        at,
        classes=tuple(known for known in at.classes if known.name != name),
        examples={
            key: example for key, example in at.examples.items() if example.class_name != name
        },
    )
