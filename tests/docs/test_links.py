"""Every relative link leads to a file, every anchor to a heading, and no page is an island."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs import pages


def test_links_lead_somewhere() -> None:
    found = []
    for path in pages.pages():
        found += [f"{pages.name(path)} {one}" for one in pages.broken_links(path, path.read_text("utf-8"), pages.ROOT)]
    assert found == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [pages.ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in seen or path.suffix != ".md" or not path.exists():
            continue
        seen.add(path)
        for _, target in pages.links(path.read_text("utf-8")):
            if "://" not in target and target.partition("#")[0]:
                waiting.append((path.parent / target.partition("#")[0]).resolve())
    islands = [
        pages.name(path)
        for path in pages.pages()
        if path not in seen and "clients/adapters/files" not in pages.name(path)
    ]
    assert islands == []


def test_every_page_begins_with_its_title() -> None:
    for path in pages.pages():
        if path.name != "SKILL.md":
            lines = [line for line in path.read_text("utf-8").split("\n") if line and not line.startswith("<!--")]
            assert lines[0].startswith("# "), pages.name(path)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[a](other.md)", False),
        ("[a](other.md#a-heading-b)", False),
        ("[a](#here)\n\n# Here", False),
        ("[a](https://example.org/nothing)", False),
        ("`[a](gone.md)`", False),
        ("```text\n[a](gone.md)\n```", False),
        ("[a](gone.md)", True),
        ("[a](other.md#no-such)", True),
        ("[a](#nowhere)", True),
        ("[a](../outside.md)", True),
    ],
)
def test_a_broken_link_is_found(tmp_path: Path, text: str, wrong: bool) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside.md").write_text("# Outside")
    (root / "other.md").write_text("# Other\n\n## A heading: `b`\n")
    assert bool(pages.broken_links(root / "page.md", text, root)) is wrong


def test_headings_of_one_text_get_numbers() -> None:
    assert pages.anchors("# A\n## B c\n## B c\n### It's *so*, [x](y.md)\n```text\n# no\n```") == {
        "a",
        "b-c",
        "b-c-1",
        "its-so-x",
    }
