"""The relay as a machine asks it: one method per route, over HTTP.

Rules kept here:
- every request is signed by the machine's key, and bound to the relay's URL, to a time and to a nonce of its own;
- the relay's clock counts: what it says of its time in each answer corrects the next request, so that a wrong clock
  here is harmless, and a refusal for it is tried again once;
- a token that the relay no longer takes is replaced once; it stays in memory only;
- whatever goes wrong is a RemoteFault: unreachable, not a relay, or refused with a code and a time to try again;
- an answer has a most for each route, in bytes and in time, and comes as it is: nothing compressed is asked for or
  taken. What a relay says in its own words is kept on one line, clipped, and said to be the relay's;
- a relay on this very machine is asked directly; for any other the proxies of the environment count.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

import httpx2
import msgspec

from telex import limits
from telex.core import text
from telex.errors import RemoteFault
from telex.errors.between import RelayRefused, RelayStrange, RelayUnreachable
from telex.wire import api, signing
from telex.wire.faults import advice_for
from telex.wire.routes import ANYBODY, BY_NAME, SIGNED, Route, answer_bytes

Sign = Callable[[bytes], bytes]

_TIME_DIGITS = 16
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_AGAIN = ("clock-wrong", "replayed", "token-unknown")  # what another signature or token can mend


def _now_ms() -> int:
    return int(time.time() * 1000)


class Relay:
    """`async with Relay(url, machine, sign) as relay: page = await relay.ask("pull", query={"after": 7})`.

    `sign` gives the Ed25519 signature of the machine's key; without a machine only routes for anybody can be asked.
    """

    def __init__(self, url: str, machine: str = "", sign: Sign | None = None) -> None:
        self.url = url.rstrip("/")
        self.machine = machine
        self.skew_ms = 0  # the relay's clock less this machine's
        self._sign = sign
        self._audience = self.url
        self._token = ""
        self._until_ms = 0
        self._client = httpx2.AsyncClient(
            base_url=self.url,
            headers={"User-Agent": "telex", "Accept-Encoding": "identity"},
            trust_env=not is_here(httpx2.URL(self.url).host),
            follow_redirects=False,
        )

    async def __aenter__(self) -> Relay:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    def now_ms(self) -> int:
        """The relay's time, as far as it is known."""
        return _now_ms() + self.skew_ms

    async def ask(
        self,
        name: str,
        takes: msgspec.Struct | bytes | None = None,
        *,
        query: Mapping[str, str | int] | None = None,
        wait_s: float = 0,
        **places: str | int,
    ) -> Any:
        """The answer to a route, as its type in the table; `places` fill its path.

        Raises RelayUnreachable, RelayStrange, RelayRefused.
        """
        route = BY_NAME[name]
        body = takes if isinstance(takes, bytes) else b"" if takes is None else msgspec.json.encode(takes)
        target = route.path.format(**places)
        if query:
            target += "?" + str(httpx2.QueryParams(dict(query)))
        for attempt in (1, 2):
            try:
                raw = await self._send(route, target, body, wait_s)
                break
            except RelayRefused as problem:
                if attempt == 2 or problem.facts["code"] not in _AGAIN:
                    raise
                self._token = ""
        return self._decoded(route, raw)

    async def has_blob(self, digest: str) -> bool:
        """Whether the relay has a part of a large body. Raises RemoteFault."""
        try:
            await self.ask("has_blob", digest=digest)
        except RelayRefused as problem:
            if problem.facts["status"] == 404:
                return False
            raise
        return True

    async def _send(self, route: Route, target: str, body: bytes, wait_s: float) -> bytes:
        if route.roles not in (ANYBODY, SIGNED) and (not self._token or self.now_ms() >= self._until_ms):
            await self._fetch_token()
        headers = {"Content-Type": "application/octet-stream" if route.takes is bytes else "application/json"}
        if route.roles != ANYBODY:
            headers |= self._credentials(route, target, body)
        timeout = httpx2.Timeout(limits.RELAY_ANSWER_SECONDS + wait_s, connect=limits.RELAY_CONNECT_SECONDS)
        began = time.monotonic()
        asked = self._client.build_request(route.method, target, content=body or None, headers=headers, timeout=timeout)
        try:
            async with asyncio.timeout(limits.RELAY_WHOLE_SECONDS + wait_s):
                answer = await self._client.send(asked, stream=True)
                try:
                    self._learn_clock(answer, began)
                    raw = await self._read(
                        answer, answer_bytes(route) if answer.is_success else limits.RELAY_REFUSAL_BYTES
                    )
                finally:
                    await answer.aclose()
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as problem:
            raise RelayUnreachable(relay=self.url, problem=_words(problem)) from None
        except TimeoutError:
            raise RelayUnreachable(relay=self.url, problem="its answer took too long") from None
        if answer.is_success:
            return raw
        raise self._refusal(answer, raw)

    async def _read(self, answer: httpx2.Response, most: int) -> bytes:
        """The body of an answer, which is at most so long. Raises RelayStrange."""
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise RelayStrange(relay=self.url, problem="it compresses an answer, which was not asked for")
        found = bytearray()
        async for chunk in answer.aiter_raw():
            found += chunk
            if len(found) > most:
                raise RelayStrange(relay=self.url, problem=f"an answer has over {most} bytes")
        return bytes(found)

    def _credentials(self, route: Route, target: str, body: bytes) -> dict[str, str]:
        assert self._sign is not None, "a machine asks, and has no key"
        nonce, now_ms = os.urandom(signing.NONCE_BYTES).hex(), self.now_ms()
        signature = self._sign(signing.to_sign(route.method, target, now_ms, nonce, body, self._audience))
        token = "" if route.roles == SIGNED else self._token
        return {
            "Authorization": signing.credentials(self.machine, token),
            signing.TIME: str(now_ms),
            signing.NONCE: nonce,
            signing.SIGNATURE: b64encode(signature).decode(),
        }

    async def _fetch_token(self) -> None:
        given: api.Token = await self.ask("token")
        self._token, self._audience = given.token, given.audience
        self._until_ms = given.until_ms - limits.TOKEN_SPARE_MS

    def _learn_clock(self, answer: httpx2.Response, began: float) -> None:
        """A clock that jumped is noticed by the next answer."""
        told = answer.headers.get(signing.NOW, "")
        if told.isascii() and told.isdigit() and len(told) <= _TIME_DIGITS and int(told) <= limits.WIRE_NUMBER_MOST:
            half_ms = int((time.monotonic() - began) * 500) if answer.request.url.path != "/v1/log" else 0
            self.skew_ms = int(told) + half_ms - _now_ms()

    def _refusal(self, answer: httpx2.Response, raw: bytes) -> RemoteFault:
        """The error that an answer stands for, in words of this telex; what is the relay's own is quoted. The answer to
        HEAD has no body."""
        if answer.request.method == "HEAD":
            return RelayRefused(code="", status=answer.status_code, words="it said no", advice="", retry_after_ms=0)
        try:
            fault = msgspec.json.decode(raw, type=api.Failed).error
        except _UNDECODABLE:
            return RelayStrange(relay=self.url, problem=f"HTTP status {answer.status_code}")
        return RelayRefused(
            code=fault.code,
            status=answer.status_code,
            words=f"the relay refuses ({fault.code}): {text.speech('it', fault.message, limits.PREVIEW_CHARS)}",
            advice=advice_for(fault.code),
            retry_after_ms=fault.retry_after_ms,
        )

    def _decoded(self, route: Route, raw: bytes) -> Any:
        if route.gives is None or route.gives is bytes:
            return raw
        try:
            return msgspec.json.decode(raw, type=route.gives)
        except _UNDECODABLE as problem:
            raise RelayStrange(relay=self.url, problem=_words(problem)) from None


def _words(problem: Exception) -> str:
    """What went wrong on the way, on one line."""
    said = " ".join(str(problem).split()) or type(problem).__name__
    return text.visible(said[: limits.PREVIEW_CHARS])


def is_here(host: str) -> bool:
    """Whether a host is this very machine, whatever a resolver says."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
