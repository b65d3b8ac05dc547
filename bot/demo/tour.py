"""``python -m bot demo --tour``: the main job, played without a person. Each step asserts what it tells."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bot.demo import setting, terminal
from bot.demo.setting import Setting
from bot.demo.slack import Shown, words
from bot.demo.slack.cast import APPROVALS, HELPDESK, NEWS
from bot.demo.world import World
from bot.markup import cut, listed

CRON = "0 9 * * 1-5"  # half an hour after the story begins
CHROME = "Google Chrome"
SERVER, WORKSTATION = "1001", "1015"  # SRV-DC01 and WH-PC-01: Chrome failed on both
ARCHIVER = 5  # a patch of the server's; its first retry fails again
SENT = [(1001, (4, 5)), (1015, (681922,))]
REASON = "the browser was open at night, the users know"
STRICT_REQUEST = "/patches retry SRV-APP01 failed monthly maintenance"
LOOK = timedelta(minutes=15)  # the follow-up's pause
PATIENCE = 60.0  # seconds for the whole tour; it takes about five
SEEN = 900  # characters of what was seen instead
LEAD = (
    "A Slack workspace, ESET Connect and N-able N-sight, all of them stand-ins in this process, and the real bot "
    "between them. Nothing leaves this computer."
)
PEOPLE = (
    "bob and ann look after three customers with sixty devices; a night of patching is behind them. "
    "Both may approve retries, but nobody their own."
)
HINT = "Is this computer very busy, or does something forbid programs to talk to each other on 127.0.0.1?"


class NotAsToldError(Exception):
    """A step went otherwise than the tour tells it."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(expected)
        self.expected, self.seen = expected, seen


def expect(told: str, seen: object, *, true: bool) -> None:
    """``told``: what the tour claims. Raises NotAsToldError, with what was ``seen`` instead, unless it is ``true``."""
    if not true:
        raise NotAsToldError(told, str(seen))


def expect_words(shown: Shown, *words: str) -> None:
    """Raises NotAsToldError unless every one of ``words`` is in the message."""
    missing = [repr(word) for word in words if word not in shown.plain]
    expect(f"a message that says {listed(missing)}", shown.plain, true=not missing)


async def tell(*, world: World | None = None, console: Console | None = None, patience: float = PATIENCE) -> int:
    """Plays the tour in ``world`` (not started yet) and returns the exit status: 0 when all went as told, else 1.

    ``patience``: seconds for all of it.
    """
    console = console or Console(highlight=False)
    try:
        async with asyncio.timeout(patience):
            status = await _performed(world, console)
    except TimeoutError:
        console.print(f"The tour did not come to its end within {patience:g} seconds. {HINT}")
        return 1
    if status == 0:
        console.print(_farewell())
    return status


async def _performed(world: World | None, console: Console) -> int:
    async with setting.opened(world=world, cron=CRON, every="15m", tick=0.05) as scene:
        tour = Tour(scene, console)
        try:
            await tour.play()
        except NotAsToldError as wrong:
            tour.admit(wrong.expected, wrong.seen)
            return 1
        except (AssertionError, LookupError) as wrong:  # the stand-ins' way to say that something never came
            tour.admit(tour.step, str(wrong))
            return 1
    return 0


class Tour:
    """One performance. ``step``: the heading of what is being told."""

    def __init__(self, scene: Setting, console: Console) -> None:
        self.world, self.bot, self.slack = scene.world, scene.bot, scene.world.slack
        self.step = ""
        self._console = console
        self._number = self._read = 0

    async def play(self) -> None:
        """Raises NotAsToldError, AssertionError or LookupError at the first step that goes wrong."""
        self._console.print(Rule("[bold]Patches: from a failure to a fix, with two people's names on it[/]"))
        self._say(LEAD)
        self._say(PEOPLE)
        steps: tuple[tuple[str, Callable[[], Awaitable[None]]], ...] = (
            ("Bob asks what failed", self._recent),
            ("The digest comes by itself", self._digest),
            ("Bob presses Retry… and sees on which devices it failed", self._devices),
            ("N-sight's patches for it are found, and Bob asks", self._request),
            ("Nobody approves their own request", self._self_approval),
            ("Ann approves, and N-sight is told, once for each device", self._approval),
            ("The bot watches until each patch is settled", self._follow_up),
            ("What failed again is asked for again, in the same thread", self._again),
            ("A server of Northwind takes two people and their reasons", self._two_people),
            ("Who did what stays on record", self._trail),
        )
        for self._number, (self.step, act) in enumerate(steps, start=1):
            self._console.print()
            self._console.print(Rule(f"[bold]{self._number}. {self.step}[/]", align="left"))
            await act()
        expect("no rule of any service broken", self.world.violations, true=not self.world.violations)

    # ---------------------------------------------------------------- the steps

    async def _recent(self) -> None:
        shown = await self._types("bob", "/patches recent", saying="Failed patching attempts")
        expect_words(shown, "7-Zip", "Download failed", "FAILED_DOWNLOAD_ERROR", "page 1 of")
        expect("an answer that bob alone sees", shown, true=shown.ephemeral_to == "U0BOB")

    async def _digest(self) -> None:
        self._say("It is 08:30 UTC. The digest of #patch-news is planned for 09:00 on weekdays; the clock goes on.")
        self.world.clock.advance(timedelta(minutes=30))
        shown = await self._appears(NEWS, "failed patching attempts")
        expect_words(shown, "new failures", "still failing", "recovered", "next digest", "Source: ESET PROTECT")
        self._show(shown)
        self._say("What differs since the last one comes first. Below it: every device, the whole list, and a picture.")
        below = [said for said in await self._news("the whole list (") if "New: " in said.plain or said.files]
        files = [file.name.rpartition(".")[2] for said in below for file in said.files]
        expect("a picture and the list as files", files, true=sorted(files) == ["csv", "png"])
        for said in below:
            self._show(said)

    async def _devices(self) -> None:
        self._say("ESET's list of attempts names no device; its list by device does, and the names lead to N-sight's.")
        digest = await self._appears(NEWS, "failed patching attempts")
        self._console.print(terminal.pressed("bob", f"Retry… beside {CHROME}"))
        await self.slack.clicks("bob", "Retry…", digest, nth=_beside(digest, CHROME))
        form = await self.slack.view_of("bob", saying="On which devices")
        await self.slack.chooses("bob", "devices", [SERVER, WORKSTATION], form)
        expect(
            "a form that offers both devices", form.plain, true="SRV-DC01" in form.plain and "WH-PC-01" in form.plain
        )
        self._console.print(terminal.form(form))

    async def _request(self) -> None:
        await self._submits("bob")
        form = await self.slack.view_of("bob", saying="Failed patches")
        ticked = [form.chosen(f"patches.{device}") for device in (SERVER, WORKSTATION)]
        expect("Chrome ticked on both, and nothing else", ticked, true=ticked == [["4"], ["681922"]])
        await self.slack.chooses("bob", f"patches.{SERVER}", ["4", str(ARCHIVER)], form)
        self._say("The bot has ticked what it is sure of. Bob adds the archiver, which failed on the server too.")
        self._console.print(terminal.form(form))
        await self._submits("bob", {"reason": REASON})
        answer = await self.slack.last["bob"].answer(saying="Request #1 is made")
        self._show(answer)
        card = await self._appears(APPROVALS, "Waiting for approval")
        expect_words(card, "3 patches on 2 devices", "SRV-DC01", "WH-PC-01", "Contoso Ltd", "@patch-team", REASON)
        expect(
            "the buttons Approve, Deny, Withdraw", card.buttons, true=card.buttons == ["Approve", "Deny", "Withdraw"]
        )
        self._show(card)

    async def _submits(self, person: str, values: Mapping[str, str] | None = None) -> None:
        self._console.print(terminal.pressed(person, "Request" if values else "Next"))
        errors = await self.slack.submits(person, values)
        expect("a form that is taken", errors, true=not errors)

    async def _self_approval(self) -> None:
        refusal = await self._presses("bob", "Approve", saying="somebody else")
        expect("a refusal that bob alone sees", refusal, true=refusal.ephemeral_to == "U0BOB")
        expect("a request that still waits", self._card().plain, true="Waiting for approval" in self._card().plain)
        expect("no call to N-sight", self.world.nsight.retries, true=not self.world.nsight.retries)

    async def _approval(self) -> None:
        self.world.fail_again(int(SERVER), ARCHIVER)
        self._console.print(terminal.pressed("ann", "Approve"))
        await self.slack.clicks("ann", "Approve", self._card())
        card = await self._card_says("2 queued in N-sight")
        sent = sorted((retry.device_id, retry.ids) for retry in self.world.nsight.retries)
        expect(f"one patch_retry for each device: {SENT}", sent, true=sent == SENT)
        calls = self.world.nsight.calls.of("patch_retry")
        queries = ["&".join(f"{name}={value}" for name, value in call.params.items()) for call in calls]
        told = Text("\n".join(f"GET /api/?apikey=***&service=patch_retry&{query}" for query in queries))
        told.stylize("bold green")
        self._console.print(Panel(told, title=Text("what N-sight received"), title_align="left", border_style="green"))
        expect_words(card, "Approved by", "@ann", "queued")
        expect("no buttons on the card any more", card.buttons, true=card.buttons == [])
        self._show(card)

    async def _follow_up(self) -> None:
        self._say("Fifteen minutes later the bot reads both devices: still queued. Another fifteen minutes:")
        await self._reads_the_devices_after(LOOK)
        self.world.clock.advance(LOOK)
        card = await self._card_says("Devices: 2 finished")
        expect_words(card, "2 of 3 installed, 1 failed again")
        expect("two calls to N-sight all in all", self.world.nsight.retries, true=len(self.world.nsight.retries) == 2)
        self._show(card)
        self._say("Bob need not look: he is told directly, and so is the thread of the digest where it began.")
        for said in await self._news("has ended"):
            self._show(said)

    async def _again(self) -> None:
        end = (await self._thread("has ended"))[-1]
        self._console.print(terminal.pressed("bob", "Retry…"))
        await self.slack.clicks("bob", "Retry…", end)
        card = await self._appears(APPROVALS, "Asked again")
        expect_words(card, "request #1", "1 failed again", "7-Zip", "Waiting for approval")
        self._show(card)
        self._console.print(terminal.pressed("ann", "Approve"))
        await self.slack.clicks("ann", "Approve", card)
        await self._card_says("Queued by N-sight")
        await self._reads_the_devices_after(LOOK)
        self.world.clock.advance(LOOK)
        await self._card_says("Finished: 1 of 1 installed")
        for said in await self._news("Request #3 (SRV-DC01): 🏁"):
            self._show(said)

    async def _news(self, saying: str) -> list[Shown]:
        """The same, without what was there when this was asked last."""
        there = await self._thread(saying)
        fresh, self._read = there[self._read :], len(there)
        return fresh

    async def _thread(self, saying: str) -> list[Shown]:
        """The thread below the digest, once something there says so."""
        digest = await self._appears(NEWS, "failed patching attempts")
        there: list[Shown] = await self.slack.until(lambda: self._replies(digest, saying))
        return there

    def _replies(self, to: Shown, saying: str) -> list[Shown]:
        replies = [shown for shown in self.slack.messages if shown.thread_ts == to.ts and shown.ts != to.ts]
        return replies if any(saying in shown.plain for shown in replies) else []

    async def _two_people(self) -> None:
        self._say("A rule of the configuration says so: servers of this client, two approvals, each with a reason.")
        await self._types("bob", STRICT_REQUEST, saying="Request #4 is made")
        card = await self._appears(APPROVALS, "2 approvals needed, each with a reason: server at Northwind Traders")
        expect_words(card, "SRV-APP01", "Waiting for approval")
        self._show(card)
        for person, reason in (("ann", "agreed with the client"), ("carl", "backup is from today")):
            self._console.print(terminal.pressed(person, "Approve", reason))
            await self.slack.clicks(person, "Approve", self._card())
            await self.slack.view_of(person, saying="Why?")
            errors = await self.slack.submits(person, {"Why?": reason})
            expect("a reason that is taken", errors, true=not errors)
            await self._card_says(reason)
        card = await self._card_says("Queued by N-sight")
        expect_words(card, "Approved by @ann", "Approved by @carl")
        expect("one more call to N-sight", self.world.nsight.retries, true=len(self.world.nsight.retries) == 4)
        self._show(card)

    async def _trail(self) -> None:
        store = self.bot.services.store
        table = Table("when", "who", "what", "about", box=None, padding=(0, 2), header_style="dim")
        async for row in store.rows(None):
            who = self.slack.space.naming(row.actor)
            table.add_row(row.at[11:16], "the bot" if who == "bot" else who, row.action, row.subject)
        self._console.print(table)
        verdict = await store.verify()
        expect("an unbroken audit trail", verdict.problem, true=verdict.ok and verdict.rows == table.row_count)
        self._say(f"The hash chain is unbroken: {verdict.rows} rows, head {verdict.head}.")

    # ---------------------------------------------------------------- telling and waiting

    async def _types(self, person: str, text: str, *, saying: str) -> Shown:
        self._console.print(terminal.typed(person, self.slack.space.naming(HELPDESK), text))
        answer = await (await self.slack.says(person, text)).answer(saying=saying)
        self._show(answer)
        return answer

    async def _presses(self, person: str, button: str, *, saying: str) -> Shown:
        self._console.print(terminal.pressed(person, button))
        answer = await (await self.slack.clicks(person, button, self._card())).answer(saying=saying)
        self._show(answer)
        return answer

    async def _appears(self, channel: str, saying: str) -> Shown:
        """The newest message in a channel, and not in a thread, that says so, as soon as there is one."""
        shown: Shown = await self.slack.until(lambda: self._newest(channel, saying))
        return shown

    def _newest(self, channel: str, saying: str = "") -> Shown | None:
        there = [m for m in self.slack.messages if m.channel == channel and not m.thread_ts and not m.ephemeral_to]
        return next((m for m in reversed(there) if saying in m.plain), None)

    def _card(self) -> Shown:
        card = self._newest(APPROVALS)
        if card is None:
            raise NotAsToldError("a card in #patch-approvals", "none")
        return card

    async def _card_says(self, words: str) -> Shown:
        await self.slack.until(lambda: words in self._card().plain)
        return self._card()

    async def _reads_the_devices_after(self, wait: timedelta) -> None:
        calls = self.world.nsight.calls
        before = len(calls.of("patch_list_all"))
        self.world.clock.advance(wait)
        await calls.reach("patch_list_all", before + 1)
        await self.bot.settle()

    def _say(self, text: str) -> None:
        self._console.print(Padding(Text(text), (0, 0, 0, 2)))

    def _show(self, shown: Shown) -> None:
        self._console.print(terminal.message(shown))

    def admit(self, expected: str, seen: str) -> None:
        """Prints what was expected and what was seen instead."""
        words = Text.assemble(("expected  ", "bold"), expected, "\n", ("seen      ", "bold"), cut(seen, SEEN))
        title = Text(f"Step {self._number} did not go as told: {self.step}")
        self._console.print(Panel(words, title=title, title_align="left", border_style="red"))


def _beside(digest: Shown, application: str) -> int:
    """Which of the Retry… buttons stands below the group of an application. LookupError when it has none."""
    before, above = -1, ""
    for block in digest.blocks:
        if any(words.button_text(button) == "Retry…" for button in words.buttons([block])):
            before += 1
            if above.startswith(f"*{application}*"):
                return before
        above = str((block.get("text") or {}).get("text"))
    raise LookupError(f"the digest has no group of {application}")


def _farewell() -> Panel:
    words = Text.assemble(
        "Every step happened as told.\n",
        "Try it by hand, on a page with channels, buttons and a choice of who you are:\n\n    ",
        ("python -m bot demo", "bold cyan"),
        "\n\nConnect it to your own Slack, ESET PROTECT and N-sight: README.md, then ",
        ("python -m bot check", "bold cyan"),
        ".",
    )
    return Panel(words, title=Text("That was the main job"), title_align="left", border_style="green")
