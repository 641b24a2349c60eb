"""What holds for all comparisons of one run of pytest: the project's settings, and the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from samestep.errors import SamestepError
from samestep.testing.settings import QUICK, Settings, read_settings

#: Options that are on or off, each with its help.
SWITCHES = {
    "strict": "what cannot be examined, or lacks its framework, fails",
    "quick": "fewer replicas, and the inputs as given alone: for while you write",
    "explain": "the summary says everything that is known of each comparison",
    "save": "write the bundle of each comparison, not only of those that fail",
}


@dataclass(frozen=True)
class RunOptions:
    """What the project's settings and the command line ask for.

    ``root`` is pytest's root folder and ``started_in`` the folder that it was started in; ``threads`` is the
    number of threads for each comparison, None where it may take all. ``command_line`` holds options of
    comparisons, ``replay`` the file of --samestep-replay, ``document`` that of --samestep-json.
    """

    root: Path
    started_in: Path
    settings: Settings
    command_line: Mapping[str, object] = field(default_factory=dict)
    save: bool = False
    explain: bool = False
    replay: Path | None = None
    document: Path | None = None
    threads: int | None = None

    @property
    def folder(self) -> Path:
        """Where bundles are written."""
        return self.root / self.settings.folder

    @property
    def strict(self) -> bool:
        """Whether what cannot be examined fails, unless a marker or the test says otherwise."""
        return bool({**self.settings.chosen, **self.command_line}.get("strict"))

    def shown(self, path: Path) -> str:
        """Return a path as it is typed in the folder that pytest was started in."""
        inside = path.is_relative_to(self.started_in)
        return str(path.relative_to(self.started_in)) if inside else str(path)


def add_options(parser: pytest.Parser) -> None:
    """Add the options to pytest's command line."""
    group = parser.getgroup("samestep", "samestep: are two models the same function?")
    for name, help_text in SWITCHES.items():
        group.addoption(f"--samestep-{name}", action="store_true", help=help_text)
    group.addoption(
        "--samestep-replay", metavar="FILE",
        help="run the test of a bundle again, on its inputs, seed and random generators",
    )  # fmt: skip
    group.addoption("--samestep-json", metavar="FILE", help="write all comparisons as a JSON document")


def options_of(config: pytest.Config) -> RunOptions:
    """Return what a run asks for. Raises `SamestepError` for settings or a file that cannot be used."""
    chosen: dict[str, object] = {}
    if config.getoption("samestep_quick"):
        chosen |= QUICK
    if config.getoption("samestep_strict"):
        chosen["strict"] = True
    document = _path(config, "json")
    if document is not None and not document.parent.is_dir():
        raise SamestepError(f"--samestep-json {document}: there is no folder {document.parent}")
    return RunOptions(
        config.rootpath,
        config.invocation_params.dir,
        read_settings(config.rootpath),
        chosen,
        config.getoption("samestep_save"),
        config.getoption("samestep_explain"),
        _path(config, "replay"),
        document,
        _threads(config),
    )


def _path(config: pytest.Config, name: str) -> Path | None:
    value = config.getoption(f"samestep_{name}")
    return None if value is None else config.invocation_params.dir / value


def _threads(config: pytest.Config) -> int | None:
    """The processors that fall to one of xdist's workers; None outside of one."""
    about = getattr(config, "workerinput", None)
    if about is None:
        return None
    return max(1, len(os.sched_getaffinity(0)) // int(about["workercount"]))
