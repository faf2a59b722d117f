"""A words file that a run appends to, with an index of its videos. Does not know whose words they are."""

from pathlib import Path

from svlm_cli.core.closing import Closing
from svlm_cli.core.errors import InputError
from svlm_cli.core.text import plain_text
from svlm_cli.curation.words_file import BadLineError, SpokenVideo, identity, spoken_video, words_line
from svlm_cli.jsonl.lines import is_object
from svlm_cli.jsonl.locked_lines import LockedLines

_BEGINNING = b'{"video":'


class GrowingWords(Closing):
    """Locked while open. Existing lines are read once; `InputError` if one is invalid.

    An incomplete last line, left by a killed writer, is removed by the first `append`. Raises `OutputError`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[str, int] = {}  # byte offset of each video's line
        self.sources: set[str] = set()
        self.notice = ""
        self._lines = LockedLines(path, is_object)
        try:
            self._look()
        except BaseException:
            self.close()
            raise

    def _look(self) -> None:
        name, place = plain_text(str(self._path)), 0
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n") and not is_object(line) and _is_ours(line):
                    self.notice = f"The last line of {name} is incomplete and is left out: its writer was stopped."
                elif line.strip():
                    try:
                        self._note(spoken_video(line, self._path.parent), place)
                    except BadLineError as error:
                        raise InputError(f"{name}:{number}: {error}.", "Correct it, or choose another -o.") from error
                place += len(line)

    def _note(self, video: SpokenVideo, place: int) -> None:
        key = identity(video.video)
        if key in self._places:
            raise BadLineError("the video is in a line above already")
        self._places[key] = place
        self.sources.add(video.source)

    def __contains__(self, video: Path) -> bool:
        return identity(video) in self._places

    def find(self, video: Path) -> SpokenVideo | None:
        """The video's line, if it exists."""
        place = self._places.get(identity(video))
        if place is None:
            return None
        with self._path.open("rb") as file:
            file.seek(place)
            return spoken_video(file.readline(), self._path.parent)

    def append(self, video: SpokenVideo) -> None:
        """Add a video. Raises `OutputError`; then the file is unchanged."""
        line = words_line(video, self._path.parent).encode()
        self._lines.append(line)
        self._places[identity(video.video)] = self._path.stat().st_size - len(line)
        self.sources.add(video.source)

    def close(self) -> None:
        """Close and unlock the file."""
        self._lines.close()


def _is_ours(line: bytes) -> bool:
    return line.startswith(_BEGINNING) or _BEGINNING.startswith(line)
