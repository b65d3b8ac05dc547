"""What is secret by its name or shape is hidden in the log and on the demo's page alike."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import log
from bot.demo.page.masks import HIDDEN, masked
from bot.redaction import NAMES, Redaction

TELLING = [
    "https://hooks.slack.com/commands/T1/2/LEAKED",
    "https://files.slack.com/upload/v1/LEAKED",
    "posted to response_url='http://127.0.0.1:80/commands/LEAKED'",
    '{"response_url": "http://127.0.0.1/LEAKED"}',
    '{"upload_url": "https://files.slack.com/upload/v1/LEAKED"}',
    "GET https://rmm.example/api/?apikey=LEAKED&service=list_clients",
    "next=%2Fapi%3Fapikey%3DLEAKED%26service%3Dlist_clients",
    "next=%252Fapi%253Fapikey%253DLEAKED%2526service%253Dlist_clients",
    "Authorization: Bearer LEAKED.part-two",
    "authorization: Basic LEAKED\nand more",
    "Authorization: LEAKED of another kind, LEAKED too",
    '{"Authorization": "Digest name=\\"x\\", response=\\"LEAKED\\""}',
    "Cookie: a=LEAKED; b=LEAKED",
    "authorization=Basic LEAKED",
    'Authorization: Digest a="m", response="LEAKED"',
    'Authorization: Bearer "LEAKED"',
    "NSIGHT_API_KEY=LEAKED",
    "ESET_PASSWORD: LEAKED",
    "X-Api-Key: LEAKED",
    "bearer LEAKED~+/=",
    "xoxb-1-LEAKED and more",
    "xoxe.xoxp-1-LEAKED",
    "xapp-1-A-LEAKED",
    "refused: eyJhbGciOiJub25lIn0.eyJLEAKED.LEAKED",
    '{"access_token": "LEAKED", "refresh_token": "LEAKED"}',
    '{"access_token":"two words\\"LEAKED, LEAKED"}',
    r'{"metadata": "{\"access_token\": \"a=b, LEAKED\", \"n\": 1}"}',
    "{'password': \"it's LEAKED\"}",
    '{"password": 1234, "secret": LEAKED}',
    '{"password": "cut off within LEAKED',
    "Session(token='two words, LEAKED', at=1)",
    "password : LEAKED",
    "password=a,LEAKED;LEAKED<LEAKED",
    "grant_type=password&username=a&password=LEAKED",
    "wss://wss-primary.slack.com/link/?ticket=LEAKED&app_id=1",
    "postgresql+psycopg://bot:LEAKED@db/patches",
    *(f"{name}=LEAKED" for name in sorted(NAMES)),
    *(f'{{"{name.title()}": "LEAKED"}}' for name in sorted(NAMES)),
]
PLACES: dict[str, tuple[Callable[[str], str], str]] = {
    "in the log": (log.Redactor([]).text, log.MASK),
    "on the page": (lambda text: masked(text, []), HIDDEN),
}


def test_of_a_text_that_is_cut_off_within_quotes_no_other_line_is_hidden() -> None:
    hide, mask = PLACES["in the log"]
    assert hide("it's the password='s fault\nline 2") == f"it's the password='{mask}'\nline 2"


@pytest.mark.parametrize("text", ["eyJ-", "\\", "password='", 'token="', "Bearer ", "://", "a@", "%3D", "ticket%3D"])
def test_however_long_a_text_is_it_takes_no_time(text: str) -> None:
    """Generous: 100 kB take milliseconds; to look at each place from each other one takes many seconds."""
    began = time.process_time()
    PLACES["on the page"][0](text * (100_000 // len(text)))
    assert time.process_time() - began < 2


@pytest.mark.parametrize("text", TELLING)
@pytest.mark.parametrize("place", PLACES)
def test_what_looks_like_a_secret_is_hidden(text: str, place: str) -> None:
    hide, mask = PLACES[place]
    assert mask in hide(text)
    assert "LEAKED" not in hide(text)
    assert hide(hide(text)) == hide(text)


@pytest.mark.parametrize(
    "text",
    [
        "nothing to hide",
        "SRV-DC01, ticket: 4711, a new token: none, cookie banner, the secret of it",
        "https://slack.com/archives/C1/p2?thread_ts=1.2&cid=C1",
        '{"type": "section", "text": {"text": "Password Safe 1.2: Download failed"}}',
        "token_type=bearer&expires_in=3600&nextPageToken=abc",
        "eyJ stands for nothing",
    ],
)
@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_secret_stays(text: str, place: str) -> None:
    hide, _ = PLACES[place]
    assert hide(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("response_url=https://hooks.slack.com/commands/T1/2/x", "response_url=https://hooks.slack.com/#"),
        ('"response_url": "http://127.0.0.1:1/respond/x"', '"response_url": "http://127.0.0.1:1/respond/#"'),
        ('"upload_url": "http://127.0.0.1:1/upload/v1/x"', '"upload_url": "http://127.0.0.1:1/upload/v1/#"'),
        ('"upload_url": "http://127.0.0.1:1/Secret/x"', '"upload_url": "http://127.0.0.1:1/#"'),
        ("password=http://127.0.0.1/respond/x", "password=#"),
        ("postgresql://bot:x@db/patches", "postgresql://#@db/patches"),
        ("Authorization: Basic x\nHost: y", "Authorization: Basic #\nHost: y"),
    ],
)
def test_what_is_around_a_secret_stays(text: str, shown: str) -> None:
    assert Redaction([], "#").text(text) == shown


def test_the_longest_known_secret_is_hidden_whole() -> None:
    assert Redaction(["abc", "abcdef", ""], "#").text("abcdef, abc; password=xabcy") == "#, #; password=#"


@given(st.text(alphabet="password=: &%3D{}\\", max_size=60), st.sampled_from(["", '"', "'", r"\"", r"\'"]))
def test_whatever_stands_before_it_what_has_a_name_is_hidden(before: str, quote: str) -> None:
    assert "LEAKED" not in Redaction([], "#").text(f"{before} api_key={quote}LEAKED{quote}")
