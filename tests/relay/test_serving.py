"""A relay process from its start to its end, and what it says of itself on the way."""

from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest
from tests.relay.machines import Peer, code_of, found, found_at_once, hex_id
from tests.relay.running import running, until_waiting
from tests.support.cli import TELEX

from telex.core import members
from telex.errors import Usage
from telex.relay.serve import place
from telex.wire import api

CANARY = b"canary-in-the-coal-mine"


def test_told_to_end_it_answers_everybody_who_waits(tmp_path: Path) -> None:
    """Would break: every restart would cost each machine an error and a back-off."""
    with running(tmp_path) as relay, Peer(relay.url, "alice") as alice:
        found_at_once(str(relay.file), alice, "acme")
        seen: list[api.Page] = []
        alice.pull()
        thread = threading.Thread(target=lambda: seen.append(alice.pull(wait_ms=30_000)))
        thread.start()
        until_waiting(relay, 1)
        assert relay.stop() == 0
        thread.join(timeout=60)
        assert seen[0].items == []
        assert json.loads(relay.log.read_text().splitlines()[-1])["event"] == "ended"


def test_told_to_end_it_ends_event_streams(tmp_path: Path) -> None:
    with running(tmp_path) as relay, Peer(relay.url, "alice") as alice:
        found_at_once(str(relay.file), alice, "acme")
        answer = alice.client.send(alice.request("events"), stream=True)
        lines = answer.iter_lines()
        assert next(lines).startswith("data: ")
        assert relay.stop() == 0
        assert [line for line in lines if line.startswith("data")] == []


def test_what_is_pushed_is_in_no_log_or_metric(tmp_path: Path) -> None:
    with running(tmp_path) as relay, ExitStack() as peers:
        alice, bob = (peers.enter_context(Peer(relay.url, name)) for name in ("alice", "bob"))
        found_at_once(str(relay.file), alice, "acme").add(bob)
        alice.push(alice.item([bob.id], CANARY), alice.item_numbered(99, [bob.id], CANARY))
        alice.send("push", b'{"origin": "' + CANARY)
        alice.client.get(f"/v1/{CANARY.decode()}?{CANARY.decode()}=1")
        alice.send("joining", query={"attempt": hex_id(), "wait_ms": 0}, nameplate=77_777)
        assert bob.pull().items[0].sealed == CANARY
        said = relay.log.read_bytes() + httpx2.get(f"{relay.url}/metrics").content
        secrets = [alice.id, bob.id, alice.token, alice.team, "127.0.0.1", "77777"]
        for secret in (CANARY, alice.sign_public, *(one.encode() for one in secrets)):
            assert secret not in said
        assert CANARY in Path(f"{relay.file}-wal").read_bytes() + relay.file.read_bytes()


def test_every_line_of_the_log_is_an_object_with_an_event(tmp_path: Path) -> None:
    with running(tmp_path) as relay:
        httpx2.get(f"{relay.url}/healthz")
        httpx2.get(f"{relay.url}/nowhere")
        relay.stop()
        lines = [json.loads(line) for line in relay.log.read_text().splitlines()]
        assert [line["event"] for line in lines] == ["serving", "request", "ended"]
        assert (lines[1]["route"], lines[1]["status"]) == ("healthz", 200)


def test_metrics_are_prometheus(tmp_path: Path) -> None:
    with running(tmp_path) as relay, Peer(relay.url, "alice") as alice:
        found_at_once(str(relay.file), alice, "acme")
        alice.push(alice.item([hex_id()]))
        text = httpx2.get(f"{relay.url}/metrics").text
        assert re.search(r'telex_relay_requests_total{route="push",status="200"} 1\.0', text)
        assert re.search(r'telex_relay_items_total{outcome="refused"} 1\.0', text)
        assert re.search(r"telex_relay_commit_seconds_count [1-9]", text)


def test_it_listens_where_it_is_told_and_names_what_is_wrong(tmp_path: Path) -> None:
    with running(tmp_path) as relay:
        for words, code in (
            (["--listen", f"127.0.0.1:{relay.port}", "--log", f"sqlite:{tmp_path}/other.db"], "listen-failed"),
            (["--listen", "0.0.0.0:0"], "usage"),
            (["--listen", "nowhere"], "usage"),
            (["--cert", "here"], "usage"),
            (["--public-url", "ftp://relay.example"], "usage"),
            (["--log", "paper:tape"], "usage"),
        ):
            assert relay.refused("serve", *words)["code"] == code, words


@pytest.mark.parametrize(
    ("listen", "url", "audience", "hosts"),
    [
        ("127.0.0.1:80", "", "http://127.0.0.1:80", {"127.0.0.1:80", "localhost:80"}),
        ("[::1]:80", "", "http://[::1]:80", {"[::1]:80"}),
        ("0.0.0.0:80", "https://relay.example/", "https://relay.example", {"relay.example", "relay.example:443"}),
        ("0.0.0.0:80", "https://relay.example:8443", "https://relay.example:8443", {"relay.example:8443"}),
    ],
)
def test_a_relay_is_known_by_one_url(listen: str, url: str, audience: str, hosts: set[str]) -> None:
    found = place(listen, "", "", url)
    assert found.audience == audience
    assert hosts <= found.hosts
    with pytest.raises(Usage):
        place("0.0.0.0:80", "", "", "")


def test_it_serves_over_tls(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(words, check=True, capture_output=True)
    with running(tmp_path, "--cert", str(cert), "--key", str(key), serve=False) as relay:
        relay.url = relay.url.replace("http:", "https:")
        relay.start()
        client = httpx2.Client(verify=ssl.create_default_context(cafile=str(cert)))
        assert client.get(f"{relay.url}/healthz").status_code == 200
        client.close()


def test_it_serves_behind_a_proxy_under_its_public_url(tmp_path: Path) -> None:
    with running(tmp_path, "--public-url", "https://relay.example", serve=False) as relay:
        relay.told = "https://relay.example"
        relay.start()
        with Peer("https://relay.example", "alice") as alice:
            alice.client.close()
            alice.client = httpx2.Client(base_url=relay.url, headers={"Host": "relay.example"}, timeout=60)
            found_at_once(str(relay.file), alice, "acme")
            assert alice.pull().items == []
            alice.url = relay.url
            assert code_of(alice.send("pull")) == "signature-wrong"


def test_a_founded_team_works_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as relay, ExitStack() as peers:
        alice, bob = (peers.enter_context(Peer(relay.url, name)) for name in ("alice", "bob"))
        chain = found(alice, relay.code("acme"))
        relay.kill()
        relay.start()
        chain.add(bob, members.OWNER)
        assert bob.push(bob.item([alice.id])).last_oseq == 1


def test_words_that_are_wrong_serve_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "TELEX_HOME": str(tmp_path / "home"), "TELEX_RELAY_KEEP_DAYS": "forever"}
    done = subprocess.run([TELEX, "relay", "serve"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "TELEX_RELAY_KEEP_DAYS" in done.stderr) == (2, True)
