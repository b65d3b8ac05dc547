"""``[[digests]]``: what is posted where and when; with ``[digests.channels]``, to channels of single clients too."""

import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from typing import get_args

from bot import cron
from bot import quiet as deciding
from bot.commands import STATUSES, failure
from bot.config import values
from bot.config.toml import Table
from bot.config.values import Wrong
from bot.digests import By, DigestPlan
from bot.model import DeviceKind

GROUPINGS: tuple[By, ...] = get_args(By)
REASONS = tuple(status for status in STATUSES if status.startswith("FAILED_"))
PICTURES = {"14d": 14, "30d": 30, "never": 0}
LONGEST_NAME = 40


def read(tables: list[Table]) -> tuple[DigestPlan, ...]:
    """Every plan, each followed by those for single clients that stand beside it; faults are noted."""
    plans: list[DigestPlan] = []
    for table in tables:
        plan = _plan(table)
        names = {other.name.casefold() for other in plans}
        if plan.name and plan.name.casefold() in names:
            table.fault("name", f"{plan.name} is the name of another digest too")
        plans += [plan, *_of_clients(table.table("channels"), plan, names | {plan.name.casefold()})]
        table.close()
    return tuple(plans)


def grouping(raw: object) -> By:
    """Raises Wrong unless it is what failures can be put together by."""
    word = values.one_of(*GROUPINGS)(raw)
    return next(by for by in GROUPINGS if by == word)


def quiet(raw: object) -> str:
    """One quiet time as written. Raises Wrong when it is none."""
    text = values.text(raw)
    try:
        deciding.parse(text)
    except ValueError as error:
        raise Wrong(f"{error}") from None
    return text


def _plan(table: Table) -> DigestPlan:
    kind = table.take("kind", values.one_of(*DeviceKind), "")
    plan = DigestPlan(
        name=table.need("name", values.digest_name, ""),
        channel=table.need("channel", values.channel, ""),
        cron=table.need("cron", values.text, ""),
        timezone=table.take("timezone", values.timezone, "UTC"),
        window=table.take("window", values.duration, timedelta(hours=24)),
        post_when_empty=table.take("post_when_empty", values.boolean, True),
        group_by=table.take("group_by", grouping, "application"),
        clients=table.each("clients", values.text),
        applications=table.each("applications", values.text),
        reasons=table.each("reasons", _reason),
        kind=DeviceKind(kind) if kind else None,
        update=table.take("update", values.boolean, False),
        picture=table.take("picture", _picture, 14),
        quiet=table.each("quiet", quiet),
    )
    trouble = cron.check(plan.cron, plan.timezone) if plan.cron else None
    if trouble:
        table.fault("cron", trouble)
    if table.right("quiet") and (trouble := deciding.check(plan.quiet, plan.timezone)):
        table.fault("quiet", trouble)
    return plan


def _picture(raw: object) -> int:
    return PICTURES[values.one_of(*PICTURES)(raw)]


def _reason(raw: object) -> str:
    """One of ESET's failures, with or without ESET's prefix; also one that this bot does not know yet."""
    status, near = failure(values.text(raw))
    if not status:
        meant = f"; did you mean {near}?" if near else ""
        raise Wrong(f"must be one of {', '.join(REASONS)}, or a new FAILED_… of ESET's, not {values.shown(raw)}{meant}")
    return status


# ---------------------------------------------------------------- channels of single clients


def _of_clients(table: Table, plan: DigestPlan, taken: set[str]) -> list[DigestPlan]:
    """The plan once more for each client with a channel of its own. What a plan has covered is remembered by its name,
    so the name comes from the glob alone and not from its place in the file."""
    plans = []
    for client in table.names():
        channel = table.take(client, values.channel, "")
        one = replace(plan, name=_name_for(plan.name, client), channel=channel, clients=(client,))
        if not client.strip():
            table.fault(f'"{client}"', "must be a client's name or a glob such as Contoso*")
        elif plan.name and one.name.casefold() in taken:
            table.fault(client, f"{one.name} would be its name, which another digest has; make it a [[digests]] table")
        taken.add(one.name.casefold())
        plans.append(one)
    return plans


def _name_for(plan: str, client: str) -> str:
    """Such as ``daily.contoso-ltd``."""
    word = re.sub(r"\W+", "-", client.casefold()).strip("-_") or "all"
    name = f"{plan}.{word}"
    if len(name) <= LONGEST_NAME:
        return name
    return name[: LONGEST_NAME - 7] + "-" + hashlib.sha256(client.casefold().encode()).hexdigest()[:6]
