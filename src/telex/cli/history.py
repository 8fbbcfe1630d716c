"""show, log, search."""

from __future__ import annotations

from telex import limits
from telex.cli.mail import framed, listing
from telex.core import text
from telex.core.delivery import HANDED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.bus.message_view import Letter, Receipt
    from telex.cli.call import Call


def show(call: Call) -> None:
    """`telex show ID`"""
    found = call.bus.show(call.args.word("id"))
    if call.out.as_json:
        call.out.json(found)
        return
    one = found.message
    call.out.line(framed(call, [one]))
    if not found.sound:
        call.out.line("this message is damaged on disk: what is shown may not be what was sent")
    rows = [
        [
            receipt.name,
            receipt.state,
            text.when(receipt.changed_ms),
            text.when(receipt.shown_ms) if receipt.shown_ms else "-",
            receipt.via,
            _why(receipt),
        ]
        for receipt in found.deliveries
    ]
    call.out.table(["to", "state", "since", "shown", "via", "why"], rows)
    if found.replies:
        call.out.line(f"replies: {', '.join(found.replies)}")


def _why(receipt: Receipt) -> str:
    """By which hook point, or why it ended."""
    if receipt.state == HANDED:
        return f"handed over at {receipt.reason}, not confirmed"
    return receipt.reason or "-"


def log(call: Call) -> None:
    """`telex log`"""
    args = call.args
    everything = "all" in args.flags or _is_nobodys(call)
    most = args.count("limit", limits.LIST_ROWS, "log")
    if args.option("thread"):
        letters = call.bus.thread(args.option("thread"))
    elif "follow" in args.flags:
        _follow(call, "all" in args.flags or call.bus.looker.session is None)
        return
    else:
        letters = call.bus.log(partner=args.option("with"), everything=everything, most=most)
    _list(call, letters, "nothing said yet")


def search(call: Call) -> None:
    """`telex search WORDS`"""
    args = call.args
    everything = "all" in args.flags or _is_nobodys(call)
    most = args.count("limit", limits.LIST_ROWS, "search")
    _list(call, call.bus.search(*args.words["words"], everything=everything, most=most), "nothing found")


def _list(call: Call, letters: list[Letter], nothing: str) -> None:
    if call.out.as_json:
        call.out.json({"messages": letters})
    elif letters:
        listing(call, letters)
    else:
        call.out.line(nothing)


def _follow(call: Call, everything: bool) -> None:
    for one in call.bus.follow(everything=everything):
        if call.out.as_json:
            call.out.json(one)
        else:
            about = text.preview(one.body, limits.PREVIEW_CHARS)
            call.out.line(
                f"{one.id}  {text.when(one.created_ms)}  {one.sender} -> {text.visible(one.to)}  {one.kind}  {about}"
            )
        call.out.flush()


def _is_nobodys(call: Call) -> bool:
    """Whether the caller has no mail of its own to look through: the person, or who was never registered."""
    me = call.bus.looker
    return me.session is None or not me.address.id
