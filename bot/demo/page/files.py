"""The page's own files, read once from the package."""

from importlib import resources
from importlib.resources.abc import Traversable

from aiohttp import web

KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
FIRST = "index.html"


class Files:
    """Serves exactly the files below ``assets``, by their paths there, and its ``index.html`` at ``/``; any other path
    is a 404. ``paths``: what there is, e.g. ``js/app.js``."""

    def __init__(self) -> None:
        self._bodies = dict(_below(resources.files("bot.demo.page") / "assets"))

    @property
    def paths(self) -> list[str]:
        return sorted(self._bodies)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/", self._serve), *(web.get(f"/{path}", self._serve) for path in self._bodies)]

    async def _serve(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/") or FIRST
        return web.Response(body=self._bodies[path], content_type=kind(path), charset="utf-8")


def kind(path: str) -> str:
    """The media type of one of the page's files. KeyError for what a page is not made of."""
    return KINDS[path.rpartition(".")[2]]


def _below(folder: Traversable, path: str = "") -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        inside = f"{path}{entry.name}"
        found += _below(entry, f"{inside}/") if entry.is_dir() else [(inside, entry.read_bytes())]
    return found
