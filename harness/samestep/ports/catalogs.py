"""Which words mean port files, and the catalog of folders and port files together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from samestep.catalog.catalog import Catalog


def is_port(word: str | Path) -> bool:
    """Return whether a root, or a word of the command line, means a port file."""
    return str(word).endswith(".py")


def catalog_of(roots: Sequence[Path]) -> Catalog:
    """Return the catalog of roots: folders of workloads, and port files.

    Raises SamestepError where one of them cannot be used.
    """
    ports = [root for root in roots if is_port(root)]
    folders = [root for root in roots if not is_port(root)]
    if not ports:
        return Catalog(folders)
    from samestep.ports.port_catalog import PortCatalog  # for who has port files

    return PortCatalog(folders, ports)
