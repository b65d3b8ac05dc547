"""Private answers: to who asked for a retry, and to who votes on one."""

from collections.abc import Iterable, Mapping, Sequence

from slack_sdk.models.blocks import ActionsBlock

from bot.approvals import Policy, demanded
from bot.blocks import text
from bot.blocks.request import REASON, headline, missing_words
from bot.model import Message, RetryRequest
from bot.terms import Budget


def created(
    request: RetryRequest, policy: Policy, left_out: Sequence[tuple[int, str]], link: str, shown: tuple[str, bool]
) -> Message:
    """The private answer to a request that was made. ``left_out``: ids with the state that kept them out.
    ``shown``: the channel of its card, and whether it is posted there already."""
    ids = ",".join(str(patch.id) for patch in request.patches)
    place = f"<{link}|the approvals channel>" if link else "the approvals channel"
    device = f"*{text.name(request.device.name, 80)}* (id {request.device.id}, {text.name(request.device.client, 80)})"
    terms = demanded(request, policy)
    because = f" ({text.name(terms.because, 200)})" if terms.because else ""
    approvals = f"{text.plural(terms.quorum, 'approval')}{because}"
    words = [f"Request #{request.id} is made: retry `{ids}` on {device}. It waits in {place} for {approvals}."]
    if request.reason:
        words.append(f"*Reason:* {text.name(request.reason, REASON)}")
    if left_out:
        names = ", ".join(f"`{patch_id}` ({text.name(label, 40)})" for patch_id, label in left_out[:20])
        words.append(f"Left out because not failed: {names}.")
    channel, posted = shown
    if not posted:
        words.append(
            f"⚠️ Its card could not be posted in {text.channel(channel)} yet, so no approver sees it. The bot keeps "
            "trying; perhaps it has to be invited to that channel."
        )
    body = "\n".join(words)
    button = text.button("Withdraw", "request.withdraw", str(request.id))
    return text.message(body, [text.section(body), ActionsBlock(block_id=f"mine.{request.id}", elements=[button])])


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
    names = [f"<{link}|request #{one.id}>" if link else f"request #{one.id}" for one, link in found]
    return f"There is already an open request for these patches: {', '.join(names)}. No second one was made."


def voted(request: RetryRequest, who: str, policy: Policy) -> Message:
    """The private answer to a vote that did not decide yet."""
    mine = next((vote for vote in request.votes if vote.voter == who), None)
    terms = demanded(request, policy)
    if mine is not None and mine.denies:
        missing = text.plural(terms.denials - len(request.denials), "more denial ends", "more denials end")
        return _retractable(f"You have denied request #{request.id}; {missing} it.", request.id)
    return _retractable(f"You have approved request #{request.id}: {missing_words(request, policy)}.", request.id)


def decided(request: RetryRequest) -> Message:
    """The private answer to the vote that decided, while the card cannot be changed."""
    return Message(f"Request #{request.id}: {headline(request)} Its card will show it as soon as Slack lets it change.")


def voted_already(sentence: str, request_id: int) -> Message:
    return _retractable(sentence, request_id)


def _retractable(sentence: str, request_id: int) -> Message:
    words = f"{sentence} Until it is decided, the other button on the card changes your vote."
    button = text.button("Take my vote back", "request.retract", str(request_id))
    return text.message(words, [text.section(words), ActionsBlock(block_id="vote", elements=[button])])


def looked(request: RetryRequest) -> Message:
    """The private answer to who had the device read again."""
    return Message(f"Request #{request.id}: {headline(request)}")
