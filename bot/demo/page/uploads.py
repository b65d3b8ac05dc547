"""Files that stand in messages, for whoever sees the message."""

from collections.abc import Iterator

from aiohttp import web

from bot.demo.page import screen
from bot.demo.setting import Setting
from bot.demo.slack import User
from bot.demo.slack.model import Upload

SHOWN = frozenset({"image/png"})  # anything else is saved, never shown by the browser


class Uploads:
    """``GET /api/files/ID?as=USER``: the bytes, or 404."""

    def __init__(self, scene: Setting) -> None:
        self._space = scene.world.slack.space

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/files/{id}", self._serve)]

    async def _serve(self, request: web.Request) -> web.Response:
        people = {person.id: person for person in screen.actors(self._space)}
        person = people.get(request.query.get("as", ""))
        found = [file for file in self._seen(person) if file.id == request.match_info["id"]] if person else []
        if not found:
            raise web.HTTPNotFound(text="There is no such file here.\n")
        file = found[0]
        saved = {} if file.mime in SHOWN else {"Content-Disposition": "attachment"}
        return web.Response(body=file.content, content_type=file.mime, headers=saved)

    def _seen(self, person: User) -> Iterator[Upload]:
        for message in self._space.visible(person.id):
            yield from message.files
