"""Which Python starts telex's hooks, and by which of its names: by one that an upgrade of Python leaves in place.

Rules kept here (docs/decisions/0027-the-interpreter-of-the-hooks.md has the table of package managers):
- a name without a patch level comes first (`opt/python@3.11`, `cpython-3.11-…`): package managers move it along;
- then the name under which the base interpreter was found, not what that leads to; the environment's own one reads a
  file more at each start, so it only stands in;
- another one of the same version on the path stands in too, because telex's libraries fit one version only.
"""

from __future__ import annotations

import os
import re
import sys
from shutil import which

_PATCH = re.compile(r"(?<![\d.])(\d+\.\d+)\.\d+(?:_\d+)?(?![\d.])")
_CELLAR = re.compile(r"/Cellar/([^/]+)/[^/]+/")
_MOST = 4
_LONGEST_CHARS = 1_000


def path(home: str) -> str:
    """The file that the lines read: an absolute path on each line, the best first."""
    return os.path.join(home, "bin", "interpreters")


def packages_path(home: str) -> str:
    """The file that says which telex they start: on each line the version of Python and the directory."""
    return os.path.join(home, "bin", "packages")


def candidates(executable: str = "", prefix: str = "", search_path: str | None = None) -> list[str]:
    """Names of the running interpreter, and of others of its version, in the order in which they shall be tried.

    Without arguments those of this process. Nothing is started, so whether one works is not known.
    """
    executable, prefix = executable or sys.executable, prefix or sys.prefix
    base = _base(executable, prefix)
    found = [*_moved_along(base), base, executable, _on_path(search_path), os.path.realpath(base)]
    usable = [one for one in dict.fromkeys(found) if _fits_a_line(one) and os.access(one, os.X_OK)]
    return usable[:_MOST]


def _base(executable: str, prefix: str) -> str:
    """The interpreter that an environment was made of, by the name that its maker noted; else the running one."""
    # sys._base_executable is that name in some releases of Python, and what it leads to in others.
    try:
        with open(os.path.join(prefix, "pyvenv.cfg"), encoding="utf-8") as file:
            noted = dict(line.split("=", 1) for line in file if "=" in line)
    except (OSError, ValueError):
        return executable
    home = next((value.strip() for key, value in noted.items() if key.strip().lower() == "home"), "")
    for name in (_name(), "python3", "python"):
        if home and os.access(os.path.join(home, name), os.X_OK):
            return os.path.join(home, name)
    return executable


def _moved_along(base: str) -> list[str]:
    """The same interpreter by names that its package manager keeps through upgrades, where it has such."""
    real = os.path.realpath(base)
    found = []
    for name in (base, real):
        found += [_CELLAR.sub(r"/opt/\1/", name, count=1), _PATCH.sub(r"\1", name)]
    return [one for one in found if one not in (base, real) and os.path.realpath(one) == real]


def _on_path(search_path: str | None) -> str:
    """One of the same version on the path; '' where it is a script, or an environment's, which may go any day."""
    found = which(_name(), path=os.environ.get("PATH", os.defpath) if search_path is None else search_path)
    if not found or not os.path.isabs(found):
        return ""
    if os.path.exists(os.path.join(os.path.dirname(os.path.dirname(found)), "pyvenv.cfg")):
        return ""
    try:
        with open(found, "rb") as file:
            return "" if file.read(2) == b"#!" else found
    except OSError:
        return ""


def _name() -> str:
    return f"python{sys.version_info[0]}.{sys.version_info[1]}"


def _fits_a_line(name: str) -> bool:
    """Whether a shell's `read` gives back the name."""
    return os.path.isabs(name) and name == name.strip() and name.isprintable() and len(name) <= _LONGEST_CHARS
