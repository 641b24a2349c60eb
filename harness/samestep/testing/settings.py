"""What a project, a command line and a marker say of comparisons: read and checked, in one line each.

Only the standard library is imported before a test asks for a comparison.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from samestep.errors import SamestepError
from samestep.printable import printable

#: Options of a comparison by name, as `samestep.compare` takes them, and ``python``.
Chosen = Mapping[str, object]

TABLE = "[tool.samestep]"
#: What can be chosen for many tests at once, and what its value is. What belongs to a pair of models (a loss,
#: ``convert``, names of layers) stands in the test.
KINDS: dict[str, tuple[type, str]] = {
    "dtypes": (list, "a list of names"),
    "steps": (int, "a whole number"),
    "contract": (str, "a name"),
    "replicas": (int, "a whole number"),
    "seed": (int, "a whole number"),
    "strict": (bool, "true or false"),
    "perturb": (bool, "true or false"),
    "variants": (bool, "true or false"),
    "python": (str, "the path of an interpreter"),
}
#: Where bundles are written, below the project's root folder.
FOLDER = ".samestep"
#: What else a table and a marker may say.
ONLY_IN_TABLE, ONLY_IN_MARKER = "folder", "needs"
#: Replicas with --samestep-quick: those of runs that decide nothing, of which limits are still derived.
QUICK = {"replicas": 12, "variants": False}


@dataclass(frozen=True)
class Settings:
    """What ``[tool.samestep]`` of a project says: options, and the ``folder`` of bundles."""

    chosen: Chosen
    folder: str = FOLDER


def read_settings(root: Path) -> Settings:
    """Return the settings in pyproject.toml of a project's root folder, none where it says nothing.

    Raises `SamestepError` for a file that cannot be read, a key that does not exist and a value of another
    kind.
    """
    path = root / "pyproject.toml"
    table = _table(path)
    where = f"{path}: {TABLE}"
    if not isinstance(table, dict):
        raise SamestepError(f"{where} is no table")
    folder = table.pop(ONLY_IN_TABLE, FOLDER)
    if not isinstance(folder, str) or not folder:
        raise SamestepError(f"{where}: {ONLY_IN_TABLE} = {folder!r} is not the name of a folder")
    return Settings(check_kinds(table, where, (ONLY_IN_TABLE,)), folder)


def _table(path: Path) -> object:
    """What stands under ``[tool.samestep]``."""
    try:
        text = path.read_text(encoding="utf-8")
        if "samestep" not in text:
            return {}
        import tomllib  # takes longer than all the rest where no project says anything

        return tomllib.loads(text).get("tool", {}).get("samestep", {})
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise SamestepError(f"{path} cannot be read: {printable(str(error))}") from error


def check_kinds(chosen: Chosen, where: str, beside: Iterable[str] = ()) -> Chosen:
    """Return the options, where each is known and of its kind. Raises `SamestepError` for one that is not."""
    names = [*KINDS, *beside]
    for name, value in chosen.items():
        if name not in KINDS:
            from samestep.nearest_name import did_you_mean

            hint = did_you_mean(name, names) or f": there are {', '.join(names)}"
            raise SamestepError(f"{where} has no option {printable(name)!r}{hint}")
        kind, words = KINDS[name]
        right = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
        if not right and not (name == "dtypes" and isinstance(value, str | tuple)):
            raise SamestepError(f"{where}: {name} = {value!r} is not {words}")
    return {name: tuple(value) if isinstance(value, list) else value for name, value in chosen.items()}


def check_values(chosen: Chosen, where: str) -> None:
    """Raise `SamestepError` for a value that `samestep.compare` would not take, naming where it stands."""
    from samestep.models.options import at_least, contract_of, dtypes_of
    from samestep.models.subject import ModelError

    least = {"steps": 1, "replicas": 8, "seed": 0}
    try:
        for name, value in chosen.items():
            if name == "contract":
                contract_of(str(value))
            elif name == "dtypes":
                dtypes_of(value)
            elif name in least:
                at_least(value, least[name], name)
    except ModelError as error:
        raise SamestepError(f"{where}: {error}") from error
