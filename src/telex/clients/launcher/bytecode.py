"""telex's byte code in one file beside the launchers: found and loaded in half the time of forty files.

Rules kept here:
- it is only a cache: a module whose source has another size or time than when it was written is imported as ever,
  and so is everything when the file is missing, cut short, or of another Python (its name says of which);
- it holds what the hook and the hot verbs load, nothing that is rare;
- `write` runs in the interpreter that the launchers start, because byte code is its own.
"""

from __future__ import annotations

import marshal
import os
import sys

# In a launcher, after `home` is known: what serves the file stands in the file itself.
PREAMBLE = """\
try:
    import marshal
    with open(f"{home}/bin/modules-{sys.hexversion:x}", "rb") as file:
        data = file.read()
    server, places, size = marshal.loads(data)
    if size == len(data):
        exec(server)
        sys.meta_path.insert(0, Modules(data, places))
except Exception:
    pass
"""

# `places`: name -> (source, its size, its time, whether a package, where the code is from the end, how long)
_SERVER = """\
import os
from marshal import loads

class Modules:
    def __init__(self, data, places):
        self.data = memoryview(data)
        self.places = places
        self.kind = type(sys.__spec__)

    def find_spec(self, name, path=None, target=None):
        place = self.places.get(name)
        if place is None:
            return None
        source, size, changed_ns, package, back, length = place
        try:
            now = os.stat(source)
        except OSError:
            return None
        if now.st_size != size or now.st_mtime_ns != changed_ns:
            return None
        start = len(self.data) - back
        spec = self.kind(name, self, origin=source, is_package=package, loader_state=self.data[start : start + length])
        spec.has_location = True
        if package:
            spec.submodule_search_locations.append(os.path.dirname(source))
        return spec

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(loads(module.__spec__.loader_state), module.__dict__)
"""
_RARE = (
    *("telex.clients", "telex.testing", "telex.bus.archive", "telex.bus.health", "telex.bus.history"),
    *("telex.bus.people", "telex.cli.install", "telex.cli.demo", "telex.cli.history", "telex.cli.data"),
    *("telex.cli.people", "telex.doctor", "telex.fs.mounts", "telex.cli.alias", "telex.cli.mcp"),
    *("telex.hook.monitor", "telex.mcp", "telex.compat.ipc", "telex.relay", "telex.link", "telex.wire", "telex.crypto"),
)


def write(path: str, package: str) -> None:
    """Compile the package, and write the file of this interpreter; those of others stay."""
    from compileall import compile_dir

    compile_dir(package, quiet=2)
    places: dict[str, tuple[str, int, int, bool, int, int]] = {}
    codes: list[bytes] = []
    back = 0
    for source in _sources(package):
        name = _name(os.path.relpath(source, os.path.dirname(package)))
        if not name.startswith(_RARE):
            found, is_package = os.stat(source), source.endswith("/__init__.py")
            codes.insert(0, _code(source))
            back += len(codes[0])
            places[name] = (source, found.st_size, found.st_mtime_ns, is_package, back, len(codes[0]))
    server = compile(_SERVER, "modules", "exec")
    size = 0
    while (head := marshal.dumps((server, places, size))) and len(head) + back != size:
        size = len(head) + back
    _put(f"{path}-{sys.hexversion:x}", head + b"".join(codes))


def of_every_version(path: str) -> list[str]:
    """The files that any Python has left at that path."""
    import glob

    return sorted(glob.glob(f"{glob.escape(path)}-*"))


def _sources(package: str) -> list[str]:
    return [os.path.join(where, file) for where, _, files in os.walk(package) for file in files if file.endswith(".py")]


def _name(path: str) -> str:
    return path.removesuffix(".py").replace(os.sep, ".").removesuffix(".__init__")


def _code(source: str) -> bytes:
    """The module's code: from Python's own cache, which is fresh by now; compiling all of them takes 0.15 s."""
    from importlib.machinery import SourceFileLoader

    return marshal.dumps(SourceFileLoader("telex", source).get_code("telex"))


def _put(path: str, data: bytes) -> None:
    draft = f"{path}.{os.getpid()}"
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    os.replace(draft, path)


if __name__ == "__main__":
    write(*sys.argv[1:])
