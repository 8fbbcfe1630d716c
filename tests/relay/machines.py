"""Machines that speak to a real relay over HTTP, with real keys, chains and envelopes made by hand.

Rule kept here: a machine signs exactly what it sends; what a test changes afterwards is changed behind its back.
"""

from __future__ import annotations

import asyncio
import os
import time
from base64 import b64encode
from types import TracebackType
from typing import Any

import httpx2
import msgspec

from telex.core import members
from telex.crypto import pairing, signatures, words
from telex.relay import commands
from telex.relay.interfaces import Log
from telex.relay.log_sqlite import SqliteLog
from telex.relay.nameplates import nameplates
from telex.wire import api, signing
from telex.wire import pairing as said
from telex.wire.envelope import Header
from telex.wire.records import Body, Grant, Machine, Signed
from telex.wire.routes import ANYBODY, BY_NAME, SIGNED

SEALED = b"sealed"


def hex_id() -> str:
    """A random id."""
    return os.urandom(16).hex()


class Peer:
    """One machine: its keys, its connection, its outbox."""

    def __init__(self, url: str, name: str) -> None:
        self.url, self.name, self.id = url, name, hex_id()
        self.seed, self.seal_public = os.urandom(32), os.urandom(32)
        self.sign_public = signatures.public_of(self.seed)
        self.origin, self.oseq, self.token, self.team = hex_id(), 0, "", ""
        self.epoch = ""
        self.client = httpx2.Client(base_url=url, timeout=60, verify=False)  # no TLS here; loading roots is slow

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.client.close()

    # --- requests

    def request(
        self, name: str, body: Any = None, query: dict[str, Any] | None = None, **places: Any
    ) -> httpx2.Request:
        """A request as this machine signs it."""
        route = BY_NAME[name]
        raw = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        target = route.path.format(**places)
        if query:
            target += "?" + str(httpx2.QueryParams(query))
        headers = {} if route.roles == ANYBODY else self.credentials(route.method, target, raw, route.roles == SIGNED)
        return self.client.build_request(route.method, target, content=raw or None, headers=headers)

    def credentials(self, method: str, target: str, raw: bytes, without_token: bool = False) -> dict[str, str]:
        """The headers that show who asks."""
        nonce, now_ms = os.urandom(signing.NONCE_BYTES).hex(), int(time.time() * 1000)
        text = signing.to_sign(method, target, now_ms, nonce, raw, self.url)
        return {
            "Authorization": signing.credentials(self.id, "" if without_token else self.token),
            signing.TIME: str(now_ms),
            signing.NONCE: nonce,
            signing.SIGNATURE: b64encode(signatures.sign(self.seed, text)).decode(),
        }

    def send(self, name: str, body: Any = None, query: dict[str, Any] | None = None, **places: Any) -> httpx2.Response:
        """Ask, and give the answer whatever it is."""
        return self.client.send(self.request(name, body, query, **places))

    def ask(self, name: str, body: Any = None, query: dict[str, Any] | None = None, **places: Any) -> Any:
        """Ask for what must succeed."""
        answer = self.send(name, body, query, **places)
        assert answer.is_success, (name, answer.status_code, answer.text)
        gives = BY_NAME[name].gives
        if gives is None or gives is bytes:
            return answer.content
        return msgspec.json.decode(answer.content, type=gives)

    def fetch_token(self) -> None:
        """A token of its own."""
        self.token = self.ask("token").token

    # --- the log

    def item(self, to: list[str], sealed: bytes = SEALED, **changed: Any) -> api.Item:
        """The next item of its outbox."""
        self.oseq += 1
        return self.item_numbered(self.oseq, to, sealed, **changed)

    def item_numbered(self, oseq: int, to: list[str], sealed: bytes = SEALED, **changed: Any) -> api.Item:
        """An item of any number; `changed` are fields of its header."""
        fields: dict[str, Any] = {
            "team": self.team,
            "machine": self.id,
            "to": to,
            "origin": self.origin,
            "oseq": oseq,
            "id": hex_id(),
            "key": 1,
            "record": 0,
            "at_ms": 1,
        }
        header = Header(**(fields | changed))
        return api.Item(oseq=oseq, header=msgspec.json.encode(header), sealed=sealed)

    def push(self, *items: api.Item) -> api.Pushed:
        """Offer items."""
        pushed: api.Pushed = self.ask("push", api.Push(origin=self.origin, items=list(items)))
        return pushed

    def pull(self, after: int = 0, wait_ms: int = 0, records: int = 1_000_000) -> api.Page:
        """What is there after a cursor."""
        if not self.epoch:
            self.epoch = self.ask("pull").epoch
        query = {"epoch": self.epoch, "after": after, "wait_ms": wait_ms, "records": records}
        page: api.Page = self.ask("pull", query=query)
        return page

    def said(self, role: str) -> Machine:
        """This machine as a record says it."""
        return Machine(id=self.id, name=self.name, role=role, sign=self.sign_public, seal=self.seal_public)


class Chain:
    """A team's membership chain, as its owner keeps it."""

    def __init__(self, owner: Peer, team: str, team_name: str) -> None:
        self.owner, self.team, self.n, self.prev, self.key = owner, team, -1, "", 1
        self.team_name = team_name

    def record(self, act: str, machine: Machine, by: Peer | None = None, **changed: Any) -> Signed:
        """The next record; it counts only once `took` it."""
        signer = by or self.owner
        begins = act in (members.FOUND, members.REMOVE, members.ROTATE)
        fields: dict[str, Any] = {
            "team": self.team,
            "n": self.n + 1,
            "prev": self.prev,
            "at_ms": 1,
            "by": signer.id,
            "act": act,
            "machine": machine,
            "key": self.key + (begins and act != members.FOUND),
            "commit": os.urandom(32).hex() if begins else "",
            "team_name": self.team_name if act == members.FOUND else "",
        }
        body = msgspec.json.encode(Body(**(fields | changed)))
        return Signed(body=body, signature=signatures.sign(signer.seed, signatures.record(body)))

    def took(self, record: Signed) -> None:
        """The relay has it."""
        body = msgspec.json.decode(record.body, type=Body)
        self.n, self.prev, self.key = body.n, members.digest(record.body), body.key

    def grant(self, machine: Peer, key: int = 0) -> Grant:
        """A key for a machine; what it seals is nothing to the relay."""
        number = key or self.key
        sealed = b"a key for " + machine.id.encode()
        text = signatures.grant(self.team, number, machine.id, sealed)
        return Grant(
            key=number,
            machine=machine.id,
            by=self.owner.id,
            sealed=sealed,
            signature=signatures.sign(self.owner.seed, text),
        )

    def append(self, act: str, machine: Machine, *grants: Grant, by: Peer | None = None) -> None:
        """Append a record that must be taken."""
        record = self.record(act, machine)
        (by or self.owner).ask("append", api.Append(record=record, grants=list(grants)))
        self.took(record)

    def add(self, machine: Peer, role: str = members.MEMBER) -> Peer:
        """One more machine, with a token."""
        self.append(members.ADD, machine.said(role), self.grant(machine))
        machine.team = self.team
        machine.fetch_token()
        return machine


def found_at_once(file: str, owner: Peer, name: str) -> Chain:
    """Found a team by the relay's own commands, beside the process that serves: what takes no pairing is quicker."""

    async def run() -> Chain:
        log = SqliteLog(file, serving=False)
        await log.start(lambda _touched: None, lambda _commands, _seconds: None)
        try:
            return await founded(log, owner, name)
        finally:
            await log.close()

    chain = asyncio.run(run())
    owner.fetch_token()
    return chain


async def founded(log: Log, owner: Peer, name: str) -> Chain:
    """The same in any log, without a token."""
    chain = Chain(owner, hex_id(), name)
    first = chain.record(members.FOUND, owner.said(members.OWNER))
    attempt, until_ms = hex_id(), int(time.time() * 1000) + 60_000
    await log.submit(commands.MakeTeam(at_ms=1, team=chain.team, name=name))
    invite = commands.Invite(
        at_ms=1,
        team=chain.team,
        machine="",
        role=members.OWNER,
        nameplates=nameplates(),
        until_ms=until_ms,
        most=1,
        words="two words",
    )
    invited: Any = await log.submit(invite)
    plate = invited.nameplate
    await log.submit(commands.Claim(at_ms=1, nameplate=plate, attempt=attempt, message=b"m", secret=b"s"))
    done = commands.Found(
        at_ms=1,
        nameplate=plate,
        attempt=attempt,
        sealed=b"proof",
        answer=b"welcome",
        record=first,
        grants=[chain.grant(owner)],
    )
    await log.submit(done)
    chain.took(first)
    owner.team = chain.team
    return chain


def found(owner: Peer, code: str) -> Chain:
    """Found a team with the relay's own code, as `telex link join` does."""
    parsed, attempt = words.parse(code), hex_id()
    joiner = pairing.Joiner(parsed, attempt)
    place: dict[str, Any] = {"nameplate": parsed.nameplate}
    owner.ask("join", api.Join(attempt=attempt, message=joiner.message), **place)
    heard = owner.ask("joining", query={"attempt": attempt, "wait_ms": 5_000}, **place)
    agreed = joiner.agreed(heard.message)
    founding = agreed.answer(heard.sealed)
    assert isinstance(founding, said.Founding)
    chain = Chain(owner, founding.team, founding.team_name)
    first = chain.record(members.FOUND, owner.said(members.OWNER))
    grant = chain.grant(owner)
    owner.ask("prove", prove(owner, agreed, attempt, api.Append(record=first, grants=[grant])), **place)
    chain.took(first)
    heard = owner.ask("joining", query={"attempt": attempt, "wait_ms": 5_000}, **place)
    welcome = agreed.answer(heard.sealed)
    assert isinstance(welcome, said.Welcome)
    assert (welcome.team, welcome.newest) == (chain.team, chain.prev)
    owner.team = chain.team
    owner.fetch_token()
    return chain


def prove(peer: Peer, agreed: pairing.Agreed, attempt: str, first: api.Append | None = None) -> api.Prove:
    """What the one who joins says last."""
    proof = said.Proof(
        id=peer.id,
        name=peer.name,
        exact=False,
        sign=peer.sign_public,
        seal=peer.seal_public,
        proof=pairing.proof_of(agreed, lambda text: signatures.sign(peer.seed, text), peer.seal_public),
    )
    return api.Prove(attempt=attempt, sealed=agreed.seal(pairing.JOINER, proof), found=first)


def code_of(answer: httpx2.Response) -> str:
    """Why the relay refused."""
    return msgspec.json.decode(answer.content, type=api.Failed).error.code
