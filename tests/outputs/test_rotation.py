"""Files of a source without an end: by the clock on the wall, no word lost, none written twice."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
import srt

from svlm_cli.core.errors import OutputError
from svlm_cli.core.types import Segment
from svlm_cli.outputs.destination import InPlaceFile
from svlm_cli.outputs.format import Format
from svlm_cli.outputs.opening import open_output
from svlm_cli.outputs.output import Output, Round
from svlm_cli.outputs.rotation import RotatingOutput, file_at
from svlm_cli.outputs.style import CueStyle
from tests.subtitle_checker import check_srt

NOON = time.mktime((2026, 11, 25, 12, 0, 0, 0, 0, -1))


def rounds(count: int, first_wall_s: float) -> list[Segment]:
    """Words that are all different, one or two a second."""
    return [
        Segment(0, index, index, index + 1, f" word{index}.", (1,), 0.1, wall_clock_s=first_wall_s + index)
        for index in range(count)
    ]


def rotating(folder: Path, every_s: float | None) -> RotatingOutput:
    def at(wall_s: float) -> Output:
        path = file_at(folder / "cam-%H%M%S.srt", wall_s, taken=Path.exists)
        return open_output(Format.SRT, InPlaceFile(path, overwrite=False), CueStyle())

    return RotatingOutput(at, every_s=every_s, shifts=True)


def test_every_word_is_in_one_file(tmp_path: Path) -> None:
    output = rotating(tmp_path, 60)
    for segment in rounds(220, NOON + 45):
        output.write(segment)
    output.close()
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [f"cam-12{clock}.srt" for clock in ("0045", "0100", "0200", "0300", "0400")]
    said = ""
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert check_srt(text) == []
        said += " ".join(cue.content for cue in srt.parse(text)) + " "
    assert said.replace("\n", " ").split() == [f"word{index}." for index in range(220)]


def test_a_sentence_is_not_cut_at_the_full_hour(tmp_path: Path) -> None:
    output = rotating(tmp_path, 60)
    for index, segment in enumerate(rounds(12, NOON + 55)):
        output.write(replace(segment, text=f" word{index}" if index != 8 else ""))
    output.close()
    first, second = sorted(tmp_path.iterdir())
    assert [cue.content.split()[-1] for cue in srt.parse(first.read_text())][-1] == "word7"
    cue, *_ = srt.parse(second.read_text())
    assert cue.content.split()[0] == "word9"
    assert cue.start.total_seconds() == pytest.approx(4, abs=0.1), "counted from the full minute"


def test_times_are_those_of_the_recording_beside_it(tmp_path: Path) -> None:
    """In the file of one o'clock, ten past one is at ten minutes."""
    output = rotating(tmp_path, 3600)
    first, *_ = rounds(1, NOON + 1800)
    output.write(first)
    output.write(replace(first, start_s=2400.0, end_s=2401.0, wall_clock_s=NOON + 1800 + 2400, gap_s=2399.0))
    output.close()
    (late,) = srt.parse((tmp_path / "cam-130000.srt").read_text())
    assert late.start.total_seconds() == pytest.approx(600, abs=0.1)


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    """A service that starts again within the hour, and an hour that comes twice in autumn, lose nothing."""
    pattern = tmp_path / "cam-%H.srt"
    assert file_at(pattern, NOON, taken=Path.exists).name == "cam-12.srt"
    (tmp_path / "cam-12.srt").touch()
    (tmp_path / "cam-12-1.srt").touch()
    assert file_at(pattern, NOON, taken=Path.exists).name == "cam-12-2.srt"


def test_a_clock_that_is_set_back_begins_another_file(tmp_path: Path) -> None:
    output = rotating(tmp_path, 3600)
    for segment in rounds(3, NOON):
        output.write(segment)
    for segment in rounds(6, NOON - 7200)[3:]:
        output.write(segment)
    output.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cam-100000.srt", "cam-120000.srt"]


@pytest.mark.parametrize("set_by_s", [-3600, -45, -6, -1, 1, 6, 45, 3600])
def test_no_clock_makes_a_file_longer(tmp_path: Path, set_by_s: float) -> None:
    """Set back by half a minute, the clock on the wall says the same minute for a minute and a half."""
    output = rotating(tmp_path, 60)
    for index, segment in enumerate(rounds(200, NOON + 5)):
        wall_s = NOON + 5 + index + (set_by_s if index >= 48 else 0)
        output.write(replace(segment, wall_clock_s=wall_s))
    output.close()
    said = []
    for file in tmp_path.iterdir():
        cues = list(srt.parse(file.read_text(encoding="utf-8")))
        assert cues, "none is empty"
        assert check_srt(file.read_text(encoding="utf-8")) == []
        assert cues[-1].end.total_seconds() - cues[0].start.total_seconds() <= 60 + 10
        assert cues[-1].end.total_seconds() <= 60 + 10
        said += [word for cue in cues for word in cue.content.split()]
    assert sorted(said) == sorted(f"word{index}." for index in range(200))


def test_a_correction_at_the_full_hour_makes_no_file_of_a_second(tmp_path: Path) -> None:
    """Clocks are corrected all the time: when the hour is over, it may be a second before the hour once more."""
    output = rotating(tmp_path, 60)
    for index, segment in enumerate(rounds(70, NOON)):
        output.write(replace(segment, text="", wall_clock_s=NOON + index - (1.2 if index >= 58 else 0)))
    output.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cam-120000.srt", "cam-120100.srt"]


def test_a_file_that_cannot_be_finished_does_not_end_the_next() -> None:
    class Broken:
        def write(self, segment: Round) -> None:
            """Takes it."""

        def close(self, *, complete: bool = True) -> None:
            raise OutputError("The disk is gone.")

    said: list[str] = []
    output = RotatingOutput(lambda wall_s: Broken(), every_s=1, shifts=True, tell=said.append)
    for segment in rounds(3, NOON):
        output.write(replace(segment, text=""))
    assert said == ["The disk is gone."] * 2
    with pytest.raises(OutputError):
        output.close()
