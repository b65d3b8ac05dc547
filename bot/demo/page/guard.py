"""Who may talk to the page: this computer's own browser, from the page itself.

A site elsewhere can make a browser send requests to 127.0.0.1. By name (DNS rebinding) its requests carry a foreign
Host; from its own pages a foreign Origin, or with none named, a Sec-Fetch-Site of elsewhere. All are refused.
"""

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.demo.page.wish import refusal

HTTP_PORT = 80  # clients leave it out of Host
OWN = (None, "same-origin", "none")  # Sec-Fetch-Site: not a browser, the page itself, typed by hand
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses foreign hosts and origins with 403 and a sentence, as a deed is refused."""
    why = objection(request)
    return refusal(403, why) if why else await handler(request)


async def dressed(_request: web.Request, response: web.StreamResponse) -> None:
    """Puts the headers on an answer that is about to be sent, whatever it is."""
    response.headers.update(HEADERS)


def objection(request: web.Request) -> str:
    """Why the request is none of the page's own; empty when it is."""
    socket = request.transport.get_extra_info("sockname") if request.transport else None
    if request.host not in hosts(socket[1] if socket else 0):
        return "this page answers to 127.0.0.1 and localhost only"
    if request.path.startswith("/api/") and not _own(request):
        return "only the page itself may do that"
    return ""


def hosts(port: int) -> set[str]:
    """What a client that means this page may say in Host."""
    bare = {"127.0.0.1", "localhost"}
    return {f"{name}:{port}" for name in bare} | (bare if port == HTTP_PORT else set())


def _own(request: web.Request) -> bool:
    """A browser names the Origin of every POST, so one without is no page's; with a GET it need not."""
    origin = request.headers.get("Origin")
    if request.method in ("GET", "HEAD") and origin is None:
        return request.headers.get("Sec-Fetch-Site") in OWN
    return origin == f"http://{request.host}"
