"""axe-core in a page of ours, under our own policy: it comes by the debugger, not by a script tag."""

from functools import cache
from pathlib import Path
from typing import Any, Final

import axe_playwright_python

_RUN: Final = """async () => {
  const found = await axe.run(document, {
    resultTypes: ["violations"],
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  });
  return found.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${v.help}: ${n.html.slice(0, 160)}`));
}"""

# Drawings follow their box one frame after it changed.
_SIDEWAYS: Final = """async () => {
  for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
  return document.documentElement.scrollWidth - document.documentElement.clientWidth;
}"""


@cache
def _source() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Any) -> list[str]:
    """Return what axe finds on the page as it stands: rule, what it asks, the element."""
    page.evaluate(_source())
    found: list[str] = page.evaluate(_RUN)
    return found


def sideways(page: Any) -> int:
    """Return by how many pixels the page scrolls sideways; it never should."""
    width: int = page.evaluate(_SIDEWAYS)
    return width
