"""`FakeSlack`: everything put together, on one port, with the switches that tests and the demo turn."""

from copy import deepcopy

from aiohttp import web

from bot.demo.serving import Reply, Server, deliver
from bot.demo.slack.acting import Acting
from bot.demo.slack.api import Api, Tokens
from bot.demo.slack.delivery import Delivered, Errand
from bot.demo.slack.faults import RESPONSE_URL, UPLOAD_URL, SlackFaults
from bot.demo.slack.files import PATH as UPLOADS
from bot.demo.slack.files import Files
from bot.demo.slack.http_sender import Sender
from bot.demo.slack.model import BOT_USER, Call, Channel, User, Usergroup
from bot.demo.slack.shapes import Json
from bot.demo.slack.socket_mode import Sockets
from bot.demo.slack.workspace import Clock, Workspace


class FakeSlack(Acting):
    """A stand-in of Slack; ``clock`` has ``now()`` and dates messages and response_urls.

    ``request_url``: set it to switch to HTTP mode. ``public_url``: set it when a relay stands before this Slack; all
    addresses that are given out then lead through it. ``deliver_twice``: each delivery comes twice. ``patience``:
    seconds until a command or interaction without ack has failed.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(Workspace(clock))
        self.tokens = Tokens()
        self.faults = SlackFaults()
        self.sockets = Sockets(self.space)
        self.files = Files(self.space, self._address)
        self.api = Api(self.space, self.tokens, self.files, self._socket_address)
        self.sender = Sender(self.space, "demo-" + "signing-secret-0123456789abcdef")
        self.request_url: str | None = None
        self.public_url: str | None = None
        self.deliver_twice = False
        self.patience = 3.0
        self._server = Server(self._handle, self.space.violated)
        self.watchers = self._server.watchers
        self.violations, self.refusals = self.space.violations, self.space.refusals
        self.messages, self.calls, self.envelopes = self.space.messages, self.space.calls, self.space.envelopes
        self.on_change = self.space.on_change

    # ---------------------------------------------------------------- life

    async def start(self) -> None:
        """Listen on a free port; after a `stop`, on the same one as before."""
        await self._server.start()

    async def stop(self) -> None:
        """Close every connection, as if Slack went down. Harmless when it is not running."""
        await self.sockets.close()
        await self._server.stop()
        await self.sender.close()

    @property
    def url(self) -> str:
        """The address of this Slack as the bot shall know it."""
        return self.public_url or self._server.url

    def env(self) -> dict[str, str]:
        """The environment that lets the bot find this Slack."""
        return {
            "SLACK_API_URL": f"{self.url}/api/",
            "SLACK_BOT_TOKEN": self.tokens.bot,
            "SLACK_APP_TOKEN": self.tokens.app,
            "SLACK_SIGNING_SECRET": self.sender.secret,
        }

    async def connected(self, count: int = 1, timeout: float = 10) -> None:
        """Return once the bot holds at least ``count`` connections that take envelopes."""
        await self.until(lambda: sum(not c.leaving for c in self.sockets.connections) >= count, timeout)

    # ---------------------------------------------------------------- switches

    @property
    def rate_limits(self) -> bool:
        """Whether Slack asks for its pace (429); off, so that tests run fast."""
        return self.api.pace.on

    @rate_limits.setter
    def rate_limits(self, on: bool) -> None:
        self.api.pace.on = on

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Send a disconnect frame to every connection: "warning", "refresh_requested", "link_disabled"."""
        await self.sockets.disconnect(reason)

    def cut_sockets(self) -> None:
        self.sockets.cut()

    def archive(self, channel: str, *, archived: bool = True) -> None:
        self._altered(channel).archived = archived

    def kick_bot(self, channel: str) -> None:
        self._altered(channel).members.discard(BOT_USER)

    def invite_bot(self, channel: str) -> None:
        self._altered(channel).members.add(BOT_USER)

    def _altered(self, channel: str) -> Channel:
        found = self.space.channel(channel)
        self.space.changed("channel", found)
        return found

    def add(self, thing: User | Channel | Usergroup) -> None:
        """One more person, channel or usergroup; an equal id replaces what there was."""
        if isinstance(thing, User):
            self.space.users[thing.id] = thing
        elif isinstance(thing, Channel):
            self.space.channels[thing.id] = thing
        else:
            self.space.usergroups[thing.id] = thing

    def revoke_scope(self, scope: str) -> None:
        """Take a scope away after the installation; missing it is then no violation."""
        self.tokens.scopes.discard(scope)
        self.tokens.app_scopes.discard(scope)
        self.tokens.revoked.add(scope)

    def grant_scope(self, scope: str) -> None:
        """As when the app is installed anew with one scope more."""
        self.tokens.scopes.add(scope)
        self.tokens.revoked.discard(scope)

    def deactivate(self, user: str) -> None:
        """Close an account: its modals go; like in Slack, usergroups may list it for a while longer."""
        person = self.space.user(user)
        person.deleted = True
        for view in list(self.space.stacks.get(person.id, [])):
            self.space.close_view(view)

    def leaves_group(self, user: str, group: str) -> None:
        self.space.usergroups[group].users.remove(self.space.user(user).id)

    def joins_group(self, user: str, group: str) -> None:
        self.space.usergroups[group].users.append(self.space.user(user).id)

    def free_plan(self) -> None:
        """The workspace falls back to the free plan: usergroups answer plan_upgrade_required."""
        self.space.paid_plan = False

    # ---------------------------------------------------------------- wire

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/link/":
            return await self.sockets.serve(request)
        if request.path.startswith("/respond/"):
            return await self._answer(request, RESPONSE_URL)
        if request.path.startswith(UPLOADS) and request.method == "POST":
            return await self._answer(request, UPLOAD_URL)
        if request.path.startswith("/api/") and request.method in ("GET", "POST"):
            return await self._answer(request, request.path.removeprefix("/api/"))
        self.space.violated(f"{request.method} {request.path[:60]} is no address of Slack's")
        return web.Response(status=404)

    async def _answer(self, request: web.BaseRequest, place: str) -> web.StreamResponse:
        plan = self.faults.met_by(place)
        if plan is not None and not plan.acts:
            await request.read()
            self.calls.append(Call(place, {}, self.space.clock.now(), {"ok": False, "error": str(plan.fault)}))
            self.space.changed("call", self.calls[-1])
            return await deliver(request, plan, Reply(), self._server.stopping)
        if place == RESPONSE_URL:
            reply = self.urls.post(request.path, await request.read())
        elif place == UPLOAD_URL:
            reply = self.files.put(request.path, await request.content.read())
        else:
            reply = await self.api.call(request, place)
        return await deliver(request, plan, reply, self._server.stopping)

    def _socket_address(self) -> str:
        return f"ws{self.url.removeprefix('http')}/link/?{self.sockets.ticket()}"

    def _address(self, path: str) -> str:
        return f"{self.url}{path}"

    async def _deliver(self, kind: str, payload: Json, *, accepts: bool, retry: Json | None = None) -> Delivered:
        errand = Errand(kind, deepcopy(payload), accepts, self.patience, self.deliver_twice, retry or {})
        if self.request_url:
            return await self.sender.deliver(self.request_url, errand)
        return await self.sockets.deliver(errand)
