#!/usr/bin/env python3
"""Does the page of a run work in a browser? Opened from file:// in headless Chromium: it asks nobody for anything, runs
no script, is usable by keyboard, readable in light and dark and on a narrow screen.

    tests/report_page.py [--navi target/release/navi] [--screenshots DIRECTORY]

Needs Python 3.10 and Chromium (Debian: chromium) and nothing besides. Where there is no Chromium it says that it was
skipped, and ends with 0. With --screenshots it leaves what it saw, to be looked at.
"""

import argparse
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
WIDTHS = {"wide": 1280, "narrow": 390}


class Browser:
    """Chromium, by its DevTools protocol over a pipe: no port, no library."""

    def __init__(self, program, folder):
        to_browser, self.writer = os.pipe()
        self.reader, from_browser = os.pipe()

        def as_three_and_four():
            # High numbers first, so that neither is overwritten.
            ends = os.dup(to_browser), os.dup(from_browser)
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.process = subprocess.Popen(
            [
                program, "--headless", "--remote-debugging-pipe", f"--user-data-dir={folder}/profile", "--no-sandbox",
                "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--disable-extensions", "about:blank",
            ],
            preexec_fn=as_three_and_four, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.rest, self.number, self.session, self.requests, self.complaints = b"", 0, None, [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Network", "Runtime", "Log"]:
            self.call(f"{domain}.enable")

    def message(self):
        while b"\0" not in self.rest:
            more = os.read(self.reader, 1 << 20)
            if not more:
                raise RuntimeError("Chromium ended early")
            self.rest += more
        whole, self.rest = self.rest.split(b"\0", 1)
        return json.loads(whole)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.writer, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.heard(answer)

    def heard(self, event):
        if event.get("method") == "Network.requestWillBeSent":
            self.requests.append(event["params"]["request"]["url"])
        if event.get("method") == "Log.entryAdded":
            self.complaints.append(event["params"]["entry"]["text"])

    def open(self, path):
        self.call("Page.navigate", url=path.as_uri())
        while True:
            event = self.message()
            self.heard(event)
            if event.get("method") == "Page.loadEventFired":
                return

    def ask(self, expression):
        """The value of an expression; the page's policy binds its own scripts, not the debugger's."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def press(self, key, code, text=""):
        for kind in ["keyDown", "keyUp"]:
            extra = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **extra)

    def look(self, scheme, width, height=900, media="screen"):
        preferred = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=preferred)
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )

    def picture(self, whole=True):
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(shot["data"])

    def end(self):
        self.session = None
        try:
            self.call("Browser.close")
        except (RuntimeError, OSError):
            pass
        self.process.wait(timeout=20)


CONTRAST = """
(() => {
  const parts = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = text => {
    const [r, g, b] = parts(text).slice(0, 3).map(value => {
      value /= 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const weak = [];
  for (const element of document.querySelectorAll('main *, header *, footer, nav a')) {
    if (element.closest('svg') || !element.checkVisibility()) continue;
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own) continue;
    const [one, other] = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < 4.5) weak.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)}: ${element.textContent}`);
  }
  return weak;
})()
"""


def check(what, holds, found=""):
    if not holds:
        raise SystemExit(f"the page of a run: {what}\n{found}")


def by_keyboard(browser):
    """What a person without a mouse does: skip to the content, to a step, open it, show the critical path alone."""
    browser.press("Tab", 9)
    first = browser.ask("document.activeElement.className")
    check("the first stop is the link past the navigation", first == "skip", first)
    check("and it shows", browser.ask("document.activeElement.getBoundingClientRect().left >= 0"))
    browser.press("Enter", 13, "\r")
    check("it leads to the content", browser.ask("document.activeElement.id") == "main")
    stops = []
    for _ in range(400):
        browser.press("Tab", 9)
        here = browser.ask(
            "(() => { const at = document.activeElement; const style = getComputedStyle(at);"
            " return [at.tagName, at.id || at.parentElement.id, style.outlineStyle !== 'none', at.className]; })()"
        )
        if here[0] == "BODY":
            break
        check("whoever has the focus shows it", here[2], here)
        stops.append(here)
        if here[0] == "INPUT":
            browser.press(" ", 32, " ")
            shown, critical = browser.ask(
                "[...document.querySelectorAll('details.step')].filter(step => step.checkVisibility()).length"
            ), browser.ask("document.querySelectorAll('details.critical').length")
            check("only the critical path is left", shown == critical > 0, (shown, critical))
            browser.press(" ", 32, " ")
        if here[0] == "SUMMARY" and len([stop for stop in stops if stop[0] == "SUMMARY"]) == 1:
            browser.press("Enter", 13, "\r")
            check("a step opens", browser.ask("document.activeElement.parentElement.open"))
            check("and shows what it called", browser.ask("document.querySelector('details[open] .more').innerText.includes('called')"))
    reached = [stop[1] for stop in stops if stop[0] == "SUMMARY"]
    steps = browser.ask("document.querySelectorAll('details.step').length")
    check("every step is reached", len(reached) == steps > 0, (len(reached), steps))
    named = browser.ask(
        "[...document.querySelectorAll('[tabindex=\"0\"]')].every(part => part.getAttribute('aria-label'))"
    )
    check("what scrolls has a name", named)


def look_at(browser, path, screenshots):
    browser.requests.clear()
    browser.open(path)
    outside = [url for url in browser.requests if url != path.as_uri()]
    check("it asks for nothing", not outside, outside)
    check("its policy is kept", not browser.complaints, browser.complaints)
    check("it holds no script", browser.ask("document.scripts.length") == 0)
    grounds = set()
    for scheme in ["light", "dark"]:
        for name, width in WIDTHS.items():
            browser.look(scheme, width)
            grounds.add(browser.ask("getComputedStyle(document.body).backgroundColor"))
            wide = browser.ask("document.documentElement.scrollWidth")
            check(f"it fits on a {name} screen", wide <= width, (wide, width))
            weak = browser.ask(CONTRAST)
            check(f"it is readable in {scheme}", not weak, "\n".join(weak[:9]))
            if screenshots:
                picture = screenshots / f"{path.stem}-{scheme}-{name}.png"
                picture.write_bytes(browser.picture())
    check("light and dark differ", len(grounds) == 2, grounds)
    browser.look("dark", WIDTHS["wide"], media="print")
    check("it is dark on white on paper", not browser.ask(CONTRAST), "\n".join(browser.ask(CONTRAST)[:9]))
    closed = browser.ask("[...document.querySelectorAll('.more')].filter(part => !part.getBoundingClientRect().height).length")
    check("paper shows what is closed on the screen", closed == 0, closed)
    browser.look("light", WIDTHS["wide"])
    by_keyboard(browser)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--navi", type=pathlib.Path, default=TARGET / "release/navi")
    arguments.add_argument("--screenshots", type=pathlib.Path)
    arguments = arguments.parse_args()
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        print("skipped: there is no Chromium here, so nobody has looked at the page of a run in a browser")
        return
    if arguments.screenshots:
        arguments.screenshots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)

        def navi(*words):
            return subprocess.run(
                [arguments.navi.resolve(), *words, "--sandbox"], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True
            )

        stack = ROOT / "stacks/ecs-navi.yaml"
        try:
            for command in ["up", "down"]:
                ended = navi(command, "--yes", "-f", stack, "--report", f"{command}.html")
                check(f"navi {command} ends well", ended.returncode == 0, ended.stderr)
        finally:
            navi("sandbox", "stop")
        browser = Browser(program, folder)
        try:
            for page in ["up.html", "down.html"]:
                look_at(browser, folder / page, arguments.screenshots)
        finally:
            browser.end()
    print(f"the page of a run works in {program}: light and dark, wide and narrow, by keyboard, asking nobody")


if __name__ == "__main__":
    sys.exit(main())
