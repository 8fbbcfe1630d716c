"""The relay as a machine asks it: one method per route, over HTTP.

Rules kept here:
- every request is signed by the machine's key, and bound to the relay's URL, to a time and to a nonce of its own;
- the relay's clock counts: what it says of its time in each answer corrects the next request, so that a wrong clock
  here is harmless, and a refusal for it is tried again once;
- a token that the relay no longer takes is replaced once; it stays in memory only;
- whatever goes wrong is a RemoteFault: unreachable, not a relay, or refused with a code and a time to try again.
"""

from __future__ import annotations

import os
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

import httpx2
import msgspec

from telex import limits
from telex.errors import RemoteFault
from telex.errors.between import RelayRefused, RelayStrange, RelayUnreachable
from telex.wire import api, signing
from telex.wire.routes import ANYBODY, BY_NAME, SIGNED, Route

Sign = Callable[[bytes], bytes]

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
        self._client = httpx2.AsyncClient(base_url=self.url, headers={"User-Agent": "telex"})

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
        try:
            answer = await self._client.request(
                route.method, target, content=body or None, headers=headers, timeout=timeout
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as problem:
            raise RelayUnreachable(relay=self.url, problem=_words(problem)) from None
        self._learn_clock(answer, began)
        if answer.is_success:
            return answer.content
        raise self._refusal(answer)

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
        if told.isascii() and told.isdigit():
            half_ms = int((time.monotonic() - began) * 500) if answer.request.url.path != "/v1/log" else 0
            self.skew_ms = int(told) + half_ms - _now_ms()

    def _refusal(self, answer: httpx2.Response) -> RemoteFault:
        """The error that an answer stands for; the answer to HEAD has no body."""
        if answer.request.method == "HEAD":
            return RelayRefused(code="", status=answer.status_code, words="it said no", advice="", retry_after_ms=0)
        try:
            fault = msgspec.json.decode(answer.content, type=api.Failed).error
        except (msgspec.DecodeError, UnicodeDecodeError):
            return RelayStrange(relay=self.url, problem=f"HTTP status {answer.status_code}")
        return RelayRefused(
            code=fault.code,
            status=answer.status_code,
            words=fault.message,
            advice=fault.hint,
            retry_after_ms=fault.retry_after_ms,
        )

    def _decoded(self, route: Route, raw: bytes) -> Any:
        if route.gives is None or route.gives is bytes:
            return raw
        try:
            return msgspec.json.decode(raw, type=route.gives)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            raise RelayStrange(relay=self.url, problem=str(problem)) from None


def _words(problem: Exception) -> str:
    """What went wrong on the way, on one line."""
    said = " ".join(str(problem).split()) or type(problem).__name__
    return said[: limits.PREVIEW_CHARS]
