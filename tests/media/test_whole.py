"""Files that lack something at their end: every one of them is noticed, wherever it was cut."""

from pathlib import Path

import pytest

from svlm_cli.media.container import Container
from tests.clips import make_clip


@pytest.mark.parametrize("container", Container)
def test_no_cut_is_overlooked(tmp_path: Path, container: Container) -> None:
    """Guards against ffmpeg's exit code 0 on a disk that is full: the last parts are missing, the first are fine."""
    path = make_clip(tmp_path / f"o.{container}", frames=10, options=container.options)
    assert container.is_whole(path)
    data = path.read_bytes()
    for length in {*range(0, len(data), 97), *range(len(data) - 30, len(data))}:
        path.write_bytes(data[:length])
        assert not container.is_whole(path), length
    path.write_bytes(data + b"\0")
    assert not container.is_whole(path)


@pytest.mark.parametrize(("container", "index"), [(Container.MKV, b"\x1c\x53\xbb\x6b"), (Container.MP4, b"moov")])
def test_without_an_index_it_is_not_whole(tmp_path: Path, container: Container, index: bytes) -> None:
    path = make_clip(tmp_path / f"o.{container}", frames=4)
    data = path.read_bytes()
    at = data.rindex(index)
    path.write_bytes(data[:at] + (b"\x1c\x53\xbb\x6c" if container is Container.MKV else b"free") + data[at + 4 :])
    assert not container.is_whole(path)
