"""The tests' own ground: a visit sees what must not happen."""

from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.browser.visit import visiting

MISDEEDS: list[tuple[Any, str, str]] = [  # the event to wait for, what is done, what the visit says of it
    ("console", "() => void fetch('http://127.0.0.1:1/').catch(() => {})", "Content Security Policy"),
    ("console", "() => document.body.setAttribute('style', 'color: red')", "Applying inline style"),
    ("console", "() => void fetch('/nowhere')", "status of 404"),
    ("pageerror", "() => void setTimeout(() => { throw new Error('a slip') })", "a slip"),
    ("request", "() => { location = 'http://127.0.0.1:1/there' }", "http://127.0.0.1:1/there"),
]


async def test_two_people_use_the_page_in_one_window(browser: Browser) -> None:
    async with visiting(browser) as visit:
        await visit.types("/patches help")
        await expect(visit.saying("What you can type")).to_be_visible()
        await visit.becomes("Ann")
        await expect(visit.saying("What you can type")).to_have_count(0)
        await visit.goes("# patch-approvals")
        await expect(visit.page.get_by_text("Nothing here yet.")).to_be_visible()


async def test_what_a_page_must_not_do_is_told_when_the_visit_ends(browser: Browser) -> None:
    with pytest.raises(AssertionError) as caught:
        await _misbehaves(browser)
    for *_, told in MISDEEDS:
        assert told in str(caught.value)


async def _misbehaves(browser: Browser) -> None:
    async with visiting(browser) as visit:
        for event, deed, _ in MISDEEDS:
            async with visit.page.expect_event(event):
                await visit.page.evaluate(deed)
