"""The world the bot is tried and tested in: stand-ins of Slack, ESET Connect and N-sight on loopback ports.

They tell one story: `fleet` holds clients, devices, patches and ESET's attempts, `nsight` and `eset` serve it,
`world` puts them together with Slack's stand-in on one `clock`. They keep state, they are stricter than the vendors,
`faults` makes them misbehave on request, and they record all that arrives. Imported by ``__main__`` and tests only.
"""
