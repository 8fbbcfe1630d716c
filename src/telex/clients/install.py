"""Installing telex into a client and taking it out again.

Rules kept here:
- all files are planned, then written together or not at all; the manifest is written before what it describes
  and removed after it, so that an interrupted run can be finished by the next one;
- two runs at once wait for each other on `installed/lock`;
- a dry run plans the same and writes nothing, not even the home.
"""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager

from telex import __version__
from telex.clients import launchers, manifest, plan, registry
from telex.clients.atomic import Batch, content
from telex.clients.registry import PROJECT, USER, HookFile, Where
from telex.errors import HomeUnsafe, SettingsUnwritable, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from telex.clients.launchers import Launch
    from telex.clients.manifest import Manifest
    from telex.clients.plan import Change, Outcome
    from telex.clients.registry import Client
    from telex.clients.settings import Ours


def install(
    client: str,
    scope: str,
    *,
    home: str,
    user_home: str,
    project_dir: str = "",
    config_dir: str = "",
    launch: Launch | None = None,
    dry_run: bool = False,
) -> list[Change]:
    """Install telex into a client; a second time changes nothing, from a newer telex it upgrades.

    `config_dir` is the value of the client's `config_variable`; without `launch` the running telex is what is
    installed. Raises ClientUnknown, Usage, HomeUnsafe, SettingsUnreadable, SettingsUnwritable; after any of
    them nothing has changed.
    """
    adapter = registry.client(client)
    launch = launch or launchers.this_launch()
    where = where_of(adapter, scope, home, user_home, project_dir, config_dir, python=launch.python)
    if dry_run:
        return _plan_install(adapter, where, launch)[1]
    with _locked(where.home):
        batch, changes = _plan_install(adapter, where, launch)
        batch.commit()
    launchers.compile_package(launch, where.home)
    return changes


def uninstall(
    client: str,
    scope: str,
    *,
    home: str,
    user_home: str,
    project_dir: str = "",
    config_dir: str = "",
    dry_run: bool = False,
) -> list[Change]:
    """Take telex out of a client: the exact bytes from before, or else only what still is telex's.

    Raises as `install` does; after any error nothing has changed.
    """
    adapter = registry.client(client)
    where = where_of(adapter, scope, home, user_home, project_dir, config_dir)
    if dry_run or not os.path.isdir(where.home):
        batch, changes = _plan_uninstall(adapter, where)
        if not dry_run:
            batch.commit()
        return changes
    with _locked(where.home):
        batch, changes = _plan_uninstall(adapter, where)
        batch.commit()
    return changes


def where_of(
    adapter: Client,
    scope: str,
    home: str,
    user_home: str,
    project_dir: str,
    config_dir: str,
    *,
    python: str = "",
) -> Where:
    """The place to install to, checked, with absolute paths. Raises Usage, HomeUnsafe."""
    if scope not in adapter.scopes:
        raise Usage(
            problem=f"{adapter.title} has no scope '{scope}', only {' and '.join(adapter.scopes)}",
            verb="install",
        )
    if scope == PROJECT and not project_dir:
        raise Usage(problem="which project? its directory is not known", verb="install")
    home, user_home = os.path.abspath(home), os.path.abspath(user_home)
    project_dir = os.path.abspath(project_dir) if scope == PROJECT else ""
    if scope == PROJECT and os.path.realpath(project_dir) == os.path.realpath(user_home):
        # Both scopes would be one file there, with two manifests that each hold half of the truth.
        raise Usage(problem="your home directory is no project; use --scope user", verb="install")
    config_dir = os.path.abspath(config_dir) if config_dir and scope == USER else ""
    for path in (home, user_home, project_dir, config_dir, python):
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
        python=python,
        hook=launchers.hook_path(home),
    )


def ours_in(adapter: Client, where: Where) -> Ours:
    """Tells a handler that starts the hook of this home; `adapter.is_telex` tells those of any home."""
    hook = shlex.quote(where.hook)
    return lambda handler: adapter.is_telex(handler) and isinstance(handler, dict) and hook in handler["command"]


def _plan_install(adapter: Client, where: Where, launch: Launch) -> tuple[Batch, list[Change]]:
    batch = Batch()
    changes = [
        plan.Change(path=path, action=action, detail="launcher")
        for path, action in launchers.stage(batch, where.home, launch)
    ]
    path = manifest.path_of(adapter.name, where)
    last = manifest.load(path)
    outcomes = []
    for piece in adapter.pieces(where):
        kept = last.kept(piece.path) if last else None
        if isinstance(piece, HookFile):
            outcomes.append(plan.hooks_in(piece, kept, adapter.is_telex))
        else:
            outcomes.append(plan.own_in(piece, kept))
    made = [
        *(last.directories if last else []),
        *(path for outcome in outcomes for path in outcome.directories()),
    ]
    record = manifest.Manifest(
        version=__version__,
        client=adapter.name,
        where=where,
        files=[outcome.kept for outcome in outcomes if outcome.kept],
        directories=list(dict.fromkeys(made)),
    )
    old = content(path)
    if old != record.encoded():
        batch.put(path, record.encoded(), old=old, mode=0o600)
    _add(batch, outcomes)
    return batch, changes + [outcome.change for outcome in outcomes]


def _plan_uninstall(adapter: Client, where: Where) -> tuple[Batch, list[Change]]:
    path = manifest.path_of(adapter.name, where)
    last = manifest.load(path)
    files = {piece.path: piece for piece in adapter.pieces(where)}
    outcomes = []
    for file in dict.fromkeys([*files, *(kept.path for kept in (last.files if last else []))]):
        piece, kept = files.get(file), last.kept(file) if last else None
        if isinstance(piece, HookFile) or (kept and kept.commands):
            outcomes.append(plan.hooks_out(file, kept, ours_in(adapter, where), adapter.is_telex))
        else:
            outcomes.append(plan.own_out(file, kept, piece.content if piece else None))
    batch = Batch()
    _add(batch, outcomes)
    changes = [outcome.change for outcome in outcomes]
    if last:
        batch.remove_if_empty(last.directories[::-1])
    changes += _remove_home_files(batch, path, where, last)
    return batch, changes


def _remove_home_files(batch: Batch, path: str, where: Where, last: Manifest | None) -> list[Change]:
    """The manifest; and with the last installation the hook launcher.

    Then even a client that has not read its settings again runs nothing. `bin/telex` stays: it may be what
    the person calls.
    """
    others = [one for one in manifest.all_of(where.home) if last is None or one != last]
    changes = []
    doomed = [path] if others else [path, where.hook, launchers.record_path(where.home)]
    for file in doomed:
        old = content(file)
        if old is not None:
            batch.remove(file, old=old)
            if file == where.hook:
                changes.append(plan.Change(path=file, action=plan.REMOVE, detail="launcher"))
    return changes


def _add(batch: Batch, outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        change = outcome.change
        if change.action == plan.REMOVE:
            assert outcome.old is not None
            batch.remove(change.path, old=outcome.old)
        elif outcome.new is not None:
            batch.put(change.path, outcome.new, old=outcome.old)


@contextmanager
def _locked(home: str) -> Iterator[None]:
    """Alone among all that install into or from this home. Raises SettingsUnwritable."""
    import fcntl

    path = os.path.join(home, "installed", "lock")
    try:
        for directory in (home, os.path.dirname(path)):
            os.makedirs(directory, mode=0o700, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        raise SettingsUnwritable(path=path, problem=(problem.strerror or str(problem)).lower()) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
