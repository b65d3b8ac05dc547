"""What became of the retries that ended in a digest's time. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bot.model import Fate

RECOVERED = frozenset({Fate.INSTALLED, Fate.RESTART})
FAILED_AGAIN = frozenset({Fate.FAILED_AGAIN})


@dataclass(frozen=True, slots=True)
class Retried:
    """Pairs of a request's number and how many of its patches, oldest request first."""

    recovered: tuple[tuple[int, int], ...] = ()
    failed_again: tuple[tuple[int, int], ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.recovered or self.failed_again)


NONE_ENDED = Retried()


def retried(ended: Iterable[tuple[int, Fate, int]]) -> Retried:
    """``ended``: so many patches of the request with this number came to that fate; each request and fate once."""
    recovered, again = Counter[int](), Counter[int]()
    for number, fate, patches in ended:
        if fate in RECOVERED:
            recovered[number] += patches
        elif fate in FAILED_AGAIN:
            again[number] += patches
    return Retried(tuple(sorted(recovered.items())), tuple(sorted(again.items())))
