"""Every message and modal that the bot can show: a value in, a ``Message`` or a view out. Pure.

One module per thing shown; ``text`` holds what they share. Slack's limits are kept here, by cutting, never by luck:
50 blocks in a message, 3,000 characters in a section, and far below the 13,000 characters at which Slack refuses a
whole message (docs.slack.dev, Block Kit reference).
"""
