"""Objects that a ``with`` block closes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self


class Closing(ABC):
    """Base of objects that hold files or threads until they are closed."""

    @abstractmethod
    def close(self) -> None:
        """Release what is held."""

    def __enter__(self) -> Self:
        """Use the object in a ``with`` block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close, also after an error."""
        self.close()
