"""CSV files: what a spreadsheet reads is what was written, and nothing of it is a formula."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import sheets

ANY = st.text(st.characters(codec=None), max_size=30)
TRICKY = st.text(st.sampled_from("=+-@;,\"' \t\r\n\ud800a＝"), max_size=9)


def read(file: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def test_a_table_is_utf_8_with_a_mark_and_lines_of_crlf() -> None:
    file = sheets.sheet(["Application", "Tries"], [["Übersicht, neu", "3"], ['7-Zip "x64"', "1"]])
    assert file == '\ufeffApplication,Tries\r\n"Übersicht, neu",3\r\n"7-Zip ""x64""",1\r\n'.encode()


def test_a_table_without_rows_is_its_header() -> None:
    assert read(sheets.sheet(["Application", "Tries"], [])) == [["Application", "Tries"]]


FORMULAS = [
    ("=1+1", "'=1+1"),
    ("+49 30 1234", "'+49 30 1234"),
    ("-2", "'-2"),
    ("@SUM(A1)", "'@SUM(A1)"),
    ("\t=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
    ("\r\n=1", "'=1"),
    ('"=1', "\"'=1"),
    ("＝1+1", "'＝1+1"),
    ("7-Zip;=1+1", "7-Zip;'=1+1"),
    ('7-Zip; "@x', "7-Zip; \"'@x"),
    ("Notepad++", "Notepad++"),
    ("a=b", "a=b"),
    ("a\nb", "a b"),
    ("a\x00b\ud800", "a b"),
    ("", ""),
]


@pytest.mark.parametrize(("told", "kept"), FORMULAS)
def test_a_formula_becomes_text(told: str, kept: str) -> None:
    assert sheets.cell(told) == kept


@given(st.lists(st.lists(ANY | TRICKY, min_size=2, max_size=2), max_size=5))
def test_whatever_is_written_reads_back_as_one_line_a_row(rows: list[list[str]]) -> None:
    file = sheets.sheet(["a", "b"], rows)
    assert read(file) == [["a", "b"], *([sheets.cell(text) for text in row] for row in rows)]
    assert file.count(b"\n") == len(rows) + 1


@given(st.lists(st.lists(ANY | TRICKY, min_size=1, max_size=3), max_size=5))
def test_no_reader_finds_a_formula_whichever_separator_it_takes(rows: list[list[str]]) -> None:
    file = sheets.sheet(["a"], rows)
    for delimiter in (",", ";"):
        for row in read(file, delimiter):
            assert [cell for cell in row if cell.lstrip(' "')[:1] in set("=+-@＝＋－＠")] == []
