"""Which Chromium the page is looked at with."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Playwright, async_playwright

NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
)
# Debian's runs as root in CI, and asks the network for nothing.
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """A headless Chromium. LookupError, with what to do about it, when there is none."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_found(playwright), args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


def _found(playwright: Playwright) -> str:
    """The one that CHROMIUM names, else one on the PATH, else Playwright's own.

    The shell draws the same, and takes a third of the processor time of a whole Chromium.
    """
    told = os.environ.get("CHROMIUM")
    on_path = (shutil.which(name) for name in NAMES)
    own = playwright.chromium.executable_path
    for path in (told, *on_path, own):
        if path and Path(path).exists():
            return path
    raise LookupError("no Chromium: install one, name it in CHROMIUM, or run `playwright install chromium`")
