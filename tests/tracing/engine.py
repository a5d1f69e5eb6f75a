"""The page's scripts in a real JavaScript engine."""

import json
from pathlib import Path

from py_mini_racer import MiniRacer

import chainrule.tracing

SCRIPTS = Path(chainrule.tracing.__file__).parent / "page"


class Scripts:
    """Scripts of the page without a page: what they compute, by calls with plain values."""

    def __init__(self, *names):
        self.context = MiniRacer()
        self.context.eval(BASE64)
        for name in names:
            self.context.eval((SCRIPTS / name).read_text("utf-8"))

    def __call__(self, code, **given):
        """The value of an expression of JavaScript, in which `given` are known by name."""
        names = ", ".join(given)
        values = ", ".join(json.dumps(value) for value in given.values())
        found = self.context.eval(f"JSON.stringify((({names}) => ({code}))({values}), told)")
        return json.loads(found)


# what browsers have and the bare engine lacks; and numbers that JSON lacks
BASE64 = """
function atob(text) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  let found = "", bits = 0, held = 0;
  for (const letter of text.replace(/=/g, "")) {
    held = ((held << 6) | letters.indexOf(letter)) & 0xffff;
    bits += 6;
    if (bits >= 8) found += String.fromCharCode((held >> (bits -= 8)) & 0xff);
  }
  return found;
}
const told = (_, value) =>
  value instanceof Float64Array ? Array.from(value, String)
  : typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
"""
