"""How many examples a property is held against: some in the plain part, twenty times as many in the deep one.

`conftest` registers the two profiles and loads the one that is asked for, before any test is read.
"""

from hypothesis import settings

PLAIN, DEEP = 25, 500


def examples(plain: int) -> int:
    """For ``max_examples`` of a property whose examples are dear; ``plain`` is their number in the plain part."""
    return plain * settings().max_examples // PLAIN
