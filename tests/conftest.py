"""What a missing framework means for a test: a skip with its reason, or a failure where it was asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from samestep.catalog.catalog import Catalog

#: Property tests draw the same examples each time, and keep none.
settings.register_profile("samestep", derandomize=True, deadline=None, database=None)
settings.load_profile("samestep")


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog()


@pytest.fixture(scope="session")
def need(catalog: Catalog) -> Callable[[str], None]:
    """Skips where a framework is missing; fails where SAMESTEP_REQUIRE names it (torch,jax or all)."""

    def check(framework: str) -> None:
        reason = catalog.missing(framework)
        required = os.environ.get("SAMESTEP_REQUIRE", "").split(",")
        if reason and {"all", framework} & set(required):
            pytest.fail(f"{reason} (SAMESTEP_REQUIRE asks for it)")
        if reason:
            pytest.skip(reason)

    return check


@pytest.fixture
def one_thread() -> Iterator[None]:
    """PyTorch with one thread: small operations take longer to share out than to do."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
