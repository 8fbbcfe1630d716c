"""What the system knows of the other end of a connection, and of who listens on a port.

Rules kept here: where the system cannot tell who is at the other end, the answer is None, and the caller refuses;
where it cannot tell a detail, the answer is the one that costs nothing: no process, no name, nothing unsent.
"""

from __future__ import annotations

import os
import socket
import struct

from telex import limits
from telex.core.record import Record

NOBODY = -1  # whose socket was closed before it was looked at

_LISTENS = "0A"  # TCP_LISTEN in /proc/net/tcp
_STATE, _INODE = 3, 9  # its columns


# sock_diag(7): ask the kernel for one socket by its four numbers
_DIAG, _BY_FAMILY, _REQUEST = 4, 20, 1
_ANY = 0xFFFFFFFF
_ANSWER_OWNER = 80  # where the owner and the inode stand in the answer
_PATIENCE_SECONDS = 0.2


class End(Record):
    """The other end of a connection within this machine."""

    user: int  # its user's id; NOBODY where it was closed
    inode: int  # of its socket; 0 where it was closed


def other_end(sock: socket.socket) -> End | None:
    """Who is at the other end; None where the system does not say, or the connection is gone.

    The address is asked for again after the kernel's answer: while it stands, no other socket can have taken it.
    """
    try:
        (here, port), (there, other) = sock.getsockname()[:2], sock.getpeername()[:2]
        ends = struct.pack("!HH4s12x4s12x", other, port, socket.inet_aton(there), socket.inet_aton(here))
        what = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _ANY)
        body = what + ends + struct.pack("=III", 0, _ANY, _ANY)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _DIAG) as kernel:
            kernel.settimeout(_PATIENCE_SECONDS)
            kernel.send(struct.pack("=IHHII", 16 + len(body), _BY_FAMILY, _REQUEST, 1, 0) + body)
            answer = kernel.recv(limits.IPC_SEGMENT_BYTES)
        if struct.unpack_from("=IH", answer)[1] != _BY_FAMILY or sock.getpeername()[:2] != (there, other):
            return None
        user, inode = struct.unpack_from("=II", answer, _ANSWER_OWNER)
        return End(user=int(user) if inode else NOBODY, inode=int(inode))
    except (OSError, AttributeError, struct.error):
        return None


def process_of(inode: int) -> int:
    """The process that holds a socket, as far as this user may look; 0 where none is found."""
    wanted = f"socket:[{inode}]"
    for pid in (name for name in _entries("/proc") if name.isdigit()) if inode else ():
        for fd in _entries(f"/proc/{pid}/fd"):
            try:
                if os.readlink(f"/proc/{pid}/fd/{fd}") == wanted:
                    return int(pid)
            except OSError:
                continue
    return 0


def _entries(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def unsent(sock: socket.socket) -> int:
    """How many bytes the other end's system has not taken yet."""
    try:
        import fcntl
        import termios

        return int(struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0])
    except (ImportError, OSError, AttributeError):
        return 0


def descriptors() -> int:
    """How many files this process may have open; raised as far as it may be."""
    try:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = hard if hard != resource.RLIM_INFINITY else soft
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    except (ImportError, OSError, ValueError):
        return limits.IPC_CONNECTIONS


def listener(port: int) -> str:
    """Who listens on a port of this machine, as far as this user may know: `python3 (process 42)`, or ''."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except OSError:
            continue
        ending = f":{port:04X}"
        inodes |= {f"socket:[{row[_INODE]}]" for row in rows if row[1].endswith(ending) and row[_STATE] == _LISTENS}
    for pid in (name for name in os.listdir("/proc") if name.isdigit()) if inodes else ():
        try:
            held = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
            if held & inodes:
                with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
                    return f"{file.read().strip()} (process {pid})"
        except OSError:
            continue
    return ""
