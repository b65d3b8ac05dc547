"""Whatever happens in whatever order: no sequence of events sends a request twice, or once without its approvals."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import event as seen
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import approvals
from bot.approvals import Event, Policy, Standing
from bot.errors import Refused
from bot.model import SETTLED, CallVerdict, Patch, RetryAnswer, RetryRequest, State
from tests.sample_requests import ASKED, BOB, LABELS, pending, policy

PEOPLE = [BOB, "U0ANN", "U0CARL", "U0DAVE"]
IDS = (4, 5, 6)
LEADS_TO = {
    State.PENDING: {State.PENDING, State.APPROVED, State.DENIED, State.WITHDRAWN, State.EXPIRED},
    State.APPROVED: {
        *(State.APPROVED, State.PENDING, State.SENDING),
        *(State.REJECTED, State.WITHDRAWN, State.EXPIRED),
    },
    State.SENDING: {State.QUEUED, State.UNKNOWN, State.REJECTED},
    State.UNKNOWN: {State.UNKNOWN, State.QUEUED, State.REJECTED, State.FINISHED, State.CLOSED},
    State.QUEUED: {State.QUEUED, State.FINISHED},
}  # states that are missing here are ends

standings = st.sampled_from([Standing.APPROVER] * 4 + list(Standing))
people = st.sampled_from(PEOPLE)
statuses = st.sampled_from([16] * 5 + [2, 8] + [*LABELS, 18, 24, 72, 1024])
devices = st.fixed_dictionaries({4: statuses}, optional={5: statuses, 6: statuses}).map(
    lambda shown: {one: Patch(one, f"Patch {one}", status, LABELS.get(status, "")) for one, status in shown.items()}
)
some_ids = st.frozensets(st.sampled_from([*IDS, 99]))
answers = st.builds(
    RetryAnswer, st.sampled_from(CallVerdict), retried=some_ids, already=some_ids, words=st.sampled_from(["", "no"])
)
votes = st.builds(approvals.Approve, people, st.just(Standing.APPROVER))
clicks = st.one_of(
    *(st.builds(approvals.Approve, people, standings), st.builds(approvals.Deny, people, standings)),
    *(st.builds(approvals.Withdraw, people), st.builds(approvals.Close, people, standings)),
)
claims = st.builds(approvals.Claim, st.sampled_from(["a:1", "b:2"]), st.just(ASKED), devices)
conclusions = st.builds(approvals.Conclude, answers)
reads = st.builds(approvals.Read, devices)
waits = st.one_of(
    *(st.builds(approvals.Hold, st.sampled_from(["down", "slow"])), st.builds(approvals.Postpone)),
    *(st.builds(approvals.Expire), st.builds(approvals.Revert, st.just("gone"))),
    *(st.builds(approvals.Reject, st.just("no device")), st.builds(approvals.LoseTrack)),
)
events: st.SearchStrategy[Event] = st.one_of(votes, clicks, claims, conclusions, reads, waits)
USUAL: dict[State, st.SearchStrategy[Event]] = {
    State.PENDING: votes,
    State.APPROVED: claims,
    State.SENDING: st.one_of(conclusions, st.builds(approvals.LoseTrack)),
    State.UNKNOWN: st.one_of(reads, conclusions),
    State.QUEUED: reads,
}
pauses = st.sampled_from([0, 0, 0, 0, 1, 1, 30, 125, 900, 3600, 180_000]).map(
    lambda seconds: timedelta(seconds=seconds)
)
policies = st.builds(lambda quorum, own: policy(quorum, self_approval=own), st.integers(1, 3), st.booleans())


@dataclass
class Witness:
    """Watches a request from outside, with a memory of its own of who approved and how often it was sent."""

    request: RetryRequest
    entitled: list[str] = field(default_factory=list)
    claims: int = 0

    def sees(self, event: Event, rules: Policy, now: datetime) -> None:
        before = self.request
        try:
            after = approvals.step(before, event, rules, now)
        except Refused:
            return
        assert approvals.step(before, event, rules, now) == after, "the same step twice gives two results"
        assert after.version == before.version + 1
        assert after.state in LEADS_TO.get(before.state, set()), f"{before.state} → {after.state}"
        assert (after.id, after.requester, after.device) == (before.id, before.requester, before.device)
        assert [patch.id for patch in after.patches] == [patch.id for patch in before.patches]
        self._counts_votes(event, after, rules)
        self._guards_the_call(before, after)
        self._keeps_fates(before, after)
        self.request = after
        seen(f"{before.state} → {after.state}")

    def _counts_votes(self, event: Event, after: RetryRequest, rules: Policy) -> None:
        if isinstance(event, approvals.Approve):
            assert event.standing is Standing.APPROVER
            assert event.by != BOB or rules.self_approval
            self.entitled.append(event.by)
        if after.state is State.PENDING and not after.votes:
            self.entitled.clear()
        voters = [vote.voter for vote in after.votes]
        assert voters == self.entitled
        assert len(set(voters)) == len(voters), "one person, two votes"

    def _guards_the_call(self, before: RetryRequest, after: RetryRequest) -> None:
        assert bool(after.owner) == (after.state is State.SENDING)
        assert (after.deadline is not None) == (after.state in {State.SENDING, State.QUEUED})
        if after.state is State.APPROVED and before.state is State.PENDING:
            assert len(set(self.entitled)) >= after.quorum
        if after.state is State.SENDING:
            assert before.state is State.APPROVED
            assert len(set(self.entitled)) >= after.quorum
            self.claims += 1
        assert self.claims <= 1, "sent twice"
        assert (after.called_at is not None) == (self.claims == 1)

    def _keeps_fates(self, before: RetryRequest, after: RetryRequest) -> None:
        for was, is_now in zip(before.patches, after.patches, strict=True):
            if was.fate in SETTLED:
                assert is_now == was, "a settled patch changed"


@settings(max_examples=400, deadline=None)
@given(st.data(), policies, st.integers(1, 2))
def test_no_sequence_of_events_sends_twice_or_without_enough_entitled_votes(
    data: st.DataObject, rules: Policy, promised: int
) -> None:
    witness, now = Witness(pending(promised, *IDS)), ASKED
    for surprise in data.draw(st.lists(st.sampled_from([False, False, True]), min_size=8, max_size=30)):
        now += data.draw(pauses)
        usual = events if surprise else USUAL.get(witness.request.state, events)
        witness.sees(data.draw(usual), rules, now)
        assert witness.request.open == (witness.request.state in LEADS_TO)


@settings(max_examples=150, deadline=None)
@given(st.lists(events, max_size=25), st.sampled_from([state for state in State if state not in LEADS_TO]), policies)
def test_an_ended_request_never_changes(history: list[Event], end: State, rules: Policy) -> None:
    witness = Witness(replace(pending(), state=end))
    for event in history:
        witness.sees(event, rules, ASKED)
    assert witness.request == replace(pending(), state=end)


@settings(max_examples=150, deadline=None)
@given(st.lists(people, min_size=1, max_size=12), st.frozensets(people), policies, st.integers(1, 2))
def test_an_approval_stands_only_while_enough_of_its_voters_may_approve(
    clicks: list[str], entitled: frozenset[str], rules: Policy, promised: int
) -> None:
    request = pending(promised)
    for who in clicks:
        try:
            request = approvals.step(request, approvals.Approve(who, Standing.APPROVER), rules, ASKED)
        except Refused:
            continue
    still = {vote.voter for vote in request.votes} & entitled
    if not rules.self_approval:
        still -= {BOB}
    why = approvals.lapsed(request, entitled, rules)
    assert (why is None) == (len(still) >= max(promised, rules.quorum)), why


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(pauses, events), max_size=40), policies)
def test_the_scheduler_looks_again_at_every_open_request_and_at_no_other(
    history: list[tuple[timedelta, Event]], rules: Policy
) -> None:
    request, now = pending(1, *IDS), ASKED
    for pause, event in history:
        now += pause
        try:
            request = approvals.step(request, event, rules, now)
        except Refused:
            continue
        assert (request.next_at is not None) == request.open, f"{request.state} would be forgotten"
