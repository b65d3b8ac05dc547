"""Makes docs/demo.png: starts the demo, plays a little in a headless Chromium, and takes a picture of the page.

Neither the bot nor its tests need what this needs: ``pip install playwright`` and a Chromium, either Playwright's own
(``playwright install chromium``) or the one whose path is in CHROMIUM. Without a font that has emoji, boxes are shown
in their place. From the repository's root: ``python docs/screenshots.py``
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

TARGET = Path(__file__).with_name("demo.png")
SIZE = {"width": 1280, "height": 800}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
FIRST = "/patches retry SRV-DC01 5 the archiver is out of date"
SECOND = "/patches retry KASSE-HOHE-02 failed editor was closed, please retry"


def main() -> None:
    command = [sys.executable, "-m", "bot", "demo", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:  # noqa: S603  our own program
        try:
            address = re.search(r"http://\S+", demo.stdout.readline() if demo.stdout else "")
            if address is None:
                raise SystemExit("the demo has not started")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM"), args=FLAGS)
                page = browser.new_page(viewport=SIZE, locale="en-GB", timezone_id="Europe/Berlin")
                page.goto(address[0])
                _play(page)
                page.screenshot(path=TARGET)
                browser.close()
        finally:
            demo.terminate()


def _play(page: Page) -> None:
    """One request approved and installed, a second one waiting, seen by the approver."""
    _type(page, FIRST)
    page.get_by_text("Request #1 is made").wait_for()
    _become_ann(page)
    page.get_by_role("button", name="Approve").click()
    page.locator(".thread").get_by_text("Finished: 1 of 1 installed").wait_for(timeout=90_000)
    page.select_option("#person", label="Bob")
    page.get_by_role("button", name="helpdesk").click()
    _type(page, SECOND)
    page.get_by_text("Request #2 is made").wait_for()
    _become_ann(page)
    page.get_by_role("button", name="Approve").wait_for()
    page.locator("#where").hover()


def _type(page: Page, command: str) -> None:
    page.locator("#text").fill(command)
    page.locator("#text").press("Enter")


def _become_ann(page: Page) -> None:
    page.get_by_role("button", name="Become Ann").click()
    page.get_by_text("patch team; approves").wait_for()


if __name__ == "__main__":
    main()
