"""Tables as CSV files that spreadsheets open as they are. Pure.

Cells come from outside, and a spreadsheet runs what it takes for a formula: such a cell gets an apostrophe in front
(owasp.org, "CSV Injection"). A spreadsheet that splits at semicolons (it depends on the reader's language) would find
more cells than there are, so what follows a semicolon is looked at as well.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

BOM = "\ufeff"  # without it Excel takes UTF-8 for the reader's old code page
_FORMULA = re.compile(r"""((?:^|;)[\s"]*)(?=[=+\-@＝＋－＠])""")
# Control characters, lone surrogates (not encodable) and bidirectional overrides.
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
SAME = 20_000  # cells to remember


def sheet(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A table: UTF-8 with a byte order mark, commas, CRLF (RFC 4180). A row is one line, whatever its cells hold."""
    file = io.StringIO(newline="")
    file.write(BOM)
    writer = csv.writer(file)
    writer.writerow(header)
    known = lru_cache(SAME)(cell)  # for this file alone: most cells of a column are one of a few
    writer.writerows([known(text) for text in row] for row in rows)
    return file.getvalue().encode()


def cell(text: str) -> str:
    """``text`` on one line, which no spreadsheet takes for a formula."""
    return _FORMULA.sub(r"\1'", _UNSHOWABLE.sub(" ", text).strip())
