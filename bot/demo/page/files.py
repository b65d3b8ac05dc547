"""The page's own files, read once from the package."""

from importlib import resources

from aiohttp import web

TYPES = {
    "index.html": "text/html",
    "style.css": "text/css",
    "app.js": "text/javascript",
    "blocks.js": "text/javascript",
    "mrkdwn.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


class Files:
    """Serves exactly the files of ``TYPES``; any other path is a 404."""

    def __init__(self) -> None:
        folder = resources.files("bot.demo.page") / "assets"
        self._bodies = {name: (folder / name).read_bytes() for name in TYPES}

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/", self._serve), *(web.get(f"/{name}", self._serve) for name in TYPES)]

    async def _serve(self, request: web.Request) -> web.Response:
        name = request.path.removeprefix("/") or "index.html"
        return web.Response(body=self._bodies[name], content_type=TYPES[name], charset="utf-8")
