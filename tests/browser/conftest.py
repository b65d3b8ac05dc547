"""A Chromium that the tests of this folder share; with xdist each worker that gets one of them has its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser import chromium
from tests.browser.needs import lacking
from tests.browser.visit import PATIENCE

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Playwright belongs to the loop it was started on, so whoever uses the shared one runs there too."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium; tests that ask for it are skipped where there is none."""
    async with AsyncExitStack() as stack:
        try:
            one = await stack.enter_async_context(chromium.launched())
        except LookupError as error:
            lacking("browser", str(error))
        expect.set_options(timeout=PATIENCE)
        yield one
