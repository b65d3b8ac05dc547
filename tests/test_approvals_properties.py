"""Whatever happens in whatever order: no sequence of events sends a request twice, or once without its approvals."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import event as seen
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import approvals
from bot.approvals import Event, Policy, Standing
from bot.errors import Refused
from bot.model import SETTLED, CallVerdict, Patch, RetryAnswer, RetryRequest, State, Terms, Vote
from bot.windows import Opening, Window
from tests.examples import examples
from tests.sample_requests import ASKED, BOB, HERE, LABELS, MOVED, asking, pending, policy

PEOPLE = [BOB, "U0ANN", "U0CARL", "U0DAVE"]
IDS = (4, 5, 6)
HOUR = timedelta(hours=1)
NIGHTLY = Window(cron="0 22 * * *", duration=3 * HOUR)
OPEN_HOURS = {22, 23, 0}  # of NIGHTLY
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


@dataclass(frozen=True)
class Resume:
    """What the bot does with an approved request, as an event: ``entitled`` may approve at this moment."""

    entitled: frozenset[str]
    read: Mapping[int, Patch]

    def event(self, request: RetryRequest, rules: Policy, now: datetime) -> Event:
        closed = approvals.closed_to(request, rules, now)
        if closed is not None:
            return closed
        why = approvals.lapsed(request, self.entitled, rules)
        return approvals.Revert(why) if why else approvals.Claim("a:1", now + HOUR, self.read)


@dataclass(frozen=True)
class Wake:
    """What the scheduler does with a pending request, as an event."""

    def event(self, request: RetryRequest, now: datetime) -> Event | None:
        return approvals.overdue(request, now)


Happening = Event | Resume | Wake

standings = st.sampled_from([Standing.APPROVER] * 4 + list(Standing))
people = st.sampled_from(PEOPLE)
reasons = st.sampled_from(["because", "because", "so", ""])
statuses = st.sampled_from([16] * 5 + [2, 8] + [*LABELS, 18, 24, 72, 1024])
devices = st.fixed_dictionaries({4: statuses}, optional={5: statuses, 6: statuses}).map(
    lambda shown: {one: Patch(one, f"Patch {one}", status, LABELS.get(status, "")) for one, status in shown.items()}
)
some_ids = st.frozensets(st.sampled_from([*IDS, 99]))
answers = st.builds(
    RetryAnswer, st.sampled_from(CallVerdict), retried=some_ids, already=some_ids, words=st.sampled_from(["", "no"])
)
approvers = st.just(Standing.APPROVER)
votes = st.one_of(
    *[st.builds(approvals.Approve, people, approvers, reasons)] * 4,
    *(st.builds(approvals.Deny, people, approvers, reasons), st.builds(approvals.Retract, people)),
)
clicks = st.one_of(
    *(st.builds(kind, people, standings, reasons) for kind in (approvals.Approve, approvals.Deny)),
    *(st.builds(kind, people) for kind in (approvals.Withdraw, approvals.Retract)),
    *(st.builds(approvals.Close, people, standings), st.builds(approvals.Look, people, standings, devices)),
)
willing = st.builds(approvals.Approve, st.sampled_from(PEOPLE[1:]), approvers, st.just("because"))
resumptions = st.builds(Resume, st.one_of(st.just(frozenset(PEOPLE)), st.frozensets(people, min_size=1)), devices)
conclusions = st.builds(approvals.Conclude, answers)
reads = st.builds(approvals.Read, devices)
moves = st.builds(approvals.Move, st.sampled_from([HERE, MOVED]))
waits = st.one_of(
    *(st.builds(approvals.Hold, st.sampled_from(["down", "slow"])), st.builds(approvals.Postpone)),
    *(st.builds(approvals.Expire), st.builds(approvals.Revert, st.just("gone"))),
    *(st.builds(approvals.Reject, st.just("no device")), st.builds(approvals.LoseTrack)),
    *(st.builds(kind) for kind in (approvals.Remind, approvals.Escalate, approvals.Tighten)),
    moves,
    st.just(approvals.Await(Opening(ASKED + 13 * HOUR, ASKED + 16 * HOUR))),
)
happenings: st.SearchStrategy[Happening] = st.one_of(
    *(votes, clicks, resumptions, conclusions, reads, waits, st.builds(Wake))
)
USUAL: dict[State, st.SearchStrategy[Happening]] = {
    State.PENDING: st.one_of(*[willing] * 12, votes, st.builds(Wake), st.builds(approvals.Tighten), moves),
    State.APPROVED: st.one_of(*[resumptions] * 6, moves),
    State.SENDING: st.one_of(conclusions, st.builds(approvals.LoseTrack)),
    State.UNKNOWN: st.one_of(reads, conclusions, st.builds(approvals.Look, people, approvers, devices)),
    State.QUEUED: reads,
}
pauses = st.sampled_from([0, 0, 0, 0, 1, 1, 30, 125, 900, 3600, 43_200]).map(lambda seconds: timedelta(seconds=seconds))


def spans(*hours: float) -> st.SearchStrategy[timedelta | None]:
    return st.sampled_from([None, *(one * HOUR for one in hours)])


def _policy(terms: Terms, stale: timedelta | None, windowed: bool) -> Policy:
    return replace(policy(), terms=terms, stale=stale, windows=(NIGHTLY,) if windowed else ())


some_terms = st.builds(
    Terms,
    lists=st.sampled_from([(("S0PATCHTEAM",),), (("S0PATCHTEAM",),), (("U0ANN", "U0CARL"),), ((),)]),
    quorum=st.sampled_from([1, 1, 2, 2, 3]),
    denials=st.sampled_from([1, 2]),
    self_approval=st.booleans(),
    reason_required=st.sampled_from([False, False, True]),
    deny_reason=st.booleans(),
    expires=spans(1, 40, 400),
    remind=spans(0.5, 2),
    escalate_after=spans(1, 3),
    escalate_to=st.sampled_from([(), ("U0DAVE",)]),
)
policies = st.builds(_policy, some_terms, spans(1, 30), st.sampled_from([False, False, True]))


@dataclass
class Witness:
    """Watches a request from outside, with a memory of its own: who voted how, since when it waits, how often it was
    sent."""

    request: RetryRequest
    votes: dict[str, Vote] = field(default_factory=dict)
    claims: int = 0
    since: datetime = ASKED

    def sees(self, happening: Happening, rules: Policy, now: datetime) -> None:
        event = self._meant(happening, rules, now)
        if event is None:
            return
        before = self.request
        try:
            after = approvals.step(before, event, rules, now)
        except Refused:
            assert not isinstance(happening, Wake), "what is due is never refused"
            return
        assert approvals.step(before, event, rules, now) == after, "the same step twice gives two results"
        assert after.version == before.version + 1
        assert after.state in LEADS_TO.get(before.state, set()), f"{before.state} → {after.state}"
        assert (after.id, after.requester) == (before.id, before.requester)
        assert after.device == (event.device if isinstance(event, approvals.Move) else before.device)
        assert [patch.id for patch in after.patches] == [patch.id for patch in before.patches]
        self._remembers(event, rules, now)
        assert {vote.voter: vote for vote in after.votes} == self.votes
        assert len(after.votes) == len(self.votes), "one person, two votes"
        self._counts(event, after, rules)
        self._guards_the_call(happening, after, rules, now)
        self._keeps_what_was_promised(event, after)
        self._keeps_fates(before, after)
        assert (after.next_at is not None) == _looked_at(after), f"{after.state} would be forgotten"
        self.request = after
        seen(f"{before.state} → {after.state}")

    def _meant(self, happening: Happening, rules: Policy, now: datetime) -> Event | None:
        if isinstance(happening, Resume):
            return happening.event(self.request, rules, now) if self.request.state is State.APPROVED else None
        if isinstance(happening, Wake):
            return happening.event(self.request, now) if self.request.state is State.PENDING else None
        return happening

    def _remembers(self, event: Event, rules: Policy, now: datetime) -> None:
        """Checks that whoever voted was allowed to, and keeps the vote in mind."""
        if isinstance(event, approvals.Approve | approvals.Deny):
            denies = isinstance(event, approvals.Deny)
            both = (self.request.terms, rules.terms)
            assert event.standing is Standing.APPROVER
            assert event.by != BOB or all(terms.self_approval for terms in both)
            assert event.reason or not any(terms.deny_reason if denies else terms.reason_required for terms in both)
            assert all(terms.expires is None or now < self.since + terms.expires for terms in both), "a vote too late"
            before = self.votes.get(event.by)
            again = before is not None and before.denies == denies
            assert not again or (denies and self._denied(rules)), "the same vote counted twice"
            self.votes[event.by] = Vote(event.by, now, denies, event.reason)
        elif isinstance(event, approvals.Retract):
            del self.votes[event.by]
        elif isinstance(event, approvals.Revert):
            self.votes.clear()
            self.since = now
        elif isinstance(event, approvals.Tighten | approvals.Move) and self.request.state is State.PENDING:
            self.votes = {who: vote for who, vote in self.votes.items() if self._still_counts(vote, rules)}

    def _still_counts(self, vote: Vote, rules: Policy) -> bool:
        both = (self.request.terms, rules.terms)
        own = vote.voter == BOB and not all(terms.self_approval for terms in both)
        unfounded = not vote.denies and not vote.reason and any(terms.reason_required for terms in both)
        return not own and not unfounded

    def _denied(self, rules: Policy) -> bool:
        """Whether there are denials enough, by what was promised or by what is asked now."""
        enough = min(self.request.terms.denials, rules.terms.denials)
        return sum(vote.denies for vote in self.votes.values()) >= enough

    def _counts(self, event: Event, after: RetryRequest, rules: Policy) -> None:
        before, terms = self.request, self.request.terms
        approving = sum(not vote.denies for vote in self.votes.values())
        if isinstance(event, approvals.Approve):
            assert (after.state is State.APPROVED) == (approving >= max(terms.quorum, rules.terms.quorum))
        if isinstance(event, approvals.Deny | approvals.Tighten | approvals.Move) and before.state is State.PENDING:
            assert (after.state is State.DENIED) == self._denied(rules)
        if after.state is State.APPROVED is not before.state:
            assert isinstance(event, approvals.Approve)
        if after.state is State.DENIED:
            vote = self.votes[after.decided_by]
            assert (vote.denies, vote.reason) == (True, after.decision_reason), "only people deny"

    def _guards_the_call(self, happening: Happening, after: RetryRequest, rules: Policy, now: datetime) -> None:
        assert bool(after.owner) == (after.state is State.SENDING)
        assert (after.deadline is not None) == (after.state in {State.SENDING, State.QUEUED})
        if after.state is State.SENDING:
            assert isinstance(happening, Resume)
            self._was_entitled(happening.entitled, rules)
            assert not rules.windows or now.hour in OPEN_HOURS, "sent outside its window"
            self.claims += 1
        assert self.claims <= 1, "sent twice"
        assert (after.called_at is not None) == (self.claims == 1)

    def _was_entitled(self, entitled: frozenset[str], rules: Policy) -> None:
        """At the moment of sending: enough people who may, by what was promised and by what is asked now."""
        both = (self.request.terms, rules.terms)
        right = entitled if all(terms.self_approval for terms in both) else entitled - {BOB}
        approving = [vote for vote in self.votes.values() if not vote.denies]
        assert sum(vote.voter in right for vote in approving) >= max(terms.quorum for terms in both)
        assert all(vote.reason for vote in approving) or not any(terms.reason_required for terms in both)
        assert not self._denied(rules), "sent although enough people had denied it"

    def _keeps_what_was_promised(self, event: Event, after: RetryRequest) -> None:
        """What it takes never becomes less, and changes with the configuration or the device alone."""
        was, now = self.request.terms, after.terms
        assert now.quorum >= was.quorum
        assert now.denials <= was.denials
        assert now.self_approval <= was.self_approval
        assert now.reason_required >= was.reason_required
        assert now.deny_reason >= was.deny_reason
        assert {frozenset(each) for each in now.lists} >= {frozenset(each) for each in was.lists if each}
        if not isinstance(event, approvals.Tighten | approvals.Move | approvals.Revert):
            assert now == was
        if self.request.expires_at and not isinstance(event, approvals.Revert):
            assert after.expires_at is not None
            assert after.expires_at <= self.request.expires_at
        if isinstance(event, approvals.Revert):
            assert (after.reminded_at, after.escalated_at) == (None, None), "nobody would hear that it waits again"

    def _keeps_fates(self, before: RetryRequest, after: RetryRequest) -> None:
        for was, is_now in zip(before.patches, after.patches, strict=True):
            if was.fate in SETTLED:
                assert is_now == was, "a settled patch changed"


def _looked_at(request: RetryRequest) -> bool:
    """Open, and not waiting for people alone: without end, without a reminder or an escalation to come."""
    if request.state is not State.PENDING:
        return request.state in LEADS_TO
    terms = request.terms
    reminder = terms.remind is not None and request.reminded_at is None
    escalation = terms.escalate_after is not None and bool(terms.escalate_to) and request.escalated_at is None
    return request.expires_at is not None or reminder or escalation


def opened(rules: Policy) -> RetryRequest:
    return approvals.opened(pending(1, *IDS), rules, ASKED)


@settings(max_examples=examples(100))
@given(st.data(), st.lists(policies, min_size=1, max_size=3))
def test_no_sequence_of_events_sends_twice_or_without_enough_entitled_votes(
    data: st.DataObject, configurations: list[Policy]
) -> None:
    witness, now, rules = Witness(opened(configurations[0])), ASKED, configurations[0]
    for surprise in data.draw(st.lists(st.sampled_from([False] * 5 + [True]), min_size=8, max_size=30)):
        now += data.draw(pauses)
        if surprise:
            rules = data.draw(st.sampled_from(configurations))
        usual = happenings if surprise else USUAL.get(witness.request.state, happenings)
        witness.sees(data.draw(usual), rules, now)
        assert witness.request.open == (witness.request.state in LEADS_TO)


@settings(max_examples=examples(40))
@given(
    st.lists(happenings, max_size=25), st.sampled_from([state for state in State if state not in LEADS_TO]), policies
)
def test_an_ended_request_never_changes(history: list[Happening], end: State, rules: Policy) -> None:
    witness = Witness(replace(pending(), state=end))
    for happening in history:
        witness.sees(happening, rules, ASKED)
    assert witness.request == replace(pending(), state=end)


@settings(max_examples=examples(40))
@given(
    st.lists(st.tuples(people, st.booleans()), min_size=1, max_size=12),
    st.frozensets(people),
    st.tuples(st.integers(1, 2), st.integers(1, 3), st.booleans()),
)
def test_an_approval_stands_only_while_enough_of_its_voters_may_approve(
    clicked: list[tuple[str, bool]], entitled: frozenset[str], wanted: tuple[int, int, bool]
) -> None:
    promised, now, own = wanted
    rules = asking(quorum=now, denials=9, self_approval=own)
    request = replace(pending(promised), terms=replace(pending(promised).terms, denials=9))
    for who, denies in clicked:
        event = (approvals.Deny if denies else approvals.Approve)(who, Standing.APPROVER)
        try:
            request = approvals.step(request, event, rules, ASKED)
        except Refused:
            continue
    still = {vote.voter for vote in request.votes if not vote.denies} & entitled
    if not own:
        still -= {BOB}
    why = approvals.lapsed(request, entitled, rules)
    assert (why is None) == (len(still) >= max(promised, now)), why


@settings(max_examples=examples(40))
@given(st.lists(st.tuples(pauses, votes), max_size=20), policies, policies)
def test_whatever_people_do_the_scheduler_reminds_once_escalates_once_and_lets_nothing_wait_too_long(
    history: list[tuple[timedelta, Event]], before: Policy, after: Policy
) -> None:
    witness, now, due = Witness(opened(before)), ASKED, list[str]()
    witness.sees(approvals.Tighten(), after, now)
    for pause, vote in [*history, (400 * HOUR, approvals.Tighten())]:
        now += pause
        while witness.request.next_at is not None and witness.request.next_at <= now:
            event = approvals.overdue(witness.request, now) if witness.request.state is State.PENDING else None
            if event is None:
                break
            due.append(type(event).__name__)
            witness.sees(event, after, now)
        witness.sees(vote, after, now)
    assert due == [step for step in ("Remind", "Escalate", "Expire") if step in due], "in this order, each once"
    if witness.request.state is State.PENDING:
        assert witness.request.next_at is None, "it waits for ever for something that was due"
        assert (before.terms.expires, after.terms.expires) == (None, None)
