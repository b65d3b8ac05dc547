"""The words in which stories about modals are told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from playwright.async_api import Browser, Locator, expect

from bot.demo.world import World
from tests.browser.visit import Visit, visiting


class Play:
    """A visit, and the words in which these stories are told."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self.page = visit, visit.page
        self.form = visit.page.locator("dialog#modal")

    async def digest(self) -> Locator:
        """The morning's digest, in #patch-news."""
        self.visit.scene.world.clock.advance(timedelta(minutes=30))
        await self.visit.goes("# patch-news")
        message = self.visit.saying("failed patching attempts")
        await expect(message).to_be_visible(timeout=10_000)
        return message

    async def beside(self, digest: Locator, application: str, button: str) -> Locator:
        """The form behind a button of an application's group in the digest."""
        group = digest.locator(".actions", has=self.page.get_by_role("button", name=button))
        heads = digest.locator(".section + .actions").locator("xpath=preceding-sibling::*[1]")
        place = next(nth for nth, words in enumerate(await heads.all_inner_texts()) if words.startswith(application))
        await group.nth(place).get_by_role("button", name=button).click()
        return self.form

    async def press(self, name: str) -> None:
        await self.form.get_by_role("button", name=name, exact=True).click()

    async def titled(self, title: str, words: str = "") -> None:
        """Waits until the form says so."""
        await expect(self.form).to_have_accessible_name(title)
        await expect(self.form).to_contain_text(words, timeout=10_000)

    async def clears(self, boxes: Locator) -> None:
        """Takes every tick away."""
        ticked = boxes.get_by_role("checkbox", checked=True)
        for _ in range(await ticked.count()):
            await ticked.first.uncheck()
        await expect(ticked).to_have_count(0)

    async def card(self, typed: str, asked: str = "bob") -> Locator:
        """The card of a request that somebody typed, in #patch-approvals."""
        await self.visit.scene.world.slack.says(asked, typed)
        await self.visit.goes("# patch-approvals")
        card = self.visit.saying("Waiting for approval")
        await expect(card).to_be_visible(timeout=10_000)
        return card

    async def finds(self, label: str, typed: str, option: str) -> None:
        """Types into a field that looks things up, and takes what is found with the keyboard."""
        field = self.form.get_by_label(label)
        await field.press_sequentially(typed)
        await expect(self.form.get_by_role("option").first).to_contain_text(option)
        await field.press("Enter")

    async def ends(self) -> None:
        await expect(self.form).to_be_hidden(timeout=10_000)


@asynccontextmanager
async def playing(browser: Browser, world: World | None = None) -> AsyncIterator[Play]:
    async with visiting(browser, world=world) as visit:
        yield Play(visit)
