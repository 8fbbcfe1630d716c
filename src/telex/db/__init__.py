"""The SQLite store: its connection, queries, schema and settings.

apsw is imported here, first, because of what it would import itself: all it wants is `collections.abc.Mapping`, but
for that Python loads `collections`, 3 ms in every hook and every command. `_collections_abc` holds the very same
class and is loaded already, so it is lent for the time of the import, and whoever needs `collections` later gets it.
"""

from __future__ import annotations

import sys


def _import_apsw() -> None:
    lent = {}
    if "collections" not in sys.modules:
        import _collections_abc

        lent = {"collections": type(sys)("collections"), "collections.abc": _collections_abc}
    sys.modules.update(lent)
    try:
        import apsw  # noqa: F401
    finally:
        for name in lent:
            del sys.modules[name]


_import_apsw()
