"""A visit to the demo's page: a scene of its own, a fresh browser profile, and what must not happen there."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, StorageState, expect

from bot.demo import setting
from bot.demo.page import hosted
from bot.demo.setting import Setting
from bot.demo.world import World

Scheme = Literal["light", "dark"]
PATIENCE = 15_000  # milliseconds
WIDE, NARROW = (1280, 800), (400, 800)


@dataclass(slots=True)
class Visit:
    """One person's window on the page. ``scene.world`` is the world behind it, whose clock stands still."""

    page: Page
    scene: Setting
    address: str
    faults: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expects(self, words: str) -> None:
        """A fault with these words is part of the story, for instance ``status of 409``."""
        self.expected.append(words)

    async def types(self, text: str) -> None:
        """Types it below the messages and sends it with Enter."""
        composer = self.page.get_by_label("Message or slash command")
        await composer.fill(text)
        await composer.press("Enter")

    async def becomes(self, name: str) -> None:
        """Acts as somebody else from here on, for instance ``Ann``."""
        person = self._beside("#people button", name)
        await self._reached(person)
        await expect(person).to_have_attribute("aria-pressed", "true")

    async def goes(self, place: str) -> None:
        """Looks at a channel or at one of the app's places, by what it is called at the side."""
        there = self._beside(":is(#channels, #apps) button", place.removeprefix("# "))
        await self._reached(there)
        await expect(there).to_have_attribute("aria-current", "page")

    def saying(self, words: str) -> Locator:
        """The newest message on the screen with these words."""
        return self.page.locator("article.message").filter(has_text=words, visible=True).last

    def _beside(self, buttons: str, name: str) -> Locator:
        """What stands at the side under a name, also while that is a closed drawer, where nothing has a role."""
        named = self.page.locator(".name").filter(has_text=re.compile(rf"^{re.escape(name)}$"))
        return self.page.locator(buttons).filter(has=named)

    async def _reached(self, node: Locator) -> None:
        """Presses what stands at the side, which is a drawer on narrow screens."""
        drawer = self.page.locator("#side-open")
        if await drawer.is_visible() and not await node.is_visible():
            await drawer.click()
        await node.click()


@asynccontextmanager
async def visiting(
    browser: Browser,
    scheme: Scheme = "light",
    size: tuple[int, int] = WIDE,
    *,
    world: World | None = None,
    guide: bool = False,
) -> AsyncIterator[Visit]:
    """The page as somebody in Berlin opens it for the first time; without ``guide``, past its first minute.

    At the end nothing may have gone wrong unseen: no word on the console, no error, nothing that the content security
    policy forbids, no request to anybody else, and nothing that the services would not take.
    """
    async with (
        setting.opened(world=world, cron="0 9 * * *", every="15m", tick=0.2) as scene,
        hosted(scene) as address,
        _profile(browser, address, scheme, size, guide) as profile,
    ):
        visit = Visit(await profile.new_page(), scene, address)
        visit.page.set_default_timeout(PATIENCE)
        _watch(visit)
        await visit.page.goto(f"{address}/")
        await expect(visit.page.get_by_role("button", name="helpdesk", include_hidden=True).first).to_be_attached()
        yield visit
        faults = [fault for fault in visit.faults if not any(words in fault for words in visit.expected)]
        assert not faults, faults
        assert not scene.world.violations, scene.world.violations


@asynccontextmanager
async def _profile(
    browser: Browser, address: str, scheme: Scheme, size: tuple[int, int], guide: bool
) -> AsyncIterator[BrowserContext]:
    profile = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        locale="en-GB",
        timezone_id="Europe/Berlin",
        reduced_motion="reduce",
        storage_state=None if guide else _experienced(address),
    )
    try:
        yield profile
    finally:
        await profile.close()


def _experienced(address: str) -> StorageState:
    """What guide.js keeps of somebody who is through with the first minute."""
    return {"origins": [{"origin": address, "localStorage": [{"name": "guide", "value": "done"}]}]}


def _watch(visit: Visit) -> None:
    """Notes what must not happen. A breach of the content security policy is told on the console."""

    def console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            visit.faults.append(f"console: {message.text}")

    def request(request: Request) -> None:
        if not request.url.startswith((f"{visit.address}/", "blob:")):
            visit.faults.append(f"request: {request.url}")

    visit.page.on("console", console)
    visit.page.on("pageerror", lambda error: visit.faults.append(f"error: {error}"))
    visit.page.on("request", request)
