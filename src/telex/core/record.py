"""The base of telex's plain values.

A dataclass would do the same, but importing `dataclasses` costs 15 ms, more than a whole hook run may take
(docs/decisions/0003-no-heavy-imports.md). A `Record` has keyword-only fields, equality, and `as_dict`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, ClassVar, Self, dataclass_transform
else:

    def dataclass_transform(**_: object):
        return lambda cls: cls


@dataclass_transform(kw_only_default=True)
class Record:
    """Fields are the annotated names; a class attribute of the same name is the default."""

    if TYPE_CHECKING:
        _fields: ClassVar[tuple[str, ...]]
        _names: ClassVar[frozenset[str]]
        _needed: ClassVar[frozenset[str]]

    def __init__(self, **fields: Any) -> None:
        cls = type(self)
        cls._known()
        if not cls._needed <= fields.keys() <= cls._names:
            cls._refuse(fields)
        self.__dict__.update(fields)

    @classmethod
    def of_row(cls, row: Iterable[Any]) -> Self:
        """The record whose fields are these values, in their order. Raises ValueError for another number."""
        made = cls.__new__(cls)
        made.__dict__.update(zip(cls._known(), row, strict=True))
        return made

    @classmethod
    def fields(cls) -> list[str]:
        """Field names in the order they are written, base classes first."""
        return list(cls._known())

    @classmethod
    def _known(cls) -> tuple[str, ...]:
        if "_fields" not in cls.__dict__:
            every = [name for base in reversed(cls.__mro__) for name in vars(base).get("__annotations__", {})]
            cls._fields = tuple(dict.fromkeys(every))
            cls._names = frozenset(every)
            cls._needed = frozenset([name for name in every if not hasattr(cls, name)])
        return cls._fields

    @classmethod
    def _refuse(cls, given: dict[str, Any]) -> None:
        if unknown := [name for name in given if name not in cls._names]:
            raise TypeError(f"{cls.__name__} has no field {', '.join(unknown)}")
        missing = [name for name in cls._fields if name in cls._needed and name not in given]
        raise TypeError(f"{cls.__name__} needs {', '.join(missing)}")

    def as_dict(self) -> dict[str, Any]:
        """The fields as a plain dict, nested records included."""
        return {name: _plain(getattr(self, name)) for name in type(self)._known()}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.as_dict() == other.as_dict()

    def __hash__(self) -> int:
        return hash((type(self), repr(self)))

    def __repr__(self) -> str:
        inner = ", ".join(f"{name}={getattr(self, name)!r}" for name in type(self)._known())
        return f"{type(self).__name__}({inner})"


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.as_dict()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
