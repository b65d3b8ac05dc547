"""Who is who in Slack: users, members of usergroups, channels. Cached for five minutes unless asked freshly."""

import time
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from slack_sdk.web.async_client import AsyncWebClient

from bot.model import Person, Posted
from bot.web_api import call

T = TypeVar("T")
KEPT = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class Room:
    """A channel as the bot sees it."""

    id: str
    name: str
    member: bool
    archived: bool
    private: bool


@dataclass(frozen=True, slots=True)
class Me:
    """The bot's own identity, from auth.test. ``scopes`` is empty when Slack does not name them, ``enterprise``
    outside Enterprise Grid."""

    enterprise: str
    url: str
    team: str
    team_name: str
    user: str
    bot: str
    scopes: frozenset[str]


class _Kept(Generic[T]):
    def __init__(self) -> None:
        self._values: dict[str, tuple[float, T]] = {}

    def get(self, key: str) -> T | None:
        at, value = self._values.get(key, (float("-inf"), None))
        return value if time.monotonic() - at < KEPT else None

    def last(self, key: str) -> T | None:
        """What was told last, however long ago."""
        return self._values[key][1] if key in self._values else None

    def put(self, key: str, value: T) -> T:
        self._values[key] = (time.monotonic(), value)
        return value


class People:
    """Slack's directory. Every method raises UpstreamError(SLACK) when Slack cannot tell."""

    def __init__(self, client: AsyncWebClient, timeout: float) -> None:
        self._client, self._timeout = client, timeout
        self._persons: _Kept[Person] = _Kept()
        self._groups: _Kept[frozenset[str]] = _Kept()
        self._me: Me | None = None

    async def me(self) -> Me:
        """The bot itself (``auth.test``); the scopes come in a header."""
        answer = await call("auth.test", self._client.auth_test(), total=self._timeout)
        scopes = str(answer.headers.get("x-oauth-scopes") or "")
        self._me = Me(
            enterprise=str(answer.get("enterprise_id") or ""),
            url=str(answer.get("url") or ""),
            team=str(answer.get("team_id") or ""),
            team_name=str(answer.get("team") or ""),
            user=str(answer.get("user_id") or ""),
            bot=str(answer.get("bot_id") or ""),
            scopes=frozenset(filter(None, (scope.strip() for scope in scopes.split(",")))),
        )
        return self._me

    def address_of(self, where: Posted) -> str:
        """A message's address as Slack forms it, for when Slack does not tell; empty while the workspace is unknown."""
        if self._me is None or not self._me.url.startswith("https://"):
            return ""
        return f"{self._me.url.rstrip('/')}/archives/{where.channel}/p{where.ts.replace('.', '')}"

    async def person(self, user: str, *, fresh: bool = False) -> Person:
        """One user, from ``users.info``. The workspace must be known first: strangers are told by it."""
        me = self._me or await self.me()
        known = None if fresh else self._persons.get(user)
        if known:
            return known
        answer = await call("users.info", self._client.users_info(user=user), total=self._timeout)
        return self._persons.put(user, person_of(answer.get("user") or {}, me))

    async def members(self, group: str, *, fresh: bool = False) -> frozenset[str]:
        """User ids of a usergroup (``usergroups.users.list``)."""
        known = None if fresh else self._groups.get(group)
        if known is not None:
            return known
        pending = self._client.usergroups_users_list(usergroup=group)
        answer = await call("usergroups.users.list", pending, total=self._timeout)
        return self._groups.put(group, frozenset(answer.get("users") or ()))

    def remembered(self, user: str) -> Person | None:
        """The user as Slack told them last, perhaps long ago; nothing is asked."""
        return self._persons.last(user)

    def remembered_members(self, group: str) -> frozenset[str] | None:
        """Likewise for a usergroup."""
        return self._groups.last(group)

    async def room(self, channel: str) -> Room:
        pending = self._client.conversations_info(channel=channel)
        answer = await call("conversations.info", pending, total=self._timeout)
        data = answer.get("channel") or {}
        return Room(
            id=channel,
            name=str(data.get("name") or channel),
            member=bool(data.get("is_member")),
            archived=bool(data.get("is_archived")),
            private=bool(data.get("is_private")),
        )


def person_of(data: dict[str, Any], me: Me) -> Person:
    """A user as ``users.info`` tells it, seen from the bot's own workspace."""
    profile = data.get("profile") or {}
    name = profile.get("display_name") or data.get("real_name") or data.get("name") or data.get("id")
    return Person(
        id=str(data.get("id") or ""),
        name=str(name),
        team=str(data.get("team_id") or ""),
        deleted=bool(data.get("deleted")),
        bot=bool(data.get("is_bot")),
        guest=bool(data.get("is_restricted") or data.get("is_ultra_restricted")),
        stranger=bool(data.get("is_stranger")) or _elsewhere(data, me),
    )


def _elsewhere(data: dict[str, Any], me: Me) -> bool:
    """An account of another workspace; within the same Enterprise Grid organisation that is no stranger."""
    team = str(data.get("team_id") or "")
    enterprise = str((data.get("enterprise_user") or {}).get("enterprise_id") or "")
    if not team or not me.team or team == me.team:
        return False
    return not me.enterprise or enterprise != me.enterprise
