"""`microgrid new`: a folder with a commented scenario to start from."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from microgrid.cli.output import talk, write, write_json
from microgrid.config_schema import nearest
from microgrid.errors import InvalidInput, Problem
from microgrid.files import said_plainly

TEMPLATES = Path(__file__).resolve().parent.parent.parent / "configs" / "templates"
DEFAULT = "tanzania-80-homes"
PLACEHOLDER = "MY-SITE"  # the name of the site in every template
RESERVED = frozenset({"aux", "con", "nul", "prn"})  # Windows keeps these for itself


def templates() -> tuple[str, ...]:
    """Return the names of the templates, the default first."""
    names = {path.stem for path in TEMPLATES.glob("*.yaml")}
    return (DEFAULT, *sorted(names - {DEFAULT}))


def make(parent: Path, name: str, template: str, *, as_json: bool) -> None:
    """Make the folder `name` with a scenario in it, whole or not at all; nothing is ever written over."""
    text = (TEMPLATES / f"{_known(template)}.yaml").read_text(encoding="utf-8")
    folder = parent / _usable(name)
    if folder.exists():
        what = f"'{folder.as_posix()}' is there already; nothing was changed"
        raise InvalidInput(Problem("MG-U005", what, fix="use another name, or move it away"))
    with said_plainly(folder):
        _fill(folder, text.replace(PLACEHOLDER, name))
    if as_json:
        write_json("microgrid.new/1", {"folder": folder.as_posix(), "template": template})
        return
    write((folder / "scenario.yaml").as_posix())
    talk(f"Change it to your site, then:  microgrid check {folder.as_posix()}")


def _fill(folder: Path, text: str) -> None:
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        (draft / "scenario.yaml").write_text(text, encoding="utf-8")
        draft.chmod(0o755)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)  # there only if something failed on the way


def _known(template: str) -> str:
    if template in templates():
        return template
    near = nearest(template, templates())
    fix = f"did you mean '{near}'?" if near else f"there is: {', '.join(templates())}"
    raise InvalidInput(Problem("MG-U003", f"there is no template '{template}'", fix=fix))


def _usable(name: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name) and name.lower() not in RESERVED:
        return name
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_")[:64]
    fix = f"microgrid new {plain}" if plain and plain.lower() not in RESERVED else "microgrid new my-village"
    why = "use letters, digits, '-' and '_', beginning with a letter or a digit"
    raise InvalidInput(Problem("MG-U004", f"'{name}' cannot be the name of a site", why, fix))
