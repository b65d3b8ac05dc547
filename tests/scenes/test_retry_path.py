"""From a request to installed patches, and everybody who says no on the way."""

from datetime import timedelta
from pathlib import Path

from tests.scenes.stage import nothing_left, staged


async def test_a_request_approved_by_somebody_else_is_sent_once_and_followed_to_installed(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        answer = await stage.asks("bob", "/patches retry 1001 4,5 the browser is out of date")
        assert "Request #1 is made" in answer.plain
        assert "4,5" in answer.plain
        assert "the browser is out of date" in answer.plain
        assert stage.card.buttons == ["Approve", "Deny", "Withdraw"]
        assert stage.retries == []

        await stage.clicks("ann", "Approve", stage.card)
        assert stage.retries == [(1001, (4, 5))]
        assert stage.card.buttons == []
        assert "Queued by N-sight" in stage.card.plain

        stage.world.patches_install()
        await stage.later(timedelta(minutes=15))
        assert "Finished" in stage.card.plain
        assert "installed" in stage.card.plain
        assert any("Finished" in said for said in stage.direct("bob"))
        assert nothing_left(stage) == []
