"""Installing telex into a client and taking it out again.

Rules kept here:
- all files are planned, then written together or not at all; the manifest is written before what it describes
  and removed after it, so that an interrupted run can be finished by the next one;
- an extra that was asked for once is brought up to date by every later install, until it is taken out;
- two runs at once wait for each other on `installed/lock`;
- a dry run plans and checks the same and writes nothing, not even the home;
- where another program changes a file in the moment between, the whole is planned again, a few times.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager

from telex import __version__, homes
from telex.clients import registry
from telex.clients.edit import mcp_json
from telex.clients.edit.denials import Denials
from telex.clients.edit.marketplace import Enabling
from telex.clients.edit.parts import Hooks, Server
from telex.clients.edit.statusline import StatusLine
from telex.clients.installer import manifest, other_homes, plan, preflight, transaction
from telex.clients.installer.transaction import Batch, content
from telex.clients.launcher import gate, launchers
from telex.clients.types import USER, DenyFile, HookFile, LineFile, OwnFile, PluginFile, ServerFile, Where
from telex.db.connection import check_home
from telex.errors import HomeUnsafe, Usage
from telex.errors.settings import SettingsChanged, SettingsUnreadable, SettingsUnwritable
from telex.fs import bells
from telex.private import make_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from telex.clients.edit.hook_entries import Ours
    from telex.clients.edit.parts import Part
    from telex.clients.installer.manifest import Manifest
    from telex.clients.installer.plan import Change, Outcome
    from telex.clients.launcher.launchers import Launch
    from telex.clients.types import Client, Kept, Piece

_TRIES = 5  # to write what another program changes meanwhile


def install(
    client: str | Client,
    scope: str,
    *,
    home: str,
    user_home: str,
    project_dir: str = "",
    config_dir: str = "",
    launch: Launch | None = None,
    dry_run: bool = False,
    also: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
) -> list[Change]:
    """Install telex into a client; a second time changes nothing, from a newer telex it upgrades.

    `config_dir` is the value of the client's `config_variable`; without `launch` the running telex is what is
    installed; `also` names extras, `only` the parts to touch. Raises ClientUnknown, Usage, HomeUnsafe,
    SettingsUnreadable, SettingsUnwritable; after any of them nothing has changed.
    """
    adapter = _adapter(client)
    launch = launch or launchers.this_launch()
    where = where_of(adapter, scope, home, user_home, project_dir, config_dir)
    preflight.check(where.home)
    if dry_run:
        return _checked(where.home, *_plan_install(adapter, where, launch, also, only))
    with locked(where.home):
        changes = _commit(lambda: _plan_install(adapter, where, launch, also, only))
        _make_rooms(where.home)
    launchers.compile_package(launch, where.home)
    return changes


def uninstall(
    client: str | Client,
    scope: str,
    *,
    home: str,
    user_home: str,
    project_dir: str = "",
    config_dir: str = "",
    dry_run: bool = False,
    only: tuple[str, ...] = (),
) -> list[Change]:
    """Take telex, or `only` these parts of it, out of a client: the exact bytes from before, or else only what
    still is telex's.

    Raises as `install` does; after any error nothing has changed.
    """
    adapter = _adapter(client)
    where = where_of(adapter, scope, home, user_home, project_dir, config_dir)
    if dry_run:
        return _checked(where.home, *_plan_uninstall(adapter, where, only))
    if not os.path.isdir(where.home):
        return _commit(lambda: _plan_uninstall(adapter, where, only))
    with locked(where.home):
        return _commit(lambda: _plan_uninstall(adapter, where, only))


def _commit(plan_it: Callable[[], tuple[Batch, list[Change]]]) -> list[Change]:
    """Plan and write. Raises SettingsChanged where another program is quicker each time."""
    for tries_left in reversed(range(_TRIES)):
        batch, changes = plan_it()
        try:
            batch.commit()
        except SettingsChanged:
            if not tries_left:
                raise
        else:
            break
    return changes


def _checked(home: str, batch: Batch, changes: list[Change]) -> list[Change]:
    """What a dry run answers. Raises what the run itself would raise, as far as that can be told before."""
    check_home(home)
    if os.path.isdir(home):
        transaction.check_file(_lock_path(home))
    batch.check()
    return changes


def where_of(
    adapter: Client,
    scope: str,
    home: str,
    user_home: str,
    project_dir: str,
    config_dir: str,
) -> Where:
    """The place to install to, checked, with absolute paths. Raises Usage, HomeUnsafe, PathNotAbsolute."""
    if scope not in adapter.scopes:
        raise Usage(
            problem=f"{adapter.title} has no scope '{scope}', only {_listed(adapter.scopes)}",
            verb="install",
        )
    if scope != USER and not project_dir:
        raise Usage(problem="which project? its directory is not known", verb="install")
    home, user_home = os.path.abspath(home), os.path.abspath(user_home)
    project_dir = os.path.abspath(project_dir) if scope != USER else ""
    if scope != USER and os.path.realpath(project_dir) == os.path.realpath(user_home):
        # Both scopes would be one file there, with two manifests that each hold half of the truth.
        raise Usage(problem="your home directory is no project; use --scope user", verb="install")
    variable = adapter.config_variable or "the directory"
    config_dir = homes.absolute(variable, config_dir) if config_dir and scope == USER else ""
    for path in (home, user_home, project_dir, config_dir):
        try:
            path.encode()
        except UnicodeEncodeError:
            advice = "use a directory whose name is UTF-8"
            raise HomeUnsafe(home=ascii(path), problem="has a name that JSON cannot hold", advice=advice) from None
    return Where(
        scope=scope,
        user_home=user_home,
        project_dir=project_dir,
        config_dir=config_dir,
        home=home,
        hook=launchers.hook_path(home),
    )


def _listed(words: tuple[str, ...]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def ours_in(adapter: Client, where: Where) -> Ours:
    """Tells a handler that starts the hook of this home; `adapter.is_telex` tells those of any home."""
    return lambda handler: (
        adapter.is_telex(handler)
        and isinstance(handler, dict)
        and gate.home_of(handler["command"], where.user_home) == where.home
    )


def extras_of(adapter: Client, where: Where) -> list[Piece]:
    """The client's extras, each in the file that is there: a second one beside it would hide what that one says."""
    return [_in_the_file_that_is_there(piece) for piece in adapter.extras(where)]


def _in_the_file_that_is_there(piece: Piece) -> Piece:
    if not isinstance(piece, ServerFile) or not piece.instead:
        return piece
    there = [path for path in (piece.path, *piece.instead) if os.path.lexists(path)]
    ours = [path for path in there if f'"{mcp_json.NAME}"'.encode() in _bytes(path)]
    return ServerFile(**{**vars(piece), "path": [*ours, *there, piece.path][0]})


def _bytes(path: str) -> bytes:
    try:
        return content(path) or b""
    except SettingsUnreadable:
        return b""


def _adapter(client: str | Client) -> Client:
    return registry.client(client) if isinstance(client, str) else client


def _plan_install(
    adapter: Client, where: Where, launch: Launch, also: tuple[str, ...], only: tuple[str, ...]
) -> tuple[Batch, list[Change]]:
    batch = Batch()
    action = launchers.stage(batch, where.home, launch)
    changes = [plan.Change(path=os.path.dirname(where.hook), action=action, detail=plan.LAUNCHERS)]
    path = manifest.path_of(adapter.name, where)
    last = manifest.load(path)
    pieces = _wanted(adapter, where, last, also, only)
    _stay_inside(where, pieces)
    others = other_homes.manifests(adapter, where, pieces)
    outcomes = [
        _in(adapter, where, group, last.kept(path) if last else None, others) for path, group in by_path(pieces)
    ]
    made = [
        *(last.directories if last else []),
        *other_homes.directories(pieces, others),
        *(path for outcome in outcomes for path in outcome.directories()),
    ]
    record = manifest.Manifest(
        version=__version__,
        client=adapter.name,
        where=where,
        files=[*_untouched(last, pieces, only), *(outcome.kept for outcome in outcomes if outcome.kept)],
        directories=list(dict.fromkeys(made)),
    )
    old = content(path)
    if old != record.encoded():
        batch.put(path, record.encoded(), old=old, mode=0o600)
    _add(batch, outcomes)
    return batch, changes + [outcome.change for outcome in outcomes]


def _wanted(
    adapter: Client, where: Where, last: Manifest | None, also: tuple[str, ...], only: tuple[str, ...]
) -> list[Piece]:
    """The pieces to put in. Raises Usage for a part that the client has not."""
    usual, extras = adapter.pieces(where), extras_of(adapter, where)
    for part in (*also, *only):
        if part not in [piece.part for piece in (*usual, *extras)]:
            raise Usage(problem=f"telex has no {part} for {adapter.title} in the scope '{where.scope}'", verb="install")
    if only:
        return [piece for piece in (*usual, *extras) if piece.part in only]
    return [*usual, *(piece for piece in extras if piece.part in also or (last and last.has(piece)))]


def _untouched(last: Manifest | None, pieces: list[Piece], only: tuple[str, ...]) -> list[Kept]:
    """The records of what `only` leaves out; all others are made anew."""
    paths = [piece.path for piece in pieces]
    return [kept for kept in last.files if kept.path not in paths] if last and only else []


def _stay_inside(where: Where, pieces: list[Piece]) -> None:
    """A checkout may hold a link to anywhere, so what is for one project is not written outside of it. For the person
    a link may lead anywhere. Raises SettingsUnreadable."""
    if where.scope == USER:
        return
    root = os.path.realpath(where.project_dir)
    for piece in pieces:
        target = os.path.realpath(piece.path)
        if os.path.commonpath([root, target]) != root:
            raise SettingsUnreadable(path=piece.path, problem=f"a link leads out of the project, to {target}")


def by_path(pieces: list[Piece]) -> list[tuple[str, list[Piece]]]:
    """The pieces of each file, in their order."""
    paths = dict.fromkeys(piece.path for piece in pieces)
    return [(path, [piece for piece in pieces if piece.path == path]) for path in paths]


def parts(adapter: Client, where: Where, pieces: list[Piece]) -> list[Part]:
    """What telex has in a shared file."""
    ours = ours_in(adapter, where)
    hooks = [Hooks(piece, adapter.is_telex, ours) for piece in pieces if isinstance(piece, HookFile)]
    shared = [Enabling(piece) for piece in pieces if isinstance(piece, PluginFile)]
    lines = [StatusLine(piece) for piece in pieces if isinstance(piece, LineFile)]
    denials = [Denials(piece) for piece in pieces if isinstance(piece, DenyFile)]
    return [*hooks, *shared, *(Server(piece) for piece in pieces if isinstance(piece, ServerFile)), *lines, *denials]


def _every(adapter: Client, where: Where, path: str) -> list[Piece]:
    """All pieces that may be in that file."""
    return [piece for piece in (*adapter.pieces(where), *extras_of(adapter, where)) if piece.path == path]


def _recorded(path: str, kept: Kept | None) -> list[Piece]:
    """The pieces of a file that only another version of telex wrote to."""
    assert kept is not None
    hooks: list[Piece] = [HookFile(path=path, entries=[])] if kept.commands else []
    entry = [json.loads(kept.entry)] if kept.entry else []
    return [*hooks, *(ServerFile(path=path, server=server, member=kept.member) for server in entry)]


def _in(adapter: Client, where: Where, pieces: list[Piece], kept: Kept | None, others: list[Manifest]) -> Outcome:
    """How the pieces of one file are put in, in the place of another telex home's where such are there."""
    path = pieces[0].path
    theirs = other_homes.kept(path, others)
    if isinstance(pieces[0], OwnFile):
        return plan.own_in(pieces[0], theirs or kept, other_homes.IN_THE_PLACE if theirs else "")
    mode = next((piece.mode for piece in pieces if isinstance(piece, ServerFile)), None)
    wanted, every = parts(adapter, where, pieces), parts(adapter, where, _every(adapter, where, path))
    staying = [part.words for part in every if theirs and part.is_in(theirs)]
    if set(staying) <= {part.words for part in wanted}:  # else something of the other home stays in the file
        kept = theirs or kept
    return plan.shared_in(path, wanted, every, kept, mode)


def _plan_uninstall(adapter: Client, where: Where, only: tuple[str, ...]) -> tuple[Batch, list[Change]]:
    path = manifest.path_of(adapter.name, where)
    last = manifest.load(path)
    usual, extras = adapter.pieces(where), extras_of(adapter, where)
    pieces = [piece for piece in (*usual, *extras) if not only or piece.part in only]
    _stay_inside(where, pieces)
    files = dict(by_path(pieces))
    kept = {file.path: file for file in (last.files if last else []) if not only or file.path in files}
    outcomes = []
    for file in dict.fromkeys([*files, *kept]):
        group = files.get(file, [])
        unasked = bool(group) and all(piece in extras for piece in group) and file not in kept and not only
        outcome = _out(adapter, where, file, group, kept.get(file), unasked)
        if outcome and not (unasked and outcome.change.action in (plan.UNCHANGED, plan.KEEP)):
            outcomes.append(outcome)
    batch = Batch()
    _add(batch, outcomes)
    changes = [outcome.change for outcome in outcomes]
    if last:
        batch.remove_if_empty(last.directories[::-1])
    less = None
    rest = [*_untouched(last, pieces, only), *(outcome.kept for outcome in outcomes if outcome.kept)]
    if last and rest:
        less = manifest.Manifest(**{**vars(last), "files": rest})
        if less != last:
            batch.put(path, less.encoded(), old=content(path), mode=0o600)
    changes += _remove_home_files(batch, path, where, last, less)
    return batch, changes


def _out(
    adapter: Client, where: Where, file: str, pieces: list[Piece], kept: Kept | None, unasked: bool
) -> Outcome | None:
    """How one file is left; None for a foreign file that nobody asked to look into and that cannot be read."""
    own = next((piece for piece in pieces if isinstance(piece, OwnFile)), None)
    if own or not (pieces or (kept and (kept.commands or kept.entry))):
        return plan.own_out(file, kept, own.content if own else None, where.user_home)
    pieces = pieces or _recorded(file, kept)
    every = _every(adapter, where, file) or pieces
    try:
        return plan.shared_out(file, parts(adapter, where, pieces), parts(adapter, where, every), kept)
    except SettingsUnreadable:
        if unasked:
            return None
        raise


def _remove_home_files(
    batch: Batch, path: str, where: Where, last: Manifest | None, less: Manifest | None
) -> list[Change]:
    """The manifest, unless `less` is left of it; with the last installation that has hooks their launcher, so that even
    a client that has not read its settings again runs nothing; and with the very last one all launchers."""
    others = [one for one in manifest.all_of(where.home) if last is None or one != last] + ([less] if less else [])
    if not less and (old := content(path)) is not None:
        batch.remove(path, old=old)
    if not others:
        there = os.path.exists(launchers.record_path(where.home))
        edited = launchers.unstage(batch, where.home)
        kept = [plan.Change(path=path, action=plan.KEEP, detail="it was edited since") for path in edited]
        gone = plan.Change(path=os.path.dirname(where.hook), action=plan.REMOVE, detail=plan.LAUNCHERS)
        return [gone, *kept] if there else kept
    if _has_hooks(last) and not any(map(_has_hooks, others)) and (old := content(where.hook)) is not None:
        batch.remove(where.hook, old=old)
        return [plan.Change(path=where.hook, action=plan.REMOVE, detail=plan.LAUNCHERS)]
    return []


def _has_hooks(one: Manifest | None) -> bool:
    return one is not None and any(file.commands or file.line or file.starts_hook for file in one.files)


def _add(batch: Batch, outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        change = outcome.change
        if change.action == plan.REMOVE:
            assert outcome.old is not None
            batch.remove(change.path, old=outcome.old)
        elif outcome.new is not None:
            batch.put(change.path, outcome.new, old=outcome.old, mode=outcome.mode)


def _make_rooms(home: str) -> None:
    """Where the lines write their marks: a client may run its first prompt's beside the start's, which makes the store.
    Raises SettingsUnwritable."""
    try:
        bells.make_rooms(home)
    except OSError as problem:
        words = (problem.strerror or str(problem)).lower()
        raise SettingsUnwritable(path=home, problem=words) from None


def _lock_path(home: str) -> str:
    return os.path.join(home, "installed", "lock")


@contextmanager
def locked(home: str) -> Iterator[None]:
    """Alone among all that install into or from this home. Raises SettingsUnwritable, and HomeUnsafe for one that is
    open to others: every hook that is installed would refuse it."""
    import fcntl

    check_home(home)
    path = _lock_path(home)
    try:
        make_directory(os.path.dirname(path))
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        raise SettingsUnwritable(path=path, problem=(problem.strerror or str(problem)).lower()) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
