"""What a missing framework means for a test, and the order in which files of tests are shared out.

It means a skip with its reason, or a failure where it was asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from samestep.catalog.catalog import Catalog

#: Property tests draw the same examples each time, and keep none.
settings.register_profile("samestep", derandomize=True, deadline=None, database=None)
settings.load_profile("samestep")

#: The files that take longest, so that none of them is begun last, when the other workers have nothing left.
LONGEST = (
    "test_cells.py", "models/test_ports.py", "tutorials/test_nn_variants.py", "report/test_page.py",
    "agreement/examination/test_stages.py", "jobs/test_gpu.py", "tutorials/test_fashion.py",
    "report/test_page_browser.py", "conventions/test_conventions.py", "models/keras/test_backends.py",
    "tutorials/test_published_values.py", "agreement/test_faults.py", "tutorials/test_quadratic_fit.py",
    "tutorials/test_autoencoder.py", "report/test_pictures.py", "test_examples.py", "commands/test_run.py",
    "test_install.py", "test_readme.py", "jobs/test_cheats.py", "tutorials/test_dynamic_net.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


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
