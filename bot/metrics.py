"""Prometheus figures, each counted where it happens. No label ever holds a name, an id or a secret."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class Metrics:
    """A registry of its own, so that two bots in one process (tests) do not share figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.interactions = Counter(
            "patches_interactions",
            "Commands, clicks and submissions from Slack",
            ["kind", "name"],
            registry=self.registry,
        )
        self.refusals = Counter("patches_refusals", "Answers that said no", registry=self.registry)
        self.failures = Counter(
            "patches_upstream_failures",
            "Failed calls that reached a person or a job",
            ["service", "kind"],
            registry=self.registry,
        )
        self.changes = Counter(
            "patches_request_changes", "Retry requests that entered a state", ["state"], registry=self.registry
        )
        self.calls = Counter(
            "patches_retry_calls", "patch_retry calls by what became of them", ["verdict"], registry=self.registry
        )
        self.digests = Counter("patches_digests_posted", "Digests posted", ["late"], registry=self.registry)
        self.collected = Counter("patches_attempts_seen", "Attempts seen for the first time", registry=self.registry)
        self.slack_up = Gauge("patches_slack_connected", "1 while Slack is connected", registry=self.registry)

    def text(self) -> bytes:
        """The exposition format that Prometheus scrapes."""
        return generate_latest(self.registry)
