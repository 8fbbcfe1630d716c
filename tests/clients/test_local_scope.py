"""Acceptance: the real client runs what `telex install claude --scope local` writes in that project, and only there."""

from __future__ import annotations

import pytest
from tests.clients.conftest import claude_program
from tests.clients.lab import Lab, install_telex, marker

pytestmark = pytest.mark.real_client


@pytest.mark.parametrize("scopes", [("local",), ("local", "project", "user")], ids=" ".join)
def test_the_hooks_run_in_the_project_once(
    tmp_path_factory: pytest.TempPathFactory, offline: None, scopes: tuple[str, ...]
) -> None:
    lab = Lab(tmp_path_factory.mktemp("machine"), claude_program())
    try:
        project, other, model, mark = lab.directory("frontend"), lab.directory("other"), lab.model(), marker()
        for scope in scopes:
            install_telex(lab, scope, cwd=project)
        lab.send("@frontend", mark)
        lab.headless(model, "hello", other)
        assert model.requests and model.last.count(mark) == 0
        lab.headless(model, "hello", project)
        assert model.last.count(mark) == 1
    finally:
        lab.close()
