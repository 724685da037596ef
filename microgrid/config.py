"""Reading what people write: a YAML file becomes frozen data, or every mistake in it is said at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from microgrid.config_document import Document, read_document
from microgrid.config_mistakes import Edit, Mistake, Rename, Reviewer, broken
from microgrid.config_model import Broken, FileModel
from microgrid.errors import InvalidInput, Problem

Model = TypeVar("Model", bound=FileModel)
MISTAKES_MAX = 100  # of one file; who has more has named the wrong file
RENAMING_ROUNDS = 4  # a misspelt section hides its own misspelt keys, at most this deep


@dataclass(frozen=True, slots=True)
class Examination(Generic[Model]):
    """What is in a file: the data if it has no mistake, else the mistakes and the edits that are safe."""

    document: Document
    model: Model | None
    problems: tuple[Problem, ...] = ()
    edits: tuple[Edit, ...] = ()


def read(path: Path, model: type[Model]) -> Model:
    """Return the data of a file; raises InvalidInput with every mistake in it."""
    examination = examine(path, model)
    if examination.model is None:
        raise InvalidInput(*examination.problems)
    return examination.model


def examine(path: Path, model: type[Model]) -> Examination[Model]:
    """Return what is in a file and what is wrong with it; raises InvalidInput only when it is not YAML."""
    return review(read_document(path, path.as_posix(), hidden_keys(model)), model)


def review(document: Document, model: type[Model]) -> Examination[Model]:
    """Check a document against its model, taking misspelt keys for what was meant so that nothing hides."""
    errors, data = _validate(document, model)
    if data is not None:
        return Examination(document, data)
    if document.hidden:  # a key that is not known may be a hidden one, misspelt
        document = replace(document, hidden=document.hidden | _unknown_keys(errors))
    schema = _schema(model)
    corrected, renamed = document, list[tuple[Reviewer, Rename]]()
    for _ in range(RENAMING_ROUNDS):
        reviewer = Reviewer(corrected, model, schema)
        renames = reviewer.renames(errors)
        if not renames:
            break
        renamed += [(reviewer, rename) for rename in renames]
        for rename in renames:
            corrected = corrected.renamed(rename.parent, rename.old, rename.new)
        errors, _ = _validate(corrected, model)
    mistakes = [reviewer.renamed(rename) for reviewer, rename in renamed]
    mistakes += _mistakes(corrected, model, schema, errors)
    return _examination(document, mistakes)


def placed(document: Document, rules: Iterable[Broken]) -> tuple[Problem, ...]:
    """Return findings about a file as problems that point at their places in it."""
    return tuple(broken(document, rule).problem for rule in rules)


def locate(path: Path) -> Path:
    """Return the scenario file a person means: the file itself, or the one in the folder they named."""
    if not is_folder(path):
        return path
    named = path / "scenario.yaml"
    found = [named] if named.is_file() else sorted(path.glob("*.yaml"))
    if len(found) == 1:
        return found[0]
    folder = path.as_posix()
    if not found:
        fix = "make one:  microgrid new my-village"
        raise InvalidInput(Problem("MG-C011", f"there is no scenario in the folder '{folder}'", fix=fix))
    names = ", ".join(file.name for file in found[:5])
    raise InvalidInput(
        Problem("MG-C011", f"the folder '{folder}' holds several files", f"they are {names}", "name one of them")
    )


def is_folder(path: Path) -> bool:
    """Tell whether a path is a folder; one that cannot be looked at is none, and reading it says why."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def hidden_keys(model: type[BaseModel]) -> frozenset[str]:
    """Return the keys of a model whose values are secrets: those that it leaves out of its own text."""
    found = {name for name, field in model.model_fields.items() if not field.repr}
    below = (kind for field in model.model_fields.values() for kind in _models_in(field.annotation))
    return frozenset(found).union(*(hidden_keys(kind) for kind in below))


def _models_in(hint: object) -> Iterable[type[BaseModel]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    for part in get_args(hint):
        yield from _models_in(part)


def _unknown_keys(errors: Iterable[ErrorDetails]) -> frozenset[str]:
    strange = (error["loc"] for error in errors if error["type"] == "extra_forbidden" and error["loc"])
    return frozenset(str(location[-1]) for location in strange)


@cache
def _schema(model: type[FileModel]) -> dict[str, object]:
    return model.model_json_schema()


def _validate(document: Document, model: type[Model]) -> tuple[list[ErrorDetails], Model | None]:
    try:
        return [], model.model_validate(document.root.plain())
    except ValidationError as error:
        return error.errors(include_url=False)[:MISTAKES_MAX], None


def _mistakes(
    document: Document, model: type[Model], schema: dict[str, object], errors: list[ErrorDetails]
) -> list[Mistake]:
    reviewer = Reviewer(document, model, schema)
    found = [mistake for error in errors for mistake in reviewer.mistakes(error)]
    wrong = {error["loc"][0] for error in errors if error["loc"]}
    if wrong:  # the model's own check of rules between sections runs only when every section is right
        sections = _right_sections(document, model, wrong)
        found += [broken(document, rule) for rule in model.broken_rules(sections)]
    return found


def _right_sections(document: Document, model: type[Model], wrong: set[str | int]) -> dict[str, object]:
    right: dict[str, object] = {}
    for name, field in model.model_fields.items():
        section, node = field.annotation, document.root.child(name)
        if node is not None and name not in wrong and isinstance(section, type) and issubclass(section, BaseModel):
            right[name] = section.model_validate(node.plain())
    return right


def _examination(document: Document, mistakes: list[Mistake]) -> Examination[Model]:
    unique = {(m.problem.line, m.problem.column, m.problem.code, m.problem.what): m for m in mistakes}
    ordered = [unique[place] for place in sorted(unique)]
    edits = tuple(mistake.edit for mistake in ordered if mistake.edit is not None)
    return Examination(document, None, tuple(mistake.problem for mistake in ordered), edits)
