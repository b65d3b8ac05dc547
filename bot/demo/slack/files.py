"""Files on their way into a channel: announced, uploaded to an address of their own, then shown.

docs.slack.dev/messaging/working-with-files, and the pages of files.getUploadURLExternal and completeUploadExternal.
"""

import secrets
from collections.abc import Callable

from bot.demo.serving import Reply
from bot.demo.slack.methods import ApiError
from bot.demo.slack.model import Call, Upload
from bot.demo.slack.shapes import Json
from bot.demo.slack.workspace import Workspace

PATH = "/upload/v1/"
NAME, ALT = 255, 1000  # characters


class Files:
    """The addresses that files go to. Each takes one file, once."""

    def __init__(self, space: Workspace, address: Callable[[str], str]) -> None:
        self._space, self._address = space, address
        self._open: dict[str, Upload] = {}

    def announced(self, args: Json) -> Json:
        """What files.getUploadURLExternal answers."""
        name, length, alt = str(args["filename"]), str(args["length"]), str(args.get("alt_txt") or "")
        if not length.isdecimal() or not int(length):
            raise ApiError("missing_argument", broken=True, errors=["length"])
        if not 0 < len(name) <= NAME:
            raise ApiError("invalid_arguments", broken=True, errors=["filename"])
        if len(alt) > ALT:
            raise ApiError("alt_txt_too_large", broken=True)
        upload = Upload(self._space.number("F"), name, int(length), alt)
        path = PATH + secrets.token_urlsafe(24)
        self._space.uploads[upload.id] = self._open[path] = upload
        return {"upload_url": self._address(path), "file_id": upload.id}

    def put(self, path: str, content: bytes) -> Reply:
        """What a POST of the bytes answers: 200, or 4xx with the rule that was broken written down."""
        upload = self._open.get(path)
        self._space.calls.append(Call("upload_url", {"bytes": len(content)}, self._space.clock.now(), None))
        self._space.changed("call", self._space.calls[-1])
        if upload is None or upload.content is not None:
            self._space.violated(f"upload to an address that {'was used' if upload else 'never was'}")
            return Reply(404)
        if len(content) != upload.length:
            self._space.violated(f"upload of {len(content)} bytes, announced were {upload.length}")
            return Reply(400)
        upload.content = content
        return Reply(200, f"OK - {len(content)}".encode())
