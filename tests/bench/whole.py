"""The whole bot as the benchmarks run it: what ``bot run`` does, with its HTTP port on the first line of output."""

import asyncio
import os

from bot import log
from bot.app import running
from bot.config import load


async def main() -> None:
    config = load(os.environ)
    log.configure("json", "error", config.secrets())
    async with running(config) as bot:
        await bot.ready()
        print(bot.http_port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
