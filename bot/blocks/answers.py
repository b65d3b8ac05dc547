"""Private answers: to who asked for a retry, and to who votes on one."""

from collections.abc import Iterable, Mapping, Sequence

from slack_sdk.models.blocks import ActionsBlock, ButtonElement

from bot.approvals import Policy, demanded
from bot.blocks import text
from bot.blocks.request import REASON, headline, missing_words
from bot.errors import Refused
from bot.model import Device, Message, Patch, RetryRequest, Terms
from bot.terms import Budget

LEFT_OUT = 20  # patches that are named


def created(
    made: Sequence[RetryRequest],
    terms: Terms,
    left_out: Sequence[tuple[Device, Patch]],
    refused: Sequence[str],
    shown: tuple[str, str, bool],
) -> Message:
    """The private answer to a request that was made. ``left_out``: patches that are not failed; ``refused``: sentences
    about whole devices that are not in it. ``shown``: link to its card, the channel of it, and whether it is posted."""
    link, channel, posted = shown
    place = f"<{link}|the approvals channel>" if link else "the approvals channel"
    because = f" ({text.name(terms.because, 200)})" if terms.because else ""
    approvals = f"{text.plural(terms.quorum, 'approval')}{because}"
    first = made[0]
    glue = ". " if len(made) == 1 else "\n"
    asked, waits = _asked(made), f"It waits in {place} for {approvals}."
    words = [f"Request #{first.card_id} is made: {asked}{glue}{waits}"]
    if first.reason:
        words.append(f"*Reason:* {text.name(first.reason, REASON)}")
    if left_out:
        words.append(f"Left out because not failed: {_left_out(left_out, several=len(made) > 1)}.")
    words += [f"Left out: {sentence}" for sentence in refused]
    if not posted:
        words.append(
            f"⚠️ Its card could not be posted in {text.channel(channel)} yet, so no approver sees it. The bot keeps "
            "trying; perhaps it has to be invited to that channel."
        )
    body = text.fit("\n".join(words), 2900)
    button = text.button("Withdraw", "request.withdraw", str(first.card_id))
    return text.message(body, [text.section(body), ActionsBlock(block_id=f"mine.{first.card_id}", elements=[button])])


def _asked(made: Sequence[RetryRequest]) -> str:
    """ "retry `4,5` on *SRV-DC01* (id 1001, Contoso Ltd)", a line each when there are several."""
    parts = []
    for request in made:
        ids = ",".join(str(patch.id) for patch in request.patches)
        where = f"(id {request.device.id}, {text.name(request.device.client, 80)})"
        parts.append(f"retry `{ids}` on *{text.name(request.device.name, 80)}* {where}")
    return parts[0] if len(parts) == 1 else "\n• ".join(["one request for all of these:", *parts])


def _left_out(found: Sequence[tuple[Device, Patch]], *, several: bool) -> str:
    names = []
    for device, patch in found:
        on = f" on {text.name(device.name, 60)}" if several else ""
        names.append(f"`{patch.id}` ({text.patch_state(patch)}){on}")
    return text.listed(names, LEFT_OUT)


def quarantined(spent: Mapping[int, Sequence[RetryRequest]], budget: Budget, links: Mapping[int, str]) -> str:
    """The sentence that refuses a retry of what failed again too often, with the requests that tried it."""
    tries = [
        f"patch `{patch_id}` failed again {text.plural(len(past), 'time')} "
        f"({', '.join(_linked(one, links) for one in past[-5:])})"
        for patch_id, past in spent.items()
    ]
    return (
        f"Within {text.span(budget.within)}, {text.listed(tries)}. One more retry would most likely fail too, so none "
        "is asked for: look at the device first. Nothing was done."
    )


def _linked(request: RetryRequest, links: Mapping[int, str]) -> str:
    link = links.get(request.id, "")
    return f"<{link}|#{request.id}>" if link else f"#{request.id}"


def covered(found: Iterable[tuple[RetryRequest, str]]) -> str:
    """The sentence that refuses a second request for the same patches. Pairs of open request and permalink."""
    names = dict.fromkeys(_request(one, link) for one, link in found)
    return f"There is already an open request for these patches: {', '.join(names)}. No second one was made."


def held(device: Device, patches: Sequence[Patch], holder: RetryRequest, link: str) -> str:
    """Why patches of one of several devices are left out."""
    ids = ", ".join(f"`{patch.id}`" for patch in patches)
    return f"{ids} on {text.name(device.name, 60)}, which {_request(holder, link)} is about already."


def _request(request: RetryRequest, link: str) -> str:
    return f"<{link}|request #{request.card_id}>" if link else f"request #{request.card_id}"


def voted(request: RetryRequest, who: str, policy: Policy) -> Message:
    """The private answer to a vote that did not decide yet."""
    mine = next((vote for vote in request.votes if vote.voter == who), None)
    terms = demanded(request, policy)
    if mine is not None and mine.denies:
        missing = text.plural(terms.denials - len(request.denials), "more denial ends", "more denials end")
        return _retractable(f"You have denied request #{request.card_id}; {missing} it.", request.card_id)
    said = f"You have approved request #{request.card_id}: {missing_words(request, policy)}."
    return _retractable(said, request.card_id)


def decided(request: RetryRequest) -> Message:
    """The private answer to the vote that decided, while the card cannot be changed."""
    return Message(
        f"Request #{request.card_id}: {headline(request)} Its card will show it as soon as Slack lets it change."
    )


def voted_in_part(changed: Sequence[RetryRequest], refused: Sequence[Refused]) -> Message:
    """The private answer to a vote that counts for some devices of a card only."""
    counted = text.listed([text.name(one.device.name, 60) for one in changed], 5)
    reasons = list(dict.fromkeys(no.sentence for no in refused))
    return Message(text.fit("\n".join([f"Your vote counts for {counted}, not for the others:", *reasons]), 2900))


def denied_in_part(denied: Sequence[RetryRequest], going_on: Sequence[RetryRequest]) -> Message:
    """The private answer to a denial on a card of which other devices were approved before."""
    names = [text.listed([text.name(one.device.name, 60) for one in part], 5) for part in (denied, going_on)]
    return Message(
        f"Denied for {names[0]}. {names[1]}: approved before, so this goes on there. Only "
        f"{text.mention(going_on[0].requester)} can withdraw what is not sent yet."
    )


def withdrawn(changed: Sequence[RetryRequest], members: Sequence[RetryRequest]) -> Message:
    """``changed``: those of the card's requests that could still be withdrawn."""
    number = members[0].card_id
    if len(changed) == len(members):
        return Message(f"Request #{number} is withdrawn. Nothing was sent.")
    names = text.listed([text.name(one.device.name, 60) for one in changed], 5)
    return Message(f"Request #{number} is withdrawn for {names}, where nothing was sent; the others are past that.")


def voted_already(sentence: str, request_id: int) -> Message:
    return _retractable(sentence, request_id)


def _retractable(sentence: str, request_id: int) -> Message:
    words = f"{sentence} Until it is decided, the other button on the card changes your vote."
    button = text.button("Take my vote back", "request.retract", str(request_id))
    return text.message(words, [text.section(words), ActionsBlock(block_id="vote", elements=[button])])


def choose_instead(sentence: str) -> Message:
    """Who named no device may choose some; ``sentence`` is safe mrkdwn."""
    words = f"{sentence} Or choose the devices and their failed patches from lists:"
    button = ButtonElement(text="Choose devices…", action_id="device.pick.open")
    return text.message(words, [text.section(words), ActionsBlock(block_id="pick", elements=[button])])


def looked(request: RetryRequest) -> Message:
    """The private answer to who had the device read again."""
    return Message(f"Request #{request.id}: {headline(request)}")
