"""``/patches digest …`` as it is typed."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import cron, digests
from bot.commands import DigestAdd, DigestList, DigestPause, DigestRemove, kinds, parse
from bot.config.digests import GROUPINGS
from bot.errors import Refused
from bot.model import DeviceKind


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('digest add daily "0 9 * * 1-5"', DigestAdd("daily", "0 9 * * 1-5")),
        ("digest add daily “0 9 * * 1-5” Europe/Berlin", DigestAdd("daily", "0 9 * * 1-5", "Europe/Berlin")),
        ("DIGEST Add daily 0 9 * * 1-5 europe/berlin", DigestAdd("daily", "0 9 * * 1-5", "Europe/Berlin")),
        ('digest add "daily" 0  9 * * MON', DigestAdd("daily", "0 9 * * MON")),
        (
            'digest add acme.x "0 9 * * *" UTC app:"Adobe *" app:Zoom client:Acme* kind:Server by:reason',
            DigestAdd("acme.x", "0 9 * * *", "UTC", ("Adobe *", "Zoom"), ("Acme*",), DeviceKind.SERVER, "reason"),
        ),
        ('digest add x "0 9 * * *" client:A client:A', DigestAdd("x", "0 9 * * *", clients=("A",))),
        ('digest add x "0 * * * *" picture:30d', DigestAdd("x", "0 * * * *", picture=30)),
        ("digest list", DigestList()),
        ("digest list contoso*", DigestList("contoso*")),
        ("digest remove daily", DigestRemove("daily")),
        ("digest pause “daily”", DigestPause("daily", paused=True)),
        ("digest resume DAILY", DigestPause("DAILY", paused=False)),
    ],
)
def test_a_subscription_is_understood(text: str, meant: object) -> None:
    assert parse(text) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("digest add", "A name for the digest is missing"),
        ('digest add "two words" "0 9 * * *"', "`two words` is no name"),
        (f'digest add {"a" * 41} "0 9 * * *"', "is no name"),
        ("digest add daily", "When it is posted is missing"),
        ("digest add daily Europe/Berlin 0 9 * * *", "`Europe/Berlin` is no cron line"),
        ('digest add daily "9:00"', "`9:00` is no cron line: five fields in quotes"),
        ('digest add daily "0 9 * *"', "has 4 fields"),
        ('digest add daily "0 25 * * *"', "is not a cron expression"),
        ('digest add daily "0 9 30 2 *"', "`0 9 30 2 *` never comes."),
        ("digest add daily 0 9 31 2 *", "`0 9 31 2 *` never comes."),
        ('digest add daily "0 9 31 2 8"', "is not a cron expression"),
        ('digest add daily "@daily"', "`@daily` has 1 field; cron needs five"),
        ('digest add daily "* * * * *"', "`* * * * *` comes more than once within an hour"),
        ("digest add daily 0,30 9 * * *", "`0,30 9 * * *` comes more than once within an hour"),
        ('digest add daily "0 9 * * *" picture:7d', "`picture:` is one of `14d`, `30d`."),
        ('digest add daily "0 9 * * *', "quote"),
        ('digest add daily "0 9 * * *" Berlin', "`Berlin` is no time zone, such as `Europe/Berlin`. Did you mean"),
        ('digest add daily "0 9 * * *" UTC UTC', "`UTC` is not understood"),
        ('digest add daily "0 9 * * *" ap:Zoom', "Did you mean `app:`?"),
        ('digest add daily "0 9 * * *" app: Zoom', "`app:` needs a value right behind the colon"),
        ('digest add daily "0 9 * * *" kind:laptop', "`kind:` is one of `server`, `workstation`."),
        ('digest add daily "0 9 * * *" kind:sever', "Did you mean `kind:server`?"),
        ('digest add daily "0 9 * * *" by:app by:app', "`by:` is given twice"),
        ("digest remove", "The name of the digest is missing"),
        ("digest pause", "The name of the digest is missing"),
        ("digest subscribe daily", "`subscribe` is not understood"),
        ("digest remov daily", "Did you mean `remove`?"),
    ],
)
def test_what_is_not_understood_is_refused_with_the_form(text: str, said: str) -> None:
    with pytest.raises(Refused) as caught:
        parse(text)
    assert said in caught.value.sentence
    assert "Nothing was done." in caught.value.sentence


@given(st.text("0123456789*/-,\" ':abcUT", max_size=40))
def test_whatever_is_typed_gives_a_plan_that_comes_or_a_sentence(text: str) -> None:
    try:
        wish = parse(f"digest add daily {text}")
    except Refused:
        return
    assert isinstance(wish, DigestAdd)
    assert cron.check(wish.cron, wish.timezone) is None
    assert not cron.often(wish.cron)


def test_what_can_be_typed_can_be_configured() -> None:
    assert get_args(kinds.By) == get_args(digests.By) == GROUPINGS
