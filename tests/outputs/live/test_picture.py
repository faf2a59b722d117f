"""The picture of the live view in the documentation: small, and of a view as it is today."""

import re
import xml.etree.ElementTree as ET

from svlm_cli.outputs.live.choice import Choice
from svlm_cli.outputs.live.page import Page
from tests.outputs.live.picture import PICTURE, SIZE, svg
from tests.outputs.live.scenes import channel


def words(text: str) -> str:
    """All that is written in it."""
    return "".join(ET.fromstring(text).itertext()).replace("\xa0", " ")


def test_a_screen_becomes_a_picture() -> None:
    rows = Page("svlm-mini").compose([channel("a & b", ["One <nil>."])], Choice(), SIZE, 1.0)
    text = svg(rows, SIZE[0], "A title")
    assert "a & b" in words(text)
    assert "One <nil>." in words(text)
    assert len(re.findall('fill="#[0-9a-f]{2}2828"', text)) > 20, "pixels of the scene's red"


def test_the_picture_is_of_today() -> None:
    """Whoever changes the footer makes it anew: `python -m tests.outputs.live.picture`."""
    text = PICTURE.read_text(encoding="utf-8")
    assert len(text) < 300_000
    shown = words(text)
    for part in (
        "svlm-mini",
        " LIVE ",
        "fps in and seen",
        "tokens/s",
        "q quit  p pause  s save  ↑↓ scroll",
        "Goal for",
    ):
        assert part in shown
