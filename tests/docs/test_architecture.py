"""docs/architecture.md draws the layers that are checked, and lists every file that a home has."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path

from tests.docs import pages

TEXT = (pages.ROOT / "docs" / "architecture.md").read_text("utf-8")
GLOSSARY = (pages.ROOT / "docs" / "glossary.md").read_text("utf-8")
TELEX = str(Path(sys.executable).parent / "telex")


def test_the_drawing_has_the_layers_that_are_checked() -> None:
    drawn = next(block.text for block in pages.blocks(TEXT) if block.text.startswith("cli "))
    rows = [re.split(r"\s{3,}", line) for line in drawn.splitlines()]
    layers = [" ".join(sorted(word for part in row[:-1] or row for word in part.split())) for row in rows]
    contracts = configparser.ConfigParser()
    contracts.read(pages.ROOT / ".importlinter")
    checked = contracts["importlinter:contract:layers"]["layers"].split("\n")
    names = [" ".join(sorted(line.replace("telex.", "").replace("|", " ").split())) for line in checked if line]
    assert layers == names


def test_every_module_is_in_a_layer() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(pages.ROOT / ".importlinter")
    layers = contracts["importlinter:contract:layers"]["layers"]
    for path in (pages.ROOT / "src" / "telex").iterdir():
        if path.name not in ("__init__.py", "__pycache__", "py.typed"):
            assert f"telex.{path.stem}" in layers.split()


def test_every_file_of_a_home_is_in_the_list(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "TELEX_HOME": str(tmp_path / "telex"), "TELEX_NAME": "a"}
    large = tmp_path / "large.txt"
    large.write_text("x" * 20_000)
    for words in (
        ["install", "claude"],
        ["send", "@a", "--file", str(large)],
        ["send", "@a", "--kind", "request", "well?"],
        ["inbox", "--mark-read"],
        ["doctor", "--repair"],
    ):
        subprocess.run([TELEX, *words], cwd=tmp_path, env=environment, capture_output=True, check=False)
    listed = " ".join(re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE))
    home = tmp_path / "telex"
    found = sorted(path.relative_to(home).parts[0] for path in home.rglob("*"))
    assert {"telex.db", "write.lock", "bells", "bin", "installed", "bodies"} <= set(found)
    for name in set(found):
        tail = name.removeprefix("telex.db")
        assert f"`{tail or name}`" in listed or f"`{name}/" in listed, name


def test_every_path_named_in_the_source_tree_exists() -> None:
    for _, span in pages.spans(TEXT.partition("## The files of a home")[0]):
        if re.fullmatch(
            r"(core|bus|fs|db|mail|team|hook|link|relay|clients|cli|mcp)/[a-z_/]*(\.py)?|(limits|errors|config)\.py",
            span,
        ):
            assert (pages.ROOT / "src" / "telex" / span).exists(), span


def test_every_word_of_the_glossary_says_where_it_stands_in_the_code() -> None:
    rows = [line.split("|")[1:4] for line in GLOSSARY.splitlines() if line.startswith("| ")][1:]
    words = [word.strip() for word, _, _ in rows]
    assert words == sorted(set(words))
    for _, meaning, where in rows:
        assert meaning.strip()
        assert (pages.ROOT / "src" / "telex" / where.strip(" `")).exists(), where
