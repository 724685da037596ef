"""Options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
FolderOption = Annotated[Path, typer.Option("--folder", "-f", help="Where organisation.yaml lies.")]
FolderArgument = Annotated[Path, typer.Argument(help="Where organisation.yaml lies.")]
