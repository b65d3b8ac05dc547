"""Reads tables of patches.toml key by key, remembers what was asked for, and tells what nobody asked for."""

import difflib
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from bot.config.values import Parse, T, Wrong, shown


def read(path: Path) -> dict[str, object]:
    """The file as tomllib gives it. Raises Wrong with the place of a mistake."""
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Wrong(f"{path} is not UTF-8 (byte {error.start + 1})") from None
    except OSError as error:
        raise Wrong(f"{path} cannot be read: {error.strerror}") from None
    try:
        return tomllib.loads(content)
    except (ValueError, RecursionError) as error:  # ValueError: TOMLDecodeError, and a number of 5,000 digits
        raise Wrong(f"{path} is not valid TOML: {error}") from None


class Table:
    """One table and where it stands. Every key is asked for once; ``close`` then faults the ones left over."""

    def __init__(self, path: str, data: Mapping[str, object], faults: list[str]) -> None:
        self.path, self._data, self._faults = path, data, faults
        self._known: list[str] = []
        self._wrong: set[str] = set()

    def has(self, key: str) -> bool:
        return key in self._data

    def names(self) -> tuple[str, ...]:
        """All keys, of a table in which people choose them."""
        return tuple(self._data)

    def wrong(self, key: str) -> bool:
        """Whether a fault of this key is noted, so that nothing is to be concluded from its value."""
        return key in self._wrong

    def right(self, key: str) -> bool:
        return self.has(key) and not self.wrong(key)

    def take(self, key: str, parse: Parse[T], default: T) -> T:
        """The parsed value; ``default`` when it is missing, and also when it is wrong (the fault is noted)."""
        self._known.append(key)
        if key not in self._data:
            return default
        try:
            return parse(self._data[key])
        except Wrong as wrong:
            self.fault(key, str(wrong))
            return default

    def need(self, key: str, parse: Parse[T], blank: T) -> T:
        """As ``take``, and a missing key is a fault; ``blank`` only fills the place until the faults are raised."""
        if key not in self._data:
            self.fault(key, "is missing")
        return self.take(key, parse, blank)

    def each(self, key: str, parse: Parse[T]) -> tuple[T, ...]:
        """A list, each item parsed on its own, repetitions dropped."""
        self._known.append(key)
        items = self._data.get(key, [])
        if not isinstance(items, list):
            self.fault(key, f"must be a list, in [ ], not {shown(items)}")
            return ()
        parsed: list[T] = []
        for index, item in enumerate(items):
            try:
                parsed.append(parse(item))
            except Wrong as wrong:
                self.fault(f"{key}[{index}]", str(wrong))
        return tuple(dict.fromkeys(parsed))

    def table(self, key: str) -> "Table":
        self._known.append(key)
        data = self._data.get(key, {})
        if not isinstance(data, dict):
            self.fault(key, f"must be a table, written [{self._at(key)}], not {shown(data)}")
            data = {}
        return Table(self._at(key), data, self._faults)

    def tables(self, key: str) -> "list[Table]":
        self._known.append(key)
        items = self._data.get(key, [])
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            self.fault(key, f"must be a list of tables, each written [[{self._at(key)}]]")
            return []
        return [Table(f"{self._at(key)}[{index}]", item, self._faults) for index, item in enumerate(items)]

    def close(self) -> None:
        for key in self._data:
            if key not in self._known:
                near = difflib.get_close_matches(key, self._known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(self._known)}"
                self.fault(_bare(key), f"unknown key; {hint}")

    def fault(self, key: str, sentence: str) -> None:
        self._wrong.add(key.partition("[")[0])
        self._faults.append(f"{self._at(key)}: {sentence}")

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def _bare(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)
