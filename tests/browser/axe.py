"""axe-core, which knows what keeps people from using a page: https://github.com/dequelabs/axe-core"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Page

INSTALLED = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
# All that is on of itself (WCAG 2.2 A and AA, best practice), and what of AA is off because it is young.
EVERYTHING = {"rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations"]}
RUN = """async (options) => {
  const told = await axe.run(document, options);
  return told.violations.flatMap(({ id, impact, nodes }) => nodes.map(({ target, failureSummary }) => ({
    id, impact, target: target.join(" "), failureSummary,
  })));
}"""


def source() -> str:
    """axe-core itself, from the file that AXE names or from where npm put it; "" when it is in neither place."""
    path = Path(os.environ.get("AXE") or INSTALLED)
    return path.read_text(encoding="utf-8") if path.is_file() else ""


async def violations(page: Page, script: str) -> list[str]:
    """What axe-core holds against the page as it stands, a line each: how grave, which rule, which node, why."""
    # Evaluated, not added as a script: the page's policy lets no other script in.
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(f"() => {{ {script} }}")
    found: list[dict[str, Any]] = await page.evaluate(RUN, EVERYTHING)
    return sorted({_line(one) for one in found})


def _line(one: dict[str, Any]) -> str:
    why = " ".join(one["failureSummary"].split())
    return f"{one['impact']}: {one['id']} at {one['target']}: {why}"


def listed(found: dict[str, Sequence[str]]) -> str:
    """The violations by the view they were found on, for a person to read; "" when there are none."""
    return json.dumps({view: lines for view, lines in found.items() if lines}, indent=1, ensure_ascii=False)
