"""A video that ffmpeg writes is whole, or it is not there: whatever ffmpeg says, and whatever was there before."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import OutputError
from svlm_cli.media.container import Container
from svlm_cli.media.conversion import convert
from svlm_cli.media.ffmpeg import Ffmpeg
from svlm_cli.media.header import StreamKind
from svlm_cli.media.part import PartVideo
from tests.clips import CARRIED, make_clip
from tests.media.stand_in import CUT, FULL, FULL_IN_SILENCE, stand_in

NO_ROOM = r"There is no room left on the disk for \S*out\.m\S\S\. Make room"
NOT_WHOLE = r"out\.m\S\S is incomplete or cannot be read back\."


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 8 kB."""
    return make_clip(tmp_path_factory.mktemp("conversion") / "clip.mkv", frames=60, size=(320, 240))


def copy(program: Ffmpeg, clip: Path, path: Path, *, overwrite: bool = False, needs: dict[StreamKind, int]) -> None:
    video = PartVideo(path, overwrite=overwrite)
    convert(
        *(program, ["-i", str(clip), "-c", "copy"], video, Container.of(path), needs),
        hint="",
        folder=clip.parent,
        on_progress=lambda done_s: None,
    )


@pytest.mark.parametrize("suffix", Container)
@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        pytest.param(":", CUT, NOT_WHOLE, id="cut off"),
        pytest.param(FULL, "", NO_ROOM, id="killed at the limit"),
        pytest.param(FULL_IN_SILENCE, "code=0", NO_ROOM, id="told of the limit"),
    ],
)
def test_what_is_not_whole_gets_no_name(
    clip: Path, tmp_path: Path, suffix: str, before: str, after: str, sentence: str
) -> None:
    """Guards the file that was there: FFmpeg 5 ends with 0 if only the last bytes do not fit."""
    path, program = tmp_path / f"out.{suffix}", Ffmpeg(str(stand_in(tmp_path / "bin", before=before, after=after)))
    path.write_text("precious")
    with pytest.raises(OutputError, match=sentence):
        copy(program, clip, path, overwrite=True, needs={StreamKind.VIDEO: 1})
    assert {one.name for one in tmp_path.iterdir()} == {"bin", path.name}
    assert path.read_text() == "precious"


def test_what_is_whole_does(clip: Path, tmp_path: Path) -> None:
    """Guards against a check that no file passes; and against one that any video passes."""
    for suffix in Container:
        copy(CARRIED, clip, tmp_path / f"out.{suffix}", needs={StreamKind.VIDEO: 1})
        with pytest.raises(OutputError, match="is incomplete or cannot be read back"):
            copy(CARRIED, clip, tmp_path / f"lacking.{suffix}", needs={StreamKind.VIDEO: 1, StreamKind.SUBTITLES: 1})
    assert {one.name for one in tmp_path.iterdir()} == {"out.mkv", "out.mp4"}


def test_the_last_thing_said_is_told_once(clip: Path, tmp_path: Path) -> None:
    """Guards the sentence against ffmpeg's tags, its notes of repetition, its warnings and the name of our own file."""
    says = f"""for last; do :; done
        for line in "[mp4 @ 0x1] [error] the first" "[mp4 @ 0x1] [error] $last: the {chr(27)}last" \
            "    Last message repeated 3 times" "[warning] a warning" "[error] "; do echo "$line" >&2; done; code=1"""
    program = Ffmpeg(str(stand_in(tmp_path / "bin", after=says)))
    with pytest.raises(OutputError) as caught:
        copy(program, clip, tmp_path / "out.mp4", needs={StreamKind.VIDEO: 1})
    name = tmp_path / "out.mp4"
    assert caught.value.message.startswith(f"{name} cannot be written. {name}: the ")
    assert caught.value.message.endswith("ast")
    assert "\x1b" not in caught.value.message
