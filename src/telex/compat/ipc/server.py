"""`telex ipc serve`: claude-ipc's port, one JSON object per connection and direction.

Rules kept here:
- a request may come in any segments and of any size to 16 MiB; its end is seen without the client closing;
- mail is marked read after the client has taken the answer: it closed its end, and its system did not say that
  bytes were left unread; else it stays queued, and comes again with the next check;
- another user of this machine is not served, unless a shared secret decides who is (telex.compat.ipc.visitor);
- a connection that is silent is closed, one too many is told so; nothing that a client sends ends the server;
- the bus works in one thread, the network in another, so no client's slowness holds up the store.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor

from telex import limits
from telex.compat.ipc import actions, peer
from telex.compat.ipc.desk import Desk
from telex.compat.ipc.framing import Request
from telex.compat.ipc.visitor import FOREIGN, Visitor
from telex.errors import Bug, IpcRefused, PortTaken, StoreBusy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from telex.compat.ipc.letters import Handed

HOST = "127.0.0.1"


def serve(port: int, say: Callable[[str], None]) -> None:
    """Listen until SIGTERM or SIGINT. `say` is told once where. Raises PortTaken, StoreFault."""
    asyncio.run(_Server(port, say).run())


class _Server:
    def __init__(self, port: int, say: Callable[[str], None]) -> None:
        self._port, self._say = port, say
        self._desk = Desk()
        self._thread = ThreadPoolExecutor(1, "telex-ipc")
        self._open: set[asyncio.Task[None]] = set()
        self._most = min(limits.IPC_CONNECTIONS, peer.descriptors() - limits.IPC_FILES_SPARE)
        self._buffered = 0

    async def run(self) -> None:
        """Serve until told to stop; what is being answered is answered first."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await self._in_thread(self._desk.open)
        try:
            server = await asyncio.start_server(self._accept, HOST, self._port, backlog=limits.IPC_CONNECTIONS)
        except OSError as problem:
            who = peer.listener(self._port)
            words = f"{who} listens there already" if who else os.strerror(problem.errno or 0)
            raise PortTaken(port=self._port, problem=words) from None
        self._say(f"listening on {HOST}:{server.sockets[0].getsockname()[1]}")
        await stop.wait()
        server.close()
        if self._open:
            await asyncio.wait(self._open, timeout=limits.IPC_GRACE_SECONDS)
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._in_thread(self._desk.close)
        self._thread.shutdown()

    async def _in_thread(self, work: Callable[..., Any], *values: object) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *values)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        full = len(self._open) >= self._most
        if not full:
            self._open.add(task)
        try:
            visitor = Visitor(writer.get_extra_info("socket"), self._desk.has_secret)
            if not visitor.welcome:
                await self._say_to(writer, {"status": "error", "message": FOREIGN})
            elif full:
                words = f"Too many connections: {self._most} are open. Close some, or try again later."
                await self._say_to(writer, {"status": "error", "message": words})
            else:
                await self._talk(reader, writer, visitor)
        except OSError:
            pass  # the client is gone
        finally:
            self._open.discard(task)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, visitor: Visitor) -> None:
        """One request and its answer."""
        request = Request()
        handed: Handed | None = None
        took = False
        try:
            try:
                ended = await self._receive(reader, request)
                answer, handed = await self._answer(request.value(), visitor)
            except IpcRefused as problem:
                ended, answer = reader.at_eof(), {"status": "error", "message": problem.message}
            finally:
                self._buffered -= len(request)
            await self._say_to(writer, answer)
            took = await self._taken(reader, writer, ended)
        finally:
            if handed is not None:
                await asyncio.shield(self._in_thread(self._desk.finish, handed, took))

    async def _receive(self, reader: asyncio.StreamReader, request: Request) -> bool:
        """Read one request; whether the client has closed its end. Raises IpcRefused."""
        end = asyncio.get_running_loop().time() + limits.IPC_IDLE_SECONDS
        while not request.complete:
            left = max(0.0, end - asyncio.get_running_loop().time())
            try:
                segment = await asyncio.wait_for(reader.read(limits.IPC_SEGMENT_BYTES), left)
            except TimeoutError:
                raise IpcRefused(words=f"No whole request came within {limits.IPC_IDLE_SECONDS} s") from None
            if not segment:
                if not len(request):
                    raise ConnectionResetError  # it asked for nothing
                return True
            self._buffered += len(segment)
            if self._buffered > limits.IPC_BUFFERED_BYTES:
                request.feed(segment)
                raise IpcRefused(words="Too many large requests at once. Try again.")
            request.feed(segment)
        return reader.at_eof()

    async def _answer(self, request: dict[str, Any], visitor: Visitor) -> tuple[dict[str, Any], Handed | None]:
        """The answer; a check waits while another one of the same instance is under way."""
        for _ in range(limits.IPC_HELD_TRIES):
            try:
                found: tuple[dict[str, Any], Handed | None] = await self._in_thread(self._desk.answer, request, visitor)
            except StoreBusy:
                await asyncio.sleep(limits.IPC_HELD_MS / 1000)
            except Exception as problem:
                return actions.refusal(Bug(what=f"{type(problem).__name__}: {problem}")), None
            else:
                return found
        return {"status": "error", "message": "Another check of this inbox is under way. Try again."}, None

    async def _say_to(self, writer: asyncio.StreamWriter, answer: dict[str, Any]) -> None:
        writer.write(json.dumps(answer).encode())
        writer.write_eof()
        await asyncio.wait_for(writer.drain(), limits.IPC_TAKEN_SECONDS)

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ended: bool) -> bool:
        """Whether the client has read the answer: it closes its end, or, where it had closed that before, its system
        has every byte. A client that closes with bytes unread resets the connection."""
        sock = writer.get_extra_info("socket")
        end = asyncio.get_running_loop().time() + limits.IPC_TAKEN_SECONDS
        drained = 0
        while (left := end - asyncio.get_running_loop().time()) > 0:
            if ended:
                if writer.transport.is_closing():
                    return False
                if not peer.unsent(sock):
                    return True
                await asyncio.sleep(limits.IPC_HELD_MS / 1000)
                continue
            try:
                segment = await asyncio.wait_for(reader.read(limits.IPC_SEGMENT_BYTES), left)
            except TimeoutError:
                return False
            if not segment:
                return True
            drained += len(segment)
            if drained > limits.IPC_DRAIN_BYTES:
                return False
        return False
