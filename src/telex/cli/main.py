"""The entry point: finds the verb, opens the bus, turns errors into exit statuses.

Rules kept here: exit statuses are 0 done, 1 anything else, 2 wrong words, 3 refused, 4 not found, 5 nothing before
the timeout, 6 who was asked asks first, 7 done though the answer could not be written, 130 interrupted, 141 the reader
of the output left (128 and SIGPIPE, as other programs end); the process leaves by `os._exit` after flushing, because
closing costs 3 ms; what nobody took (a closed pipe) is not recorded as read.
"""

from __future__ import annotations

import gc
import os
import sys

from telex import limits
from telex.cli import persons
from telex.cli.call import Call
from telex.cli.grammar import BY_NAME, CHANGES, GROUPS, VERBS, verb_of
from telex.cli.output import Output, complain, remark
from telex.cli.parse import Args, parse
from telex.errors import DirectoryGone, TelexError, VerbUnknown
from telex.errors.answers import AnswerLost, MailUntaken, OutputClosed, OutputUnwritten, Unwritten

TYPE_CHECKING = False
if TYPE_CHECKING:
    pass


_READER_LEFT = 141


def main() -> None:
    """Run the command line and leave the process."""
    gc.set_threshold(limits.COLLECT_EVERY_OBJECTS)  # most commands are gone before that: 0.5 ms
    status = run(sys.argv[1:])
    try:
        sys.stdout.flush()  # a page of help; all else was flushed
        sys.stderr.flush()
    except OSError:
        status = status or _READER_LEFT
    os._exit(status)


def run(words: list[str]) -> int:
    """Run one command; its exit status."""
    as_json = "--json" in (words[: words.index("--")] if "--" in words else words)
    out = Output(as_json)
    try:
        _open_streams()
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
        sys.stderr.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
        if not (sys.flags.isolated and sys.flags.no_site):  # a launcher that starts needs no mending
            _mend_launchers(words, as_json)
        if as_json:
            import json  # noqa: F401 - now, because later there may be no descriptor left to open it with
        status = _run(words, out)
        out.flush()
        return status
    except Unwritten as problem:
        return _unheard(problem, as_json)
    except TelexError as problem:
        return complain(problem, as_json)
    except SystemExit as leaving:
        return int(leaving.code or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _READER_LEFT
    except ModuleNotFoundError as problem:
        from telex.cli import extras

        known = extras.missing(problem, words[0] if words else "")
        return complain(known, as_json) if known else _bug(problem, as_json)
    except Exception as problem:
        by_getcwd = isinstance(problem, FileNotFoundError) and problem.filename is None
        return complain(DirectoryGone(), as_json) if by_getcwd and _is_gone() else _bug(problem, as_json)


def _is_gone() -> bool:
    """Whether the working directory was removed. It imports nothing: what is imported may be what is broken."""
    try:
        os.getcwd()
    except OSError:
        return True
    return False


def _open_streams() -> None:
    """A stream that was closed leads nowhere: else a file of the store would get its number, and its output. Raises
    OutputClosed where nobody could be answered."""
    closed = [name for name in ("stdin", "stdout", "stderr") if getattr(sys, name) is None]
    for name in closed:
        number = os.open(os.devnull, os.O_RDWR)  # the lowest one that is free
        setattr(sys, name, open(number, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115
    if "stdout" in closed:
        raise OutputClosed()


def _unheard(problem: Unwritten, as_json: bool) -> int:
    """What is said, and answered, where standard output did not take the answer."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still buffered must not fail again
    if problem.settled:
        return complain(AnswerLost(done=problem.settled, problem=str(problem)), as_json)
    if problem.keeps_mail:
        status = complain(MailUntaken(problem=str(problem)), as_json)
    else:
        status = 1 if problem.gone else complain(OutputUnwritten(problem=str(problem)), as_json)
    return _READER_LEFT if problem.gone else status


def _mend_launchers(words: list[str], as_json: bool) -> None:
    """See to it that the hooks' launchers start a Python that is there; what was done is said on standard error."""
    if words[:1] in (["install"], ["uninstall"]):
        return
    from telex.clients.launcher import repair
    from telex.wiring import home_directory

    try:
        said = repair.at_start(home_directory())
    except TelexError:  # the command itself says it, if it needs a home
        return
    if said and not as_json:
        remark(f"telex: {said}")


def _run(words: list[str], out: Output) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        from telex.cli import overview
        from telex.cli.legacy import BY_WORD

        if words[:1] == ["help"] and len(words) > 1 and words[1] in {*BY_NAME, *GROUPS, *BY_WORD}:
            return _run([*words[1:], "--help"], out)
        return overview.answer(words)
    if words[0] in ("-V", "--version", "version"):
        from telex import __version__

        out.line(__version__)
        return 0
    verb, given = verb_of(words)
    if verb is None:
        return _run_group(words) if words[0] in GROUPS else _run_face(words, out)
    args = parse(verb, given)
    persons.check(verb.name, args)
    room = __import__(f"telex.cli.{verb.room}", fromlist=["*"])  # importlib would load warnings
    answer = getattr(room, verb.function())
    if verb.name in CHANGES and given:
        out.settled = f"'telex {verb.name}' has done its work"
    return int(answer(Call(args, out, given)) or 0)


def _run_group(words: list[str]) -> int:
    """The first word of several commands, alone: they are listed. Raises VerbUnknown for a wrong second one."""
    group = " ".join(words[: 2 if " ".join(words[:2]) in GROUPS else 1])
    wrong = [word for word in words[group.count(" ") + 1 :] if word not in ("-h", "--help", "help")]
    known = [verb.name for verb in VERBS if verb.name.startswith(group + " ")]
    if wrong:
        from telex.core.names import nearest

        near = nearest(f"{group} {wrong[0]}", known)
        advice = f"; did you mean '{near}'?" if near else ""
        raise VerbUnknown(word=f"{group} {wrong[0][:40]}", advice=advice, hint=f"'telex {group}' lists them")
    out = Output(False)
    out.line(f"telex {group}: {GROUPS[group]}")
    out.line()
    for name in known:
        out.line(f"  {name.ljust(max(map(len, known)))}  {BY_NAME[name].summary}")
    return 0


def _run_face(words: list[str], out: Output) -> int:
    """A command of an older system. Raises VerbUnknown."""
    from telex.cli import legacy

    face = legacy.BY_WORD.get(words[0])
    if face is None:
        from telex.cli.overview import unknown

        raise unknown(words[0])
    persons.check_face(face.names[0], words[1:])
    out.as_json = False
    return legacy.run(face, Call(Args({}, {}, set()), out, words[1:]))


def _bug(problem: Exception, as_json: bool) -> int:
    import traceback

    from telex.errors import Bug

    if os.environ.get("TELEX_DEBUG"):
        traceback.print_exc()
    where = traceback.extract_tb(problem.__traceback__)[-1]
    what = f"{type(problem).__name__}: {problem} ({os.path.basename(where.filename)}:{where.lineno})"
    return complain(Bug(what=what), as_json)


if __name__ == "__main__":
    main()
