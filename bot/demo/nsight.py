"""Stand-in of N-sight's Data Extraction API: the four services the bot may use, over the shared fleet.

Answers look like the vendor's (ISO-8859-1 declared, Windows-1252 meant, CDATA, ``<patches>`` root). It is stricter than
the vendor: what the documentation does not allow is refused *and* noted in `Nsight.violations`, which a good client
leaves empty. Source: the vendor's pages on list_clients, list_devices_at_client, patch_list_all and patch_retry.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from aiohttp import web

from bot.demo.clock import Clock
from bot.demo.faults import Fault, Faults, Plan
from bot.demo.fleet import LABELS, Customer, Fleet, FleetPatch, Machine, Site
from bot.demo.serving import FIREWALL, Call, Calls, Reply, Server, Violations, deliver
from bot.model import DeviceKind

REQUIRED = {
    "list_clients": (),
    "list_devices_at_client": ("clientid", "devicetype"),
    "patch_list_all": ("deviceid",),
    "patch_retry": ("deviceid", "patchids"),
}
OPTIONAL = {"list_clients": ("devicetype",)}
DEVICE_TYPES = frozenset({"server", "workstation", "mobile_device"})
NUMBER = re.compile(r"[1-9][0-9]*", re.ASCII)
POLICIES = {1: "Ignore", 2: "Approve", 4: "Do Nothing"}
SEVERITIES = {2: "Low", 3: "Moderate", 4: "Important", 5: "Critical"}
XML = {"Content-Type": "text/xml; charset=ISO-8859-1"}
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a0 "boom">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 11))
    + b"]><result status='OK'><msg>&a10;</msg></result>"
)


@dataclass(frozen=True)
class Retry:
    """A patch_retry that arrived, whatever became of it. ``ids`` as far as they are numbers."""

    device_id: int
    ids: tuple[int, ...]
    at: datetime


class _FailError(Exception):
    """N-sight says FAIL. ``violation``: no well-behaved client gets here."""

    def __init__(self, code: str, words: str, *, violation: bool = False) -> None:
        super().__init__(words)
        self.code, self.words, self.violation = code, words, violation


class Nsight:
    """``faults`` are queued by service; ``calls``, ``retries`` and ``violations`` are what arrived, in order."""

    def __init__(self, fleet: Fleet, clock: Clock, *, api_key: str = "5f0c93e1b7d24a68a1c4e2f97b603d58") -> None:
        self.fleet, self.clock, self.api_key = fleet, clock, api_key
        self.faults = Faults(*REQUIRED)
        self.calls = Calls()
        self.retries: list[Retry] = []
        self.violations = Violations()
        self._server = Server(self._handle, self.violations.note)
        self.watchers = self._server.watchers

    @property
    def url(self) -> str:
        """What NSIGHT_URL is set to."""
        return f"{self._server.url}/api/"

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        """N-sight is down: connections are refused until `start`, which takes the same port again."""
        await self._server.stop()

    def secrets(self) -> list[str]:
        return [self.api_key]

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        pairs = parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)
        self._record({name: value for name, value in pairs if name != "apikey"})
        refusal = self._at_the_gate(request)
        if refusal is not None:
            return refusal.response()
        try:
            params = self._checked(pairs)
        except _FailError as fail:
            return self._failed(fail).response()
        plan = self.faults.take(params["service"])
        return await deliver(request, plan, self._reply(params, plan), self._server.stopping)

    def _record(self, params: dict[str, str]) -> None:
        service, at = params.pop("service", ""), self.clock.now()
        if service == "patch_retry":
            ids = tuple(int(part) for part in params.get("patchids", "").split(",") if part.isdecimal())
            device = params.get("deviceid", "")
            self.retries.append(Retry(int(device) if device.isdecimal() else 0, ids, at))
        self.calls.arrived(Call(service, params, at))

    def _at_the_gate(self, request: web.BaseRequest) -> Reply | None:
        """What is refused before anybody looks at the service: by the firewall, or for its form."""
        agent = request.headers.get("User-Agent", "").strip()
        if not agent or agent.lower().startswith(("python", "aiohttp")):
            return self._violated(f"the firewall blocks the User-Agent {agent!r}", 403, FIREWALL.encode())
        if request.rel_url.raw_path != "/api/":
            return self._violated(f"no such path: {request.rel_url.raw_path}", 404)
        if request.method != "GET":
            return self._violated(f"{request.method} instead of GET", 405)
        if request.body_exists:
            return self._violated("a GET with a body", 400)
        return None

    def _violated(self, sentence: str, status: int, body: bytes = b"") -> Reply:
        self.violations.note(sentence)
        return Reply(status, body, {"Content-Type": "text/html"})

    def _checked(self, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
        """The call's parameters, each once, complete and none too many. Raises _FailError."""
        params = dict(pairs)
        for name, times in Counter(name for name, _ in pairs).items():
            if times > 1:
                raise _FailError("4", f"Parameter given {times} times: {name}", violation=True)
        if params.pop("apikey", "") != self.api_key:
            raise _FailError("3", "Login failed - wrong key or wrong territory", violation=True)
        service = params.get("service", "")
        if service not in REQUIRED:
            raise _FailError("", "Service unknown", violation=True)
        required = REQUIRED[service]
        for name in required:
            if name not in params:
                raise _FailError("5", f"Missing parameter: {name}", violation=True)
        for name in params.keys() - {"service", *required, *OPTIONAL.get(service, ())}:
            raise _FailError("4", f"Unknown parameter: {name}", violation=True)
        if params.get("devicetype", "server") not in DEVICE_TYPES:
            raise _invalid("devicetype", violation=True)
        return params

    def _reply(self, params: dict[str, str], plan: Plan | None) -> Reply:
        """The right answer or, where the fault is one of N-sight's own making, the wrong one."""
        match plan.fault if plan else None:
            case Fault.FAIL if plan:
                return self._failed(_FailError(plan.code, plan.words))
            case Fault.ALREADY:
                return self._ok(_message([], _numbers(params["patchids"], "patchids")))
            case _ if plan and not plan.acts:
                return Reply()
        try:
            reply = self._serve(params)
        except _FailError as fail:
            return self._failed(fail)
        match plan.fault if plan else None:
            case Fault.BOMB:
                return Reply(200, BOMB, XML)
            case Fault.NO_STATUS:
                return Reply(200, reply.body.replace(b' status="OK"', b""), XML)
            case _:
                return reply

    def _serve(self, params: dict[str, str]) -> Reply:
        self.fleet.settle(self.clock.now())
        match params["service"]:
            case "list_clients":
                return self._ok(_items(_client(customer) for customer in self._customers(params.get("devicetype"))))
            case "list_devices_at_client":
                return self._ok(_items([_devices(self._customer(params), params["devicetype"])]))
            case "patch_list_all":
                return _document(f"<patches>{''.join(map(_patch, self._machine(params).patches.values()))}</patches>")
            case _:
                return self._retry(params)

    def _retry(self, params: dict[str, str]) -> Reply:
        machine = self._machine(params)
        ids = _numbers(params["patchids"], "patchids")
        if len(set(ids)) < len(ids):
            raise _invalid("patchids", violation=True)
        if not machine.patches.keys() >= set(ids):
            raise _invalid("patchids")
        return self._ok(_message(*self.fleet.retry(machine, ids, self.clock.now())))

    def _customers(self, devicetype: str | None) -> list[Customer]:
        if devicetype is None:
            return self.fleet.customers
        return [customer for customer in self.fleet.customers if _count(customer, devicetype)]

    def _customer(self, params: dict[str, str]) -> Customer:
        customer = self.fleet.customer(_numbers(params["clientid"], "clientid", most=1)[0])
        if customer is None:
            raise _invalid("clientid")
        return customer

    def _machine(self, params: dict[str, str]) -> Machine:
        machine = self.fleet.machine(_numbers(params["deviceid"], "deviceid", most=1)[0])
        if machine is None:
            raise _invalid("deviceid")
        return machine

    def _ok(self, content: str) -> Reply:
        return self._envelope("OK", content)

    def _failed(self, fail: _FailError) -> Reply:
        if fail.violation:
            self.violations.note(fail.words)
        code = f"<errorcode>{escape(fail.code)}</errorcode>" if fail.code else ""
        return self._envelope("FAIL", f"<error>{code}<message>{escape(fail.words)}</message></error>")

    def _envelope(self, status: str, content: str) -> Reply:
        created = self.clock.now().isoformat(timespec="seconds")
        return _document(f'<result created="{created}" host="127.0.0.1" status="{status}">{content}</result>')


def _invalid(parameter: str, *, violation: bool = False) -> _FailError:
    return _FailError("4", f"Invalid value for parameter: {parameter}", violation=violation)


def _numbers(text: str, parameter: str, *, most: int | None = None) -> list[int]:
    parts = text.split(",")
    if not all(NUMBER.fullmatch(part) for part in parts) or len(parts) > (most or len(parts)):
        raise _invalid(parameter, violation=True)
    return [int(part) for part in parts]


# ---------------------------------------------------------------- words in XML


def _document(xml: str) -> Reply:
    # The declaration says Latin-1, but titles carry Windows-1252's dashes and quotes, as they do in life.
    declared = f'<?xml version="1.0" encoding="ISO-8859-1"?>{xml}'
    return Reply(200, declared.encode("cp1252", errors="replace"), XML)


def _cdata(name: str, text: str) -> str:
    safe = text.replace("]]>", "]]]]><![CDATA[>")
    return f"<{name}><![CDATA[{safe}]]></{name}>"


def _items(rows: Iterable[str]) -> str:
    return f"<items>{''.join(rows)}</items>"


def _message(retried: Sequence[int], already: Sequence[int]) -> str:
    parts = [
        f"{words}: {','.join(map(str, ids))}"
        for words, ids in (("Retrying patches", retried), ("Patches already applied", already))
        if ids
    ]
    return f"<msg>{' '.join(parts)}</msg>"


def _count(customer: Customer, devicetype: str) -> int:
    return 0 if devicetype == "mobile_device" else customer.count(DeviceKind(devicetype))


def _client(customer: Customer) -> str:
    servers, workstations = (customer.count(kind) for kind in DeviceKind)
    return (
        f"<client>{_cdata('name', customer.name)}<clientid>{customer.id}</clientid><view_dashboard>0</view_dashboard>"
        f"<view_wkstsn_assets>0</view_wkstsn_assets>{_cdata('dashboard_username', 'none')}<timezone/>"
        f"<creation_date/><server_count>{servers}</server_count><workstation_count>{workstations}</workstation_count>"
        f"<mobile_device_count>0</mobile_device_count><device_count>{servers + workstations}</device_count></client>"
    )


def _devices(customer: Customer, devicetype: str) -> str:
    """One customer's devices of a type, by site name, then device name; nothing at all when there are none."""
    sites = "".join(_site(site, devicetype) for site in sorted(customer.sites, key=lambda site: site.name))
    return f"<client><id>{customer.id}</id>{_cdata('name', customer.name)}{sites}</client>" if sites else ""


def _site(site: Site, devicetype: str) -> str:
    machines = sorted((m for m in site.machines if m.kind.value == devicetype), key=lambda machine: machine.name)
    if not machines:
        return ""
    return f"<site><id>{site.id}</id>{_cdata('name', site.name)}{''.join(map(_device, machines))}</site>"


def _device(machine: Machine) -> str:
    return (
        f"<{machine.kind}><id>{machine.id}</id>{_cdata('name', machine.name)}{_cdata('username', machine.user)}"
        f"{_cdata('description', machine.description)}<status>Ok</status>"
        "<checkcount><dsc_247>1</dsc_247><pass>3</pass><clear>0</clear><fail>0</fail></checkcount>"
        f"<takecontrol>1</takecontrol><patch>{int(machine.patching)}</patch><mav>1</mav><mob>0</mob>"
        f"<systray>1</systray><mavbreck>0</mavbreck></{machine.kind}>"
    )


def _patch(patch: FleetPatch) -> str:
    return f"<patch>{''.join(_patch_fields(patch))}</patch>"


def _patch_fields(patch: FleetPatch) -> Iterator[str]:
    label = LABELS[patch.status]
    installed = f"{patch.installed_at:%d-%b-%Y %H:%M}" if patch.installed_at else ""
    yield f"<patchid>{patch.id}</patchid><policy>{patch.policy}</policy>"
    yield _cdata("policyLabel", POLICIES[patch.policy])
    yield _cdata("patchicon", f"aw-image-patch-{label.lower().replace(' ', '-')}")
    yield f"<status>{patch.status.value}</status>"
    yield _cdata("selectpatch", "checkhide")
    yield _cdata("statusLabel", label)
    yield _cdata("patchUrl", "https://updates.example/notes")
    yield _cdata("patchTitle", patch.title)
    yield _cdata("product", patch.product)
    yield f"<severity>{patch.severity}</severity>"
    yield _cdata("severityLabel", SEVERITIES[patch.severity])
    yield f"<releaseDateText>{patch.released:%d-%b-%Y}</releaseDateText><installDateText>{installed}</installDateText>"
    yield "<deployable>1</deployable><uninstallable>0</uninstallable>"
