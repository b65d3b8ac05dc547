"""The app's Home on the demo's page: opened, kept live, pressed."""

from typing import Any

from tests.test_page import CARDS, HELPDESK, opened

Json = dict[str, Any]


def saying(words: str) -> Any:
    """The Home on the screen once it holds these words."""
    return lambda shown: shown.get("home") if words in str(shown.get("home")) else None


async def test_a_home_is_opened_kept_live_and_pressed() -> None:
    async with opened() as browser:
        await browser.screen("ann", lambda shown: "home" in shown and shown["home"] is None)
        assert (await browser.post("home", "ann"))["failure"] == ""
        home: Json = await browser.screen("ann", saying("Nothing waits for you"))
        await browser.post("say", "bob", channel=HELPDESK, text="/patches retry 1001 4,5 out of date")
        await browser.message("ann", CARDS, "Waiting for approval")
        wish = {"view": home["id"], "block": home["blocks"][0]["block_id"], "action": "home.refresh"}
        await browser.post("press", "ann", **wish)
        home = await browser.screen("ann", saying("1 request waits for you"))
        approve = next(block for block in home["blocks"] if "request.approve" in str(block))
        wish = {"view": home["id"], "block": approve["block_id"], "action": "request.approve"}
        await browser.post("press", "ann", **wish)
        await browser.screen("ann", saying("Nothing waits for you"))
        await browser.message("bob", CARDS, "Queued by N-sight")
        told = await browser.post("press", "bob", 409, **wish)
        assert "no longer" in told["error"], "it is Ann's"
        assert browser.scene.world.violations == []


async def test_the_app_hears_on_which_of_its_tabs_somebody_is() -> None:
    async with opened() as browser:
        for tab in ("messages", "home"):
            await browser.post("home", "ann", tab=tab)
        told = [sent.payload["event"] for sent in browser.scene.world.slack.envelopes if sent.type == "events_api"]
        assert [event["tab"] for event in told] == ["messages", "home"]
        assert browser.scene.world.violations == []
