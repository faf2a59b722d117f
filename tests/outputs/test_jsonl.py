"""JSON lines: what a round was, whatever its text."""

import io
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.core.events import RoundEnded
from svlm_cli.core.types import Segment
from svlm_cli.outputs.destination import PartFile, StandardOutput
from svlm_cli.outputs.format import Format
from svlm_cli.outputs.jsonl import JsonlOutput, JsonOutput, json_line
from svlm_cli.outputs.opening import open_output
from svlm_cli.outputs.output import Provenance
from svlm_cli.outputs.style import DEFAULT_STYLE


def line_of(segment: Segment) -> str:
    return json_line(RoundEnded.of(segment))


def test_keys_that_say_nothing_are_left_out() -> None:
    assert line_of(Segment(0, 3, 3.0, 4.0, " Goal", (5, 6, 7), 0.0312345)) == (
        '{"start": 3.0, "end": 4.0, "text": " Goal", "tokens": 3, "work_s": 0.0312}\n'
    )
    same = Segment(0, 3, 3.0, 4.0, " Goal", (5, 6, 7), 0.0312345, container_s=3.0)
    assert "container_s" not in line_of(same)
    near = Segment(0, 3, 3.0, 4.0, "", (7,), 0.03, container_s=3.001)
    assert json.loads(line_of(near))["container_s"] == 3.001
    late = Segment(0, 3, 3.0, 4.0, "", (7,), 0.03, container_s=50_003.0)
    assert json.loads(line_of(late))["container_s"] == 50_003.0
    live = Segment(0, 3, 3.0, 4.0, "", (7,), 0.03, wall_clock_s=1_763_000_000.1234, gap_s=2.5, dropped=4)
    assert json.loads(line_of(live)) == {
        "start": 3.0, "end": 4.0, "text": "", "tokens": 1, "work_s": 0.03,
        "gap_s": 2.5, "wall_clock_s": 1_763_000_000.123, "dropped": 4,
    }  # fmt: skip


def test_text_is_readable_and_a_terminal_is_safe() -> None:
    line = line_of(Segment(0, 0, 0.0, 1.0, "曼联 é \x1b[31m\x9b2J\u202e\ud800", (), 0.0))
    assert "曼联 é \\u001b[31m\\u009b2J\\u202e\ufffd" in line


@given(st.text(st.characters() | st.characters(categories=["Cs"])))
def test_every_text_is_one_valid_line(text: str) -> None:
    """Guards against a lone surrogate that cannot be encoded and line separators that cut a record in two."""
    line = line_of(Segment(0, 0, 0.0, 1.0, text, (), 0.0))
    assert line.splitlines() == [line.removesuffix("\n")]
    read = json.loads(line.encode("utf-8"))["text"]
    assert read == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_a_file_has_every_round(tmp_path: Path) -> None:
    output = JsonlOutput(PartFile(tmp_path / "o.jsonl", overwrite=False))
    for second in range(3):
        output.write(Segment(0, second, second, second + 1.0, "Goal" * (second == 1), (1,), 0.1))
        assert (tmp_path / "o.jsonl.part").read_bytes().count(b"\n") == second + 1
    output.close()
    records = [json.loads(line) for line in io.BytesIO((tmp_path / "o.jsonl").read_bytes())]
    assert [record["text"] for record in records] == ["", "Goal", ""]


def test_every_line_says_what_spoke(tmp_path: Path) -> None:
    """Guards lines that have lost their file: a name that reads like an escape code is no escape code."""
    output = open_output(
        Format.JSONL, PartFile(tmp_path / "o.jsonl", overwrite=False), DEFAULT_STYLE, Provenance("a.mp4", "my\x1b[2J")
    )
    for second in range(2):
        output.write(Segment(0, second, second, second + 1.0, "", (1,), 0.1))
    output.close()
    lines = (tmp_path / "o.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["model"] for line in lines] == ["my\x1b[2J"] * 2
    assert "\x1b" not in "".join(lines)


class TestDocument:
    PROVENANCE = Provenance('the "final".mp4', "svlm-mini")

    def test_it_is_whole_after_every_round(self, tmp_path: Path) -> None:
        """Guards a run that is killed: what is on disk is a document, not the beginning of one."""
        output = JsonOutput(PartFile(tmp_path / "o.json", overwrite=False), self.PROVENANCE)
        for second in range(3):
            output.write(Segment(0, second, second, second + 1.0, "Goal" * (second == 1), (1,), 0.1))
            document = json.loads((tmp_path / "o.json.part").read_bytes())
            assert len(document["segments"]) == second + 1
        output.close()
        document = json.loads((tmp_path / "o.json").read_bytes())
        assert (document["source"], document["model"]) == (self.PROVENANCE.source, "svlm-mini")
        assert [one["text"] for one in document["segments"]] == ["", "Goal", ""]

    def test_a_pipe_gets_it_once(self) -> None:
        """Guards standard output, which takes nothing back: the end comes at the end."""
        pipe = io.BytesIO()
        output = JsonOutput(StandardOutput(pipe), self.PROVENANCE)
        output.write(Segment(0, 0, 0.0, 1.0, "One.", (1,), 0.1))
        assert b"One." in pipe.getvalue()
        output.write(Segment(0, 1, 1.0, 2.0, "Two.", (1,), 0.1))
        output.close()
        assert [one["text"] for one in json.loads(pipe.getvalue())["segments"]] == ["One.", "Two."]

    def test_without_a_round_it_is_a_document_too(self) -> None:
        pipe = io.BytesIO()
        JsonOutput(StandardOutput(pipe), self.PROVENANCE).close()
        assert json.loads(pipe.getvalue())["segments"] == []
