"""What a supervisor remembers on disk, and how a camera goes on by it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import OutputBusyError, OutputError
from svlm_cli.core.events import RoundEnded
from svlm_cli.fleet.cameras.log import CameraLog
from svlm_cli.fleet.cameras.memory import CameraMemory, CameraRecord
from svlm_cli.outputs.format import Format
from svlm_cli.pipeline.batch import Job, Target
from svlm_cli.pipeline.settings import SessionSettings

ZERO_S = 1_700_000_000.0


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[CameraMemory]:
    with CameraMemory(tmp_path / "memory.db") as memory:
        yield memory


def said(start_s: float, text: str = "a b", *, wall_s: float | None = None, gap_s: float = 0.0) -> RoundEnded:
    """A second of a worker's clock."""
    wall_s = ZERO_S + start_s if wall_s is None else wall_s
    return RoundEnded("front", start_s, start_s + 1, text, 2, 0.1, wall_clock_s=wall_s, gap_s=gap_s)


def job_in(folder: Path, *formats: Format) -> Job:
    targets = tuple(Target(one, folder / f"front-%Y.{one}") for one in formats or (Format.JSONL,))
    return Job(SourceAddress("rtsp://10.0.0.1/live"), targets, name="front")


def log_in(folder: Path, record: CameraRecord | None = None, *formats: Format) -> CameraLog:
    return CameraLog(job_in(folder, *formats), SessionSettings(), lambda line: None, record)


def rounds(folder: Path) -> list[tuple[float, float, float]]:
    lines = [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]
    return [(one["start"], one["end"], one.get("gap_s", 0.0)) for one in lines]


def test_what_is_noted_is_there_after_the_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    log = log_in(tmp_path)
    first = CameraMemory(path)
    assert not first.interrupted
    number = first.begin()
    log.write(said(0, "hello"))
    assert log.record is not None
    first.note("front", log.record)
    first.write(now=True)
    first.close()  # without its end
    with CameraMemory(path) as second:
        assert second.interrupted
        assert second.begin() > number
        assert second.records == {"front": log.record}


def test_of_a_call_that_has_ended_nothing_is_left(memory: CameraMemory, tmp_path: Path) -> None:
    memory.begin()
    memory.end()
    assert [*tmp_path.iterdir()] == []


def test_one_call_at_a_time(memory: CameraMemory) -> None:
    with pytest.raises(OutputBusyError, match="Another call is watching these cameras"):
        CameraMemory(memory.path)


def test_what_is_no_memory_is_told(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    path.write_text("something else, long enough to be looked at" * 100)
    with pytest.raises(OutputError, match=r"cannot be used: file is not a database\. Delete it to start over"):
        CameraMemory(path)


def test_the_words_kept_are_the_last_ones() -> None:
    record = CameraRecord(0.0)
    for index in range(1000):
        record = record.add(index + 1.0, f"word{index}")
    assert record.said.endswith("word998 word999")
    assert record.said.startswith("word")
    assert len(record.said) <= 2000


def test_another_worker_goes_on_in_the_same_file_after_a_gap(tmp_path: Path) -> None:
    """Guards times that begin at 0 again, and a gap that nobody sees."""
    log = log_in(tmp_path)
    log.write(said(0, "one two"))
    log.write(said(1, "three"))
    log.hand_over()
    assert log.continued.said == "one two three"
    assert log.continued.targets == ()
    event = log.write(said(0, "four", wall_s=ZERO_S + 12.5))
    assert (event.start_s, event.end_s, event.gap_s) == (12.5, 13.5, 10.5)
    log.write(said(1, "five", wall_s=ZERO_S + 13.5))
    log.close()
    assert rounds(tmp_path) == [(0, 1, 0), (1, 2, 0), (12.5, 13.5, 10.5), (13.5, 14.5, 0)]
    assert len(log.begun) == 1
    assert log.totals.gap_s == 10.5


def test_clocks_that_differ_a_little_make_no_gap(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    log.write(said(0))
    log.hand_over()
    for late_s in (1.2, 0.7):
        event = log.write(said(0, wall_s=ZERO_S + late_s))
        log.hand_over()
        assert event.gap_s == 0
        assert event.start_s in (1.0, 2.0)
    log.close()


@pytest.mark.parametrize("format_", [Format.SRT, Format.VTT, Format.ASS, Format.TSV, Format.TXT, Format.JSON])
def test_a_file_goes_on_after_the_call_was_killed(tmp_path: Path, format_: Format) -> None:
    """Guards a second header, numbers that begin again, and a document that is none any more."""
    sentences = ["The ball is lost.", "And again.", "A corner it is.", "Still nothing to see."]
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    log = log_in(whole, None, format_)
    for index, text in enumerate(sentences):
        log.write(said(10 * index, text))
    log.close()
    log = log_in(parted, None, format_)
    for index, text in enumerate(sentences[:2]):
        log.write(said(10 * index, text))
    log.write(said(12, ""))  # long enough for the second sentence to be written
    log.write(said(14, ""))
    record = log.record  # and the process is gone
    log = log_in(parted, record, format_)
    for index, text in enumerate(sentences[2:], 2):
        log.write(said(10 * index, text))
    log.close()
    (expected,), (found,) = whole.iterdir(), parted.iterdir()
    assert found.name == expected.name
    if format_ is Format.JSON:
        texts = [one["text"] for one in json.loads(found.read_text())["segments"]]
        assert [text for text in texts if text] == sentences
    else:
        assert found.read_text() == expected.read_text()


def test_a_file_that_is_damaged_is_left_and_another_begun(tmp_path: Path) -> None:
    log = log_in(tmp_path, None, Format.SRT)
    log.write(said(0, "The ball is lost."))
    log.write(said(10, ""))
    (path,) = tmp_path.iterdir()
    damaged = path.read_text()[:-5]
    path.write_text(damaged)
    log = log_in(tmp_path, log.record, Format.SRT)
    log.write(said(20, "And again."))
    log.close()
    assert path.read_text() == damaged
    assert len([*tmp_path.iterdir()]) == 2
