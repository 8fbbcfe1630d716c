"""The base of telex's plain values.

A dataclass would do the same, but importing `dataclasses` costs 15 ms, more than a whole hook run may take
(docs/decisions/0003-no-heavy-imports.md). A `Record` has keyword-only fields, equality, and `as_dict`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, dataclass_transform
else:

    def dataclass_transform(**_: object):
        return lambda cls: cls


@dataclass_transform(kw_only_default=True)
class Record:
    """Fields are the annotated names; a class attribute of the same name is the default."""

    if TYPE_CHECKING:
        _fields: ClassVar[list[str]]

    def __init__(self, **fields: Any) -> None:
        known = type(self).fields()
        for name in known:
            if name in fields:
                self.__dict__[name] = fields.pop(name)
            elif not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} needs {name}")
        if fields:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(fields)}")

    @classmethod
    def fields(cls) -> list[str]:
        """Field names in the order they are written, base classes first."""
        cached = cls.__dict__.get("_fields")
        if cached is None:
            cached = []
            for base in reversed(cls.__mro__):
                cached += [name for name in vars(base).get("__annotations__", {}) if name not in cached]
            cls._fields = cached
        return list(cached)

    def as_dict(self) -> dict[str, Any]:
        """The fields as a plain dict, nested records included."""
        return {name: _plain(getattr(self, name)) for name in type(self).fields()}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.as_dict() == other.as_dict()

    def __hash__(self) -> int:
        return hash((type(self), repr(self)))

    def __repr__(self) -> str:
        inner = ", ".join(f"{name}={getattr(self, name)!r}" for name in type(self).fields())
        return f"{type(self).__name__}({inner})"


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.as_dict()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
