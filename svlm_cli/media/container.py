"""The two containers of videos with words: their names, how ffmpeg writes them, how to see that a file is whole."""

from enum import StrEnum
from pathlib import Path

from svlm_cli.core.errors import UsageError
from svlm_cli.media.whole import is_whole_matroska, is_whole_mp4


class Container(StrEnum):
    """A file that takes pictures, sound and words; the value is its suffix."""

    MKV = "mkv"
    MP4 = "mp4"

    @classmethod
    def of(cls, path: Path) -> "Container":
        """What the file's name asks for; `UsageError` if it is neither."""
        try:
            return cls(path.suffix.lower().removeprefix("."))
        except ValueError as error:
            raise UsageError(f"{path} is neither .mkv nor .mp4.", "Give it one of these names.") from error

    @property
    def muxer(self) -> str:
        """Ffmpeg's name for it."""
        return "matroska" if self is Container.MKV else "mp4"

    @property
    def options(self) -> list[str]:
        """How ffmpeg writes it."""
        return ["-f", self.muxer] if self is Container.MKV else ["-f", self.muxer, "-movflags", "+faststart"]

    @property
    def words(self) -> str:
        """What ffmpeg writes text subtitles as."""
        return "srt" if self is Container.MKV else "mov_text"

    def is_whole(self, file: Path) -> bool:
        """Whether nothing of the file is missing, as far as its own sizes and its index tell."""
        return is_whole_matroska(file) if self is Container.MKV else is_whole_mp4(file)
