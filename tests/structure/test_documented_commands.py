"""Every command in README.md and docs/ exists, with its options; every command is in the reference."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from microgrid import bootstrap

OURS = re.compile(r"(?:\.venv/bin/)?microgrid(?: (?P<words>.+))?")
FIRST_RUN = "python3 -m microgrid.bootstrap"
ALWAYS = {"--help", "--install-completion", "--show-completion"}


def documented(text: str) -> Iterator[str]:
    """Yield each command of ours in the code blocks and code spans of a page, without what follows it."""
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    for candidate in [*lines, *re.findall(r"`([^`\n]+)`", outside)]:
        command = re.split(r"\s[|>&]|\s\s#|;|\s{3,}", candidate)[0].strip()
        if command.startswith(FIRST_RUN) or OURS.fullmatch(command):
            yield command


def unknown(command: str, app: Any) -> str:
    """Return what a command has that our program does not, or nothing."""
    if command.startswith(FIRST_RUN):
        return _unknown_to_first_run(shlex.split(command)[3:])
    matched = OURS.fullmatch(command)
    words = shlex.split(matched["words"] or "") if matched is not None else []
    here = app
    while words and hasattr(here, "commands") and not words[0].startswith("-"):
        if words[0] not in here.commands:
            return f"no command {words[0]!r}"
        here = here.commands[words.pop(0)]
    known = {name for param in here.params for name in (*param.opts, *param.secondary_opts)} | ALWAYS
    missing = [word for word in words if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known]
    return f"no option {', '.join(missing)}" if missing else ""


def _unknown_to_first_run(words: list[str]) -> str:
    try:
        bootstrap.parser().parse_args(words)
    except SystemExit:
        return f"not understood: {' '.join(words)}"
    return ""


def leaves(app: Any, name: str = "microgrid") -> list[str]:
    """Return the full name of every command that does something and is not hidden."""
    if not hasattr(app, "commands"):
        return [] if app.hidden else [name]
    return [leaf for word, below in app.commands.items() for leaf in leaves(below, f"{name} {word}")]


@pytest.fixture(scope="session")
def program() -> Any:
    """Return the `microgrid` command with all its commands and options."""
    from microgrid.cli.app import app

    return get_command(app)


@pytest.fixture
def small() -> Any:
    """Return a program with two commands."""
    app = typer.Typer()

    @app.command()
    def size(file: str, report: str = "", *, json: bool = False) -> None:
        """Size."""

    @app.command()
    def check(file: str) -> None:
        """Check."""

    return get_command(app)


def pages(project: Path) -> list[Path]:
    """Return README.md and every page of docs/."""
    return [project / "README.md", *sorted((project / "docs").rglob("*.md"))]


def test_every_command_in_the_pages_exists(project: Path, program: Any) -> None:
    found = {
        f"{page.relative_to(project)}: {command}": said
        for page in pages(project)
        for command in documented(page.read_text(encoding="utf-8"))
        if (said := unknown(command, program))
    }
    assert found == {}


def test_every_command_of_ours_is_in_the_reference(project: Path, program: Any) -> None:
    page = (project / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    assert [name for name in leaves(program) if f"`{name}" not in page] == []


def test_every_link_between_pages_leads_somewhere(project: Path) -> None:
    broken = [
        f"{page.relative_to(project)}: {target}"
        for page in pages(project)
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("microgrid size a.yaml --report r.html", ""),
        (".venv/bin/microgrid check 'a b.yaml' --help", ""),
        ("microgrid", ""),
        ("microgrid sise a.yaml", "no command 'sise'"),
        ("microgrid size a.yaml --rapport=r.html", "no option --rapport=r.html"),
        ("microgrid size --pv-kw -3", "no option --pv-kw"),
        ("python3 -m microgrid.bootstrap test --long", ""),
        ("python3 -m microgrid.bootstrap tests", "not understood: tests"),
    ],
)
def test_a_command_that_does_not_exist_is_found(small: Any, command: str, said: str) -> None:
    assert unknown(command, small) == said


def test_commands_are_found_in_blocks_and_in_sentences() -> None:
    page = (
        "Try `microgrid size x` or `microgrid/cli`.\n```\n$ microgrid check a.yaml   # looks\n"
        "microgrid check a > b\npython3 -m microgrid.bootstrap demo   # first\n```\n"
    )
    assert list(documented(page)) == [
        "microgrid check a.yaml",
        "microgrid check a",
        "python3 -m microgrid.bootstrap demo",
        "microgrid size x",
    ]
