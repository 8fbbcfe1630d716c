"""What a relay has in a NATS cluster: the stream of commands, the agreement on what it means, and the objects.

Rules kept here:
- a stream that would lose, cut or forget anything by itself is refused in clear words, never served from;
- the agreement is one value under compare-and-set: which epoch, which stream, after which place, on what snapshot;
- what the cluster answers is taken for true only from a stream's leader; a late answer is no answer.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

import msgspec
import nats
import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext, api
from nats.js import errors as refused
from nats.js.kv import KeyValue
from nats.js.object_store import ObjectStore

from telex import limits
from telex.errors.between import RelayLogUnusable

STREAM, SUBJECTS, BUCKET, OBJECTS, AGREED = "telex", "telex.>", "telex", "telex", "log"
_IDENTITY = "telex-log"  # in the stream's metadata: chance, so that another stream is known for another one
_ONE_NODE = 10074  # the server's code for: replicas need a cluster
_HISTORY = 8  # agreements, for whoever looks into what happened
_IN_USE = 10058  # and for: there is a stream of that name, but not quite that one
FAULTS = (nats.errors.Error, asyncio.TimeoutError, OSError)

Found = TypeVar("Found")


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """What every relay of the cluster makes its file from: a snapshot, then the stream after a place of it."""

    name: str  # chance: another one for another beginning
    past: list[str]  # the names of those whose commands went into it
    epoch: str
    stream: str  # its identity
    after: int
    snapshot: str = ""  # '' is an empty file


class Agreed(NamedTuple):
    """The agreement as it was read, and its revision for the next one."""

    said: Agreement
    revision: int


class State(NamedTuple):
    """The stream now."""

    identity: str
    first: int
    last: int


def _login(path: str) -> dict[str, Any]:
    """How to log in with a file: an nkey's seed alone, or the credentials that a NATS account gave out."""
    if not path:
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            seed = file.readline().startswith("SU")  # a user's seed; credentials begin with a line of dashes
    except (OSError, UnicodeDecodeError) as problem:
        raise RelayLogUnusable(place=path, problem=_words(problem), advice="see TELEX_RELAY_NATS_CREDENTIALS") from None
    return {"nkeys_seed" if seed else "user_credentials": path}


class Cluster:
    """One connection, kept up for ever."""

    def __init__(self, urls: list[str], credentials: str = "") -> None:
        self.place = ",".join(urls)
        self._urls = urls
        self._credentials = credentials
        self.client: Client = Client()
        self.js: JetStreamContext
        self.objects: ObjectStore
        self._agreed: KeyValue
        self._replicas = limits.CLUSTER_REPLICAS

    async def start(self) -> None:
        """Connect, and make what is missing. Raises RelayLogUnusable."""
        try:
            async with asyncio.timeout(limits.CLUSTER_START_SECONDS):
                await self._connect()
                await self._insist(self.prepare)
        except FAULTS as problem:
            raise self._unusable(_words(problem)) from None

    async def _connect(self) -> None:
        await self.client.connect(
            servers=self._urls,
            name="telex relay",
            connect_timeout=limits.CLUSTER_ASK_SECONDS,
            reconnect_time_wait=limits.CLUSTER_RECONNECT_SECONDS,
            max_reconnect_attempts=-1,
            ping_interval=limits.CLUSTER_PING_SECONDS,
            max_outstanding_pings=limits.CLUSTER_PINGS,
            error_cb=_silent,
            **_login(self._credentials),
        )
        self.js = self.client.jetstream(timeout=limits.CLUSTER_ASK_SECONDS)
        if self.client.max_payload < limits.CLUSTER_PAYLOAD_BYTES:
            problem = f"it takes messages of {self.client.max_payload} bytes only"
            raise self._unusable(problem, f"set max_payload to {limits.CLUSTER_PAYLOAD_BYTES} or more at every node")

    async def _insist(self, act: Callable[[], Awaitable[Found]]) -> Found:
        """Until it works, or the caller's time is over: a cluster that begins has no leader at first."""
        while True:
            try:
                return await act()
            except FAULTS:
                await asyncio.sleep(limits.CLUSTER_PAUSE_SECONDS)

    async def prepare(self) -> State:
        """Make what is missing; the stream as it is. Raises RelayLogUnusable, and what the cluster raises."""
        state = await self._stream()
        try:
            self._agreed = await self.js.key_value(BUCKET)
        except refused.NotFoundError:
            bucket = api.KeyValueConfig(bucket=BUCKET, replicas=self._replicas, direct=False, history=_HISTORY)
            self._agreed = await self.js.create_key_value(bucket)
        try:
            self.objects = await self.js.object_store(OBJECTS)
        except refused.NotFoundError:
            objects = api.ObjectStoreConfig(replicas=self._replicas, storage=api.StorageType.FILE)
            self.objects = await self.js.create_object_store(OBJECTS, objects)
        return state

    async def _stream(self) -> State:
        try:
            info = await self.js.stream_info(STREAM)
        except refused.NotFoundError:
            info = await self._make()
        self._check(info.config)
        self._replicas = info.config.num_replicas or 1
        identity = (info.config.metadata or {}).get(_IDENTITY, "")
        return State(identity, max(1, info.state.first_seq), info.state.last_seq)

    async def _make(self) -> api.StreamInfo:
        for replicas in (limits.CLUSTER_REPLICAS, 1):
            try:
                return await self.js.add_stream(_config(replicas))
            except refused.APIError as problem:
                if problem.err_code == _IN_USE:  # another relay made it at the same time
                    return await self.js.stream_info(STREAM)
                if problem.err_code != _ONE_NODE:
                    raise
        raise AssertionError("one node takes one replica")

    def _check(self, found: api.StreamConfig) -> None:
        """Raises RelayLogUnusable where the stream may lose something by itself."""
        wrong = [
            words
            for words, is_wrong in (
                (f"its subjects are not {SUBJECTS}", found.subjects != [SUBJECTS]),
                ("it is not kept in files", found.storage != api.StorageType.FILE),
                ("it forgets what was read", found.retention != api.RetentionPolicy.LIMITS),
                ("it forgets what is old or too much", any(_bounded(found))),
                ("it drops the oldest when it is full", found.discard != api.DiscardPolicy.NEW),
                ("it answers before it wrote", found.persist_mode == api.PersistMode.ASYNC),
                (f"it has not {_IDENTITY} in its metadata", _IDENTITY not in (found.metadata or {})),
                ("it is kept by two nodes", found.num_replicas not in (1, limits.CLUSTER_REPLICAS)),
            )
            if is_wrong
        ]
        if wrong:
            advice = f"rename or remove the stream {STREAM}; the relay makes its own"
            raise self._unusable(f"its stream {STREAM} is not a relay's: {', '.join(wrong)}", advice)

    def _unusable(self, problem: str, advice: str = "check its address, and that its nodes run") -> RelayLogUnusable:
        return RelayLogUnusable(place=self.place, problem=problem, advice=advice)

    async def state(self) -> State:
        """The stream as it is now; made anew where it is gone."""
        return await self.prepare()

    async def id_at(self, position: int) -> str:
        """The id of the command at a place; '' where none is there."""
        try:
            found = await self.js.get_msg(STREAM, position)
        except refused.NotFoundError:
            return ""
        return str((found.headers or {}).get(api.Header.MSG_ID, ""))

    async def agreed(self) -> Agreed | None:
        """What the relays agreed on; None before the first word."""
        try:
            entry = await self._agreed.get(AGREED)
        except refused.NotFoundError:
            return None
        assert entry.value is not None and entry.revision is not None
        return Agreed(msgspec.json.decode(entry.value, type=Agreement), entry.revision)

    async def agree(self, said: Agreement, revision: int) -> bool:
        """Put a new agreement in the place of the one of that revision; whether it is in force.

        Whoever hears nothing looks at what is agreed then; so a lost answer is harmless.
        """
        try:
            await self._agreed.update(AGREED, msgspec.json.encode(said), last=revision)
        except refused.KeyWrongLastSequenceError:
            return False
        return True

    async def cut(self, position: int) -> None:
        """Remove what comes before a place."""
        await self.js.purge_stream(STREAM, seq=position)

    async def close(self) -> None:
        """End the connection."""
        await self.client.close()


def _config(replicas: int) -> api.StreamConfig:
    return api.StreamConfig(
        name=STREAM,
        description="the relay's log; telex made it, telex cuts it",
        subjects=[SUBJECTS],
        storage=api.StorageType.FILE,
        retention=api.RetentionPolicy.LIMITS,
        discard=api.DiscardPolicy.NEW,
        num_replicas=replicas,
        duplicate_window=limits.CLUSTER_DUPLICATE_SECONDS,
        deny_delete=True,
        metadata={_IDENTITY: secrets.token_hex(limits.RELAY_ID_BYTES)},
    )


def _bounded(found: api.StreamConfig) -> list[bool]:
    bounds = (found.max_msgs, found.max_bytes, found.max_age, found.max_msgs_per_subject)
    return [(bound or 0) > 0 for bound in bounds]


def _words(problem: BaseException) -> str:
    return str(problem) or "no answer in time"


async def _silent(_problem: Exception) -> None:
    """A fault of the connection: whoever waited hears of it, and it is made anew."""
