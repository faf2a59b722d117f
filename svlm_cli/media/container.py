"""The two containers of videos with words: their names, ffmpeg's options, and whether a file is complete."""

from enum import StrEnum
from pathlib import Path

from svlm_cli.core.errors import UsageError
from svlm_cli.media.whole import is_whole_matroska, is_whole_mp4


class Container(StrEnum):
    """A container for video, audio and subtitles; its value is the file suffix."""

    MKV = "mkv"
    MP4 = "mp4"

    @classmethod
    def of(cls, path: Path) -> "Container":
        """The container that the file's suffix asks for; `UsageError` for any other suffix."""
        try:
            return cls(path.suffix.lower().removeprefix("."))
        except ValueError as error:
            raise UsageError(f"{path} is neither .mkv nor .mp4.", "Give it one of these names.") from error

    @property
    def muxer(self) -> str:
        """The name of ffmpeg's muxer."""
        return "matroska" if self is Container.MKV else "mp4"

    @property
    def options(self) -> list[str]:
        """The options of ffmpeg's muxer."""
        return ["-f", self.muxer] if self is Container.MKV else ["-f", self.muxer, "-movflags", "+faststart"]

    @property
    def words(self) -> str:
        """The codec of text subtitles."""
        return "srt" if self is Container.MKV else "mov_text"

    def is_whole(self, file: Path) -> bool:
        """Whether the file is complete, judging by its own sizes and index."""
        return is_whole_matroska(file) if self is Container.MKV else is_whole_mp4(file)
