"""N-sight wants its key in the address: it stays out of every log line, error, answer and traceback."""

import asyncio
import subprocess
import sys
import traceback

import pytest
from structlog.testing import capture_logs

from tests.nsight_script import (
    CLIENTS,
    FAIL,
    HASTY,
    HTML,
    KEY,
    Act,
    failing,
    reply,
    reset,
    silence,
    talking_to,
    upstream,
)

ECHO = FAIL.replace(b"Invalid value: patchids", f"No apikey={KEY.replace('&', '&amp;')}".encode())
LOUD = """
import asyncio, logging, sys
logging.basicConfig(level=logging.DEBUG)
for name in ("httpx", "httpcore", "asyncio"):
    logging.getLogger(name).setLevel(logging.DEBUG)
from bot.clients.nsight import Nsight, Pace
from bot.errors import UpstreamError

async def main():
    client = Nsight(sys.argv[1], sys.argv[2], "agent", pace=Pace(backoff_first=0.001, backoff_most=0.01))
    print(client, repr(client), await client.clients())
    for _ in range(3):
        print(await client.retry(1001, [4]))
        try:
            await client.patches(1001)
        except UpstreamError as error:
            logging.exception("failed")
    await client.close()

asyncio.run(main(), debug=True)
"""


async def test_the_key_is_in_no_log_line_even_when_the_http_libraries_are_told_to_log_everything() -> None:
    echo = reply(ECHO)
    async with upstream(reply(CLIENTS), reset, echo, echo, reply(b"", 302, location=f"/?apikey={KEY[:6]}")) as server:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", LOUD, server.url, KEY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        output, _ = await asyncio.wait_for(process.communicate(), 30)

    text = output.decode()
    assert process.returncode == 0, text
    assert "upstream.failed" in text
    assert "Contoso" in text
    assert server.queries[0][0] == ("apikey", KEY)
    for form in (KEY, "s3cret", "0123456789abcdef"):
        assert form not in text


@pytest.mark.parametrize(
    "act", [reset, silence, reply(ECHO), reply(b"", 301, location="/"), reply(HTML), reply(b"", 500)]
)
async def test_the_key_is_in_no_error_answer_or_traceback(act: Act) -> None:
    with capture_logs() as logs:
        async with talking_to(act, pace=HASTY) as (client, server):
            error = await failing(client.patches(1001))
            answer = await client.retry(1001, [4])
            texts = [*traceback.format_exception(error), repr(error), str(vars(error)), repr(answer), repr(client)]

    assert all(dict(query)["apikey"] == KEY for query in server.queries)
    assert len(logs) >= 2
    for text in (*texts, repr(logs)):
        assert "s3cret" not in text


async def test_an_echoed_key_is_blotted_out_and_the_rest_of_the_words_stays() -> None:
    async with talking_to(reply(ECHO)) as (client, _):
        error = await failing(client.patches(1001))
        answer = await client.retry(1001, [4])

    assert error.words == answer.words == "No apikey=***"
