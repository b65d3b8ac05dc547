"""The yardstick: Bolt with ``process_before_response`` and one listener that acknowledges and does nothing else."""

import asyncio
import os
import sys

from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp


async def main(mode: str) -> None:
    app = AsyncApp(process_before_response=True)
    if app.client is not None:
        app.client.base_url = os.environ["SLACK_API_URL"]

    @app.command("/patches")
    async def patches(ack: AsyncAck) -> None:
        await ack()

    if mode == "socket":
        await AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"]).connect_async()  # type: ignore[no-untyped-call]
    else:
        runner = web.AppRunner(app.server().web_app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
