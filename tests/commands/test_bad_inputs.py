"""Every awkward input gives captions, or one clear sentence and its exit code: no traceback, no hang, no flood.

The corpus runs in this process, where the model is loaded once; the memory is that of ffmpeg too.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.clips import make_clip
from tests.conftest import Svlm
from tests.corpus import DONE, Awkward, corpus
from tests.subtitle_checker import check_srt

INPUTS = list(corpus())
LONGEST_S = 60.0
MOST_BYTES = 1_000_000_000  # above what there was


class Peak:
    """The most memory that this process and its children held meanwhile."""

    def __init__(self) -> None:
        self.bytes = 0
        self._ended = threading.Event()
        self._me = psutil.Process()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            total = self._me.memory_info().rss
            for child in self._me.children(recursive=True):
                try:
                    total += child.memory_info().rss
                except psutil.Error:
                    continue
            self.bytes = max(self.bytes, total)


@contextmanager
def watched() -> Iterator[Peak]:
    peak = Peak()
    peak._thread.start()
    try:
        yield peak
    finally:
        peak._ended.set()
        peak._thread.join()


def test_the_corpus_is_large_enough() -> None:
    assert len(INPUTS) >= 40
    assert len({one.name for one in INPUTS}) == len(INPUTS)


@pytest.mark.parametrize("awkward", INPUTS, ids=lambda one: one.name.replace(" ", "-"))
def test_it_is_captioned_or_told(awkward: Awkward, svlm_inside: Svlm, tiny_checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "inputs"
    folder.mkdir()
    path = awkward.make(folder)
    before = psutil.Process().memory_info().rss
    began = time.monotonic()
    with watched() as peak:
        done = svlm_inside("caption", "--model", tiny_checkpoint, "-q", "-o", "out.srt", "--", path)
    assert done.returncode in awkward.codes, done.stderr
    assert time.monotonic() - began < LONGEST_S
    assert peak.bytes - before < MOST_BYTES
    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr
    assert "\x1b" not in done.stderr
    if done.returncode == DONE:
        assert check_srt((tmp_path / "out.srt").read_text(encoding="utf-8")) == []
    else:
        assert done.stderr.splitlines()[-1].startswith("svlm: ")
        assert len(done.stderr.splitlines()) <= 2, done.stderr


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_pipe_that_closes(svlm_inside: Svlm, tiny_checkpoint: Path, tmp_path: Path, share: float) -> None:
    """By name, before, in the middle of and after a video."""
    data = make_clip(tmp_path / "clip.ts", frames=60).read_bytes()
    path = tmp_path / "pipe.ts"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(data[: int(len(data) * share)]))
    writer.start()
    done = svlm_inside("caption", path, "--model", tiny_checkpoint, "-q", "-o", "out.srt")
    writer.join()
    assert done.returncode in ((3,) if share == 0 else (0, 3)), done.stderr
    assert "Traceback" not in done.stderr
