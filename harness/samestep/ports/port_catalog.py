"""A catalog in which port files are workloads beside those of folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from samestep.catalog.catalog import Catalog
from samestep.catalog.ladder import Implementation
from samestep.catalog.roots import WORKLOAD_NAME, written
from samestep.errors import SamestepError
from samestep.ports.port_file import PortFile
from samestep.ports.reading import load
from samestep.ports.workload import implementation_of, spec_of
from samestep.spec import Spec


class PortCatalog(Catalog):
    """The contents of folders, and port files, each a workload that has the name of the file."""

    def __init__(self, folders: Sequence[Path], ports: Sequence[Path]) -> None:
        super().__init__(folders)
        self.ports: dict[str, PortFile] = {}
        for path in dict.fromkeys(port.resolve() for port in ports):
            self._check_name(path)
            self.ports[path.stem] = load(path)
        self._specs = {name: spec_of(port) for name, port in self.ports.items()}
        self.workloads = tuple(sorted({*self.workloads, *self.ports}))
        self.of_own_folders = tuple(sorted({*self.of_own_folders, *self.ports}))

    def _check_name(self, path: Path) -> None:
        name = path.stem
        if not WORKLOAD_NAME.fullmatch(name):
            raise SamestepError(f"{written(path)}: rename the file to letters, digits, _ and -")
        if name in self.ports:
            raise SamestepError(
                f"{written(path)} and {written(self.ports[name].path)} have one name: rename one"
            )
        if name in self.workloads:
            raise SamestepError(f"{written(path)}: {name} is the name of a workload, too: rename the file")

    def is_port(self, workload: str) -> bool:
        """Return whether a workload is a port file."""
        return workload in self.ports

    def judged_in(self, workload: str) -> tuple[str, ...]:
        """Return the framework of a port file's reference; none of another workload."""
        port = self.ports.get(workload)
        return (port.reference.framework,) if port else ()

    def takes_weights(self, workload: str, implementation: str) -> bool:
        """Return whether an implementation is made with the weights of its port file's reference."""
        port = self.ports.get(workload)
        return port is not None and port.side(implementation).takes_params

    def specification(self, workload: str) -> Path:
        """Return the file of a workload's spec, which is all of a port file."""
        port = self.ports.get(workload)
        return port.path if port else super().specification(workload)

    def spec(self, workload: str) -> Spec:  # type: ignore[override]  # the cache of the other is its own
        """Return the spec of a workload."""
        return self._specs.get(workload) or super().spec(workload)

    def read_again(self, workload: str) -> Spec:
        """Return the spec of a workload from another run of its file."""
        port = self.ports.get(workload)
        return spec_of(load(port.path)) if port else super().read_again(workload)

    def _check(self, workload: str) -> None:
        if workload not in self.ports:
            super()._check(workload)

    def implementations(self, workload: str) -> tuple[Implementation, ...]:  # type: ignore[override]
        """Return all implementations of a workload; of a port file first the reference."""
        port = self.ports.get(workload)
        if port is None:
            return super().implementations(workload)
        sides = (port.reference, *port.candidates)
        return tuple(implementation_of(port, workload, side) for side in sides)

    def unreadable(self, workload: str) -> dict[str, SamestepError]:
        """Return the files of a workload that are not Python."""
        return {} if workload in self.ports else super().unreadable(workload)

    def load(self, implementation: Implementation, weights: Path | None = None, seed: int = 0) -> ModuleType:
        """Import an implementation; of a port file it is the model, as the functions of a module."""
        port = self.ports.get(implementation.workload)
        if port is None:
            return super().load(implementation)
        from samestep.ports.timing import timed_module  # with the engines, which only a worker needs

        return timed_module(port, implementation.name, weights, seed)
