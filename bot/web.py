"""What BOT_HTTP serves: health, readiness, metrics and, in HTTP mode, Slack's requests."""

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

from bot.errors import ConfigError

log = structlog.get_logger()

MAX_REQUEST = 1024 * 1024  # bytes; Slack's payloads are some kilobytes
LAST_REQUESTS = 2.0  # seconds that requests in work get when the server closes; aiohttp's usual minute outlasts a stop


class Server:
    """Serves from ``start`` to ``close``. ``unready`` gives the reasons why the bot cannot work, none when it can;
    ``troubles`` what is worth knowing beside them; ``figures`` what Prometheus scrapes."""

    def __init__(
        self,
        figures: Callable[[], Awaitable[bytes]],
        unready: Callable[[], Awaitable[list[str]]],
        troubles: Callable[[], list[str]],
        slack_app: AsyncApp | None,
    ) -> None:
        self._figures, self._unready, self._troubles, self._slack_app = figures, unready, troubles, slack_app
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Raises ConfigError when the address cannot be used."""
        app = web.Application(client_max_size=MAX_REQUEST)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics_text)
        if self._slack_app is not None:
            app.router.add_post("/slack/events", self._slack)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_REQUESTS)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self.close()
            raise ConfigError([f"BOT_HTTP: {host}:{port} cannot be used ({error.strerror or error})"]) from None
        self.port = int(self._runner.addresses[0][1])

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        reasons = await self._unready()
        lines = [*(reasons or ["ready"]), *self._troubles()]
        return web.Response(text="".join(f"{line}\n" for line in lines), status=503 if reasons else 200)

    async def _metrics_text(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=await self._figures(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    async def _slack(self, request: web.Request) -> web.Response:
        if self._slack_app is None:
            raise web.HTTPNotFound
        if not _readable(request):
            return web.Response(status=401)
        try:
            answer = await self._slack_app.async_dispatch(await to_bolt_request(request))
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            # Bolt reads the body before it checks the signature, so anybody can send it rubbish.
            log.info("http.rubbish", error=type(error).__name__)
            return web.Response(status=400)
        return await to_aiohttp_response(answer)


def _readable(request: web.Request) -> bool:
    """Whether Bolt's check of the signature can be asked: it fails on a time that is no number, with a traceback."""
    at, signature = (request.headers.get(f"X-Slack-{name}", "0") for name in ("Request-Timestamp", "Signature"))
    return at.isascii() and at.isdigit() and len(at) < 13 and signature.isascii()
