"""Reads environment variables name by name; secrets also from the file that NAME_FILE points to."""

from collections.abc import Mapping
from pathlib import Path

from bot.config.values import Parse, T, Wrong


class Environment:
    """An empty variable counts as unset. Faults are noted, never raised, and hold no secret's text."""

    def __init__(self, env: Mapping[str, str], faults: list[str]) -> None:
        self._env, self._faults = env, faults

    def has(self, name: str) -> bool:
        return bool(self._env.get(name))

    def take(self, name: str, parse: Parse[T], default: T) -> T:
        """The parsed value; ``default`` when unset, and also when wrong (the fault is noted)."""
        raw = self._env.get(name, "")
        return self._parsed(name, raw, parse, default) if raw.strip() else default

    def need(self, name: str, parse: Parse[T], blank: T, why: str) -> T:
        """As ``take``, and an unset name is a fault; ``why`` says what it is for or where to find it."""
        if not self._env.get(name, "").strip():
            self.fault(name, f"is missing: {why}")
        return self.take(name, parse, blank)

    def secret(self, name: str, parse: Parse[T], default: T, why: str | None = None) -> T:
        """A value that may also stand in the file NAME_FILE (one trailing line end is not part of it).

        Unset is a fault when ``why`` is given."""
        path = self._env.get(f"{name}_FILE")
        if path and self._env.get(name):
            self.fault(name, f"set {name} or {name}_FILE, not both")
            return default
        raw = self._content(f"{name}_FILE", path) if path else self._env.get(name, "")
        if raw:
            return self._parsed(name, raw, parse, default)
        if raw is not None and why is not None:
            self.fault(name, f"is missing: {why}")
        return default

    def later(self, name: str) -> None:
        """A name of the contract that this version cannot serve: refused, never accepted and ignored."""
        for spelling in (name, f"{name}_FILE"):
            if self._env.get(spelling):
                self.fault(spelling, "is not built yet; leave it unset")

    def fault(self, name: str, sentence: str) -> None:
        self._faults.append(f"{name}: {sentence}")

    def _parsed(self, name: str, raw: str, parse: Parse[T], default: T) -> T:
        try:
            return parse(raw)
        except Wrong as wrong:
            self.fault(name, str(wrong))
            return default

    def _content(self, name: str, path: str) -> str | None:
        """The file's text, "" is possible; None when a fault was noted."""
        try:
            text = Path(path).read_bytes().decode("utf-8-sig")
        except OSError as error:
            self.fault(name, f"{path} cannot be read: {error.strerror}")
            return None
        except ValueError:
            self.fault(name, f"{path} does not hold text in UTF-8")
            return None
        if not text.strip():
            self.fault(name, f"{path} is empty")
            return None
        return text.removesuffix("\n").removesuffix("\r")
