"""Devices offered while a person types a name into a field; the answer travels in the ack."""

import contextlib
from typing import Any

from bot.blocks import devices
from bot.errors import Refused
from bot.flows import rights
from bot.flows.services import Services

NOT_YET = "N-sight's devices are still being read; type again in a minute"


async def options(services: Services, who: str, typed: str) -> list[dict[str, Any]]:
    """From memory alone: Slack waits three seconds, and a person who types far less. At most 100.

    Who is known not to use ``/patches`` gets none. Whom Slack has not told of in this process is answered all the
    same: the form was opened for them after the question of their rights, the answer changes nothing, and what they
    submit is checked again. Slack is asked behind it, so that the next letter is judged.
    """
    match rights.known_command(services, who):
        case False:
            return []
        case None:
            services.spawn(_learn(services, who), "rights")
    index = services.directory.latest
    if index.at is None:
        index = await services.directory.current()
    else:
        services.spawn(services.directory.warm(), "directory")  # another process may have swept in the meantime
    if index.at is None:
        return devices.only_says(NOT_YET)
    return devices.options(index.typeahead.best(typed))


async def _learn(services: Services, who: str) -> None:
    with contextlib.suppress(Refused):  # remembered is all that is wanted
        await rights.demand_command(services, who)
