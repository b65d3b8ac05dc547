"""Who may talk to the page: this computer's own browser, from the page itself.

A site elsewhere can make a browser send requests to 127.0.0.1. By name (DNS rebinding) its requests carry a foreign
Host, from its own pages a foreign Origin; both are refused.
"""

from aiohttp import web
from aiohttp.typedefs import Handler

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
    """Refuses foreign hosts and origins with 403."""
    refuse_strangers(request)
    return await handler(request)


async def dressed(_request: web.Request, response: web.StreamResponse) -> None:
    """Puts the headers on an answer that is about to be sent, whatever it is."""
    response.headers.update(HEADERS)


def refuse_strangers(request: web.Request) -> None:
    """Raises HTTPForbidden. A browser names the Origin of every POST, so one without is no page's."""
    socket = request.transport.get_extra_info("sockname") if request.transport else None
    port = socket[1] if socket else 0
    if request.host not in (f"127.0.0.1:{port}", f"localhost:{port}"):
        raise web.HTTPForbidden(text="This page answers to 127.0.0.1 and localhost only.\n")
    if request.method in ("GET", "HEAD"):
        return
    if request.headers.get("Origin") != f"http://{request.host}":
        raise web.HTTPForbidden(text="Only the page itself may do that.\n")
