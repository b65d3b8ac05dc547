"""Patches: a Slack bot for patch management.

The flow in a minute::

    Slack ──> slack.py      ack at once, turn the payload into a call            (door)
                └─> flows/*  gather → decide → apply, in straight lines           (what the bot does)
                      ├─ decide:  commands.parse · approvals.step · digests.build · joining.join · matching.* (pure)
                      ├─ render:  blocks.*  value → Message or modal              (pure)
                      └─ edges:   store · messenger · people · clients.eset · clients.nsight
    scheduler.py ──> flows/* attempts to collect, digests due, requests to resume, expire, follow; cards to repair

``app.running(config)`` puts the pieces together; ``python -m bot`` is the front door. Imports run downward only
(``pyproject.toml`` has the layers, import-linter keeps them).
"""

__version__ = "0.1.0"
