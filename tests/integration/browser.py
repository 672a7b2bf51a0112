"""A headless Chromium, driven over its debugging pipe (JSON messages ended by NUL), so that no driver is needed."""

import base64
import json
import os
import select
import subprocess
import time

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--no-first-run",
    "--remote-debugging-pipe",
]


class Browser:
    def __init__(self, folder, width=1280, height=800):
        """folder: for its profile and its log."""
        commands, self.out = os.pipe()
        self.answers, replies = os.pipe()
        home = {"HOME": str(folder), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        self.log = open(folder / "chromium.log", "wb")
        # The browser expects the pipe at descriptors 3 and 4.
        start = ["bash", "-c", 'exec {in}<&$1 {out}>&$2; shift 2; exec "$@" 3<&$in 4>&$out', "bash"]
        self.process = subprocess.Popen(
            [*start, str(commands), str(replies), "chromium", *FLAGS]
            + [f"--user-data-dir={folder}/profile", f"--window-size={width},{height}", "about:blank"],
            pass_fds=(commands, replies),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            env=home,
        )
        os.close(commands)
        os.close(replies)
        self.number, self.buffer, self.events = 0, b"", []
        page = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self.session = attached["sessionId"]
        view = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.page("Emulation.setDeviceMetricsOverride", **view)

    def _receive(self, deadline):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.answers], [], [], max(0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
            data = os.read(self.answers, 1 << 20)
            assert data, "the browser is gone"
            self.buffer += data
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def call(self, method, session=None, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + 60
        while True:
            answer = self._receive(deadline)
            if answer.get("id") == self.number:
                assert "error" not in answer, (method, answer)
                return answer["result"]

    def page(self, method, **params):
        return self.call(method, self.session, **params)

    def evaluate(self, expression):
        return self.page("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def text(self):
        return self.evaluate("document.body ? document.body.innerText : ''") or ""

    def open(self, url):
        self.page("Page.navigate", url=url)

    def wait_for(self, expression, what, seconds=90):
        """Until the JavaScript expression is true; what the page says otherwise."""
        deadline = time.monotonic() + seconds
        while not self.evaluate(expression):
            assert time.monotonic() < deadline, f"no {what} within {seconds} s; the page says:\n{self.text()}"
            time.sleep(0.25)

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self.page("Page.captureScreenshot", format="png")["data"]))

    def close(self):
        try:
            self.call("Browser.close")
        except (AssertionError, OSError):
            self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.out)
        os.close(self.answers)
        self.log.close()
