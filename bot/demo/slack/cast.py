"""Who and what there is in the workspace at first: a requester, two approvers, and everybody who may not approve."""

from bot.demo.slack.model import BOT_USER, GUIDE, OTHER_TEAM, Channel, User, Usergroup

NEWS, APPROVALS, HELPDESK, PRIVATE = "C0PATCHNEWS", "C0PATCHAPPROVE", "C0HELPDESK", "C0SECOPS"
APPROVERS = "S0PATCHTEAM"


def people() -> list[User]:
    return [
        User("U0BOB", "bob", "Bob Baumann"),
        User("U0ANN", "ann", "Ann Ahrens"),
        User("U0CARL", "carl", "Carl Çelik"),
        User("U0DAVE", "dave", "Dave Dörfler"),
        User("U0GINA", "gina", "Gina Guest", guest=True),
        User("U0ZOE", "zoe", "Zoë of Northwind", team=OTHER_TEAM, stranger=True),
        User("U0OTTO", "otto", "Otto, who left", deleted=True),
        User("U0HUBBOT", "hubbot", "Hubbot", bot=True),
        User(BOT_USER, "patches", "Patches", bot=True),
        User(GUIDE, "slackbot", "Slackbot"),
    ]


def channels() -> list[Channel]:
    staff = {"U0BOB", "U0ANN", "U0CARL", "U0DAVE", "U0HUBBOT"}
    return [
        Channel(NEWS, "patch-news", staff | {BOT_USER}),
        Channel(APPROVALS, "patch-approvals", staff | {BOT_USER, "U0GINA", "U0ZOE"}),
        Channel(HELPDESK, "helpdesk", staff | {BOT_USER, "U0GINA"}),
        Channel(PRIVATE, "secops", {"U0ANN", "U0BOB"}, private=True),
        Channel("C0RANDOM", "random", staff),
    ]


def usergroups() -> list[Usergroup]:
    return [
        Usergroup(APPROVERS, "patch-team", "Patch team", ["U0ANN", "U0CARL"]),
        Usergroup("S0HELPDESK", "helpdesk", "Help desk", ["U0BOB", "U0ANN", "U0CARL"]),
    ]
