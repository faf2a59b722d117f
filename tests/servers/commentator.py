"""A model on loopback that is shown pictures of clips: it says what it was shown, if the pictures are numbered ones.

Knows nothing of clips and of benchmarks.
"""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tests.clips import number_of
from tests.servers.chat import ChatOnLoopback, Messages, serving

_PREFIX = "data:image/jpeg;base64,"


def jpegs(messages: Messages) -> list[bytes]:
    """The pictures of a question, as they were sent."""
    parts: list[dict[str, Any]] = [part for part in messages[-1]["content"] if part["type"] == "image_url"]
    urls = [part["image_url"]["url"] for part in parts]
    assert all(url.startswith(_PREFIX) for url in urls)
    return [base64.b64decode(url.removeprefix(_PREFIX), validate=True) for url in urls]


def shown(messages: Messages) -> list[int]:
    """The numbers that the pictures of a question carry."""
    from PIL import Image

    return [number_of(np.asarray(Image.open(io.BytesIO(one)).convert("RGB"))) for one in jpegs(messages)]


def wording(messages: Messages) -> str:
    """The words that go with the pictures."""
    (text,) = (part["text"] for part in messages[-1]["content"] if part["type"] == "text")
    return str(text)


def reporting(messages: Messages) -> str:
    """Which pictures it was shown."""
    numbers = shown(messages)
    return f"From {numbers[0]} to {numbers[-1]}, {len(numbers)} pictures."


@contextmanager
def serve_commentator() -> Iterator[ChatOnLoopback]:
    """A running model."""
    model = ChatOnLoopback(reporting)
    with serving(model):
        yield model
