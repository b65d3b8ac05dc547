"""The pages in docs/ say what the code does: one is written by it, and what the other cites is there."""

import re
import runpy
from pathlib import Path

import pytest

from bot.manifest import APP_SCOPES, SCOPES, WIDER
from bot.store.tables import METADATA

ROOT = Path(__file__).parents[1]
SECURITY = ROOT / "docs" / "security.md"
CITED = re.compile(r"`((?:bot|tests|docs)/[\w./-]+)(?:::(\w+))?`")
LINKED = re.compile(r"\]\((?!https?://)([^)#]+)(?:#[^)]*)?\)")


def test_the_table_of_approvals_is_what_the_code_says() -> None:
    written = runpy.run_path(str(ROOT / "docs" / "approvals.py"))["page"]()
    stored = (ROOT / "docs" / "approvals.md").read_text(encoding="utf-8")
    assert stored == written, "docs/approvals.md is out of date: run `python docs/approvals.py`"


def test_the_page_of_forms_is_what_the_code_shows() -> None:
    written = runpy.run_path(str(ROOT / "docs" / "modals.py"))["page"]()
    stored = (ROOT / "docs" / "modals.md").read_text(encoding="utf-8")
    assert stored == written, "docs/modals.md is out of date: run `python docs/modals.py`"


def test_every_file_and_test_that_the_security_page_names_is_there() -> None:
    cited = CITED.findall(SECURITY.read_text(encoding="utf-8"))
    assert len(cited) > 40, "the page cites hardly anything"
    missing = [f"{path}::{test}" if test else path for path, test in cited if not _there(path, test)]
    assert missing == []


def test_the_security_page_names_every_table() -> None:
    text = SECURITY.read_text(encoding="utf-8")
    assert [name for name in METADATA.tables if f"`{name}`" not in text] == []


def test_the_security_page_names_every_scope() -> None:
    text = SECURITY.read_text(encoding="utf-8")
    assert [scope for scope in (*SCOPES, *WIDER, *APP_SCOPES) if f"`{scope}`" not in text] == []


def _there(path: str, test: str) -> bool:
    file = ROOT / path
    return file.exists() and (
        not test or re.search(rf"^ *(async )?def {test}\(", file.read_text("utf-8"), re.MULTILINE) is not None
    )


@pytest.mark.parametrize("page", ["README.md", "docs/security.md", "docs/approvals.md", "docs/modals.md"])
def test_every_link_to_a_file_leads_somewhere(page: str) -> None:
    source = ROOT / page
    links = LINKED.findall(source.read_text(encoding="utf-8"))
    assert [link for link in links if not (source.parent / link).exists()] == []
