"""Pages in a headless browser: a script in the page does what a reader does and tells of it."""

import html
import json
import re
import shutil
import subprocess

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)

READER = """
const all = (selector) => [...document.querySelectorAll(selector)];
const one = (selector) => document.querySelector(selector);
const keyed = (key) => all("#drawing [data-key]").find((element) => element.dataset.key === key);
const press = (key, at = document.activeElement) =>
  at.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const click = (element) => element.dispatchEvent(new MouseEvent("click", { bubbles: true }));
const type = (field, text) => {
  field.focus();
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
};
const text = (selector) => one(selector).textContent;
"""


def read(page, script, folder, size=None):
    """What a script in a page returns, in a window of a size; errors of the page are raised."""
    told = f"""<script>
    const faults = [];
    window.addEventListener("error", (event) => faults.push(event.message));
    </script>{{page}}<script>{{{READER}
    const made = document.createElement("pre");
    made.id = "told-to-the-test";
    try {{ made.textContent = JSON.stringify({{ found: (() => {{ {script} }})(), faults }}); }}
    catch (error) {{ made.textContent = JSON.stringify({{ faults: [error.stack] }}); }}
    document.body.append(made);
    }}</script>"""
    before, after = told.split("{page}")
    opened = page.replace("<head>", f"<head>{before}", 1).replace("</body>", f"{after}</body>", 1)
    return told_by(opened, folder, size)


def told_by(page, folder, size=None):
    path = folder / "page.html"
    path.write_text(page, "utf-8")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
        f"--user-data-dir={folder / 'browser'}", "--virtual-time-budget=5000",
        *([f"--window-size={size[0]},{size[1]}"] if size else []), path.as_uri(),
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    found = re.search(r'<pre id="told-to-the-test">(.*?)</pre>', run.stdout, re.DOTALL)
    assert found, run.stdout[-2000:] + run.stderr[-2000:]
    answer = json.loads(html.unescape(found[1]))
    assert answer["faults"] == []
    return answer["found"]
