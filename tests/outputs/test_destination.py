"""Files that are never lost, never half written, and never written over unasked."""

import fcntl
import io
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from svlm_cli.core.errors import OutputBusyError, OutputError, OutputExistsError
from svlm_cli.outputs.destination import (
    InPlaceFile,
    OutputClosedError,
    PartFile,
    StandardOutput,
    open_destination,
)
from svlm_cli.outputs.format import Format
from svlm_cli.outputs.opening import open_output
from svlm_cli.outputs.style import CueStyle
from tests.conftest import environment
from tests.outputs.checkers import CHECKERS
from tests.outputs.speech import random_speech
from tests.subtitle_checker import check_srt, check_vtt


def python(code: str, *arguments: str | Path) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]


class TestPartFile:
    def test_the_name_comes_with_the_last_word(self, tmp_path: Path) -> None:
        path = tmp_path / "o.srt"
        file = PartFile(path, overwrite=False)
        file.write("é\n")
        assert not path.exists()
        assert (tmp_path / "o.srt.part").read_bytes() == b"\xc3\xa9\n"  # at once, UTF-8, no mark, no CR
        file.close(complete=True)
        assert path.read_bytes() == b"\xc3\xa9\n"
        assert os.listdir(tmp_path) == ["o.srt"]  # noqa: PTH208

    def test_incomplete_it_keeps_what_there_is(self, tmp_path: Path) -> None:
        file = PartFile(tmp_path / "o.srt", overwrite=False)
        file.write("one")
        file.close(complete=False)
        assert {path.name for path in tmp_path.iterdir()} == {"o.srt.part"}

    def test_incomplete_and_empty_it_leaves_nothing(self, tmp_path: Path) -> None:
        PartFile(tmp_path / "o.srt", overwrite=False).close(complete=False)
        assert not list(tmp_path.iterdir())

    def test_an_existing_file_is_refused_at_once(self, tmp_path: Path) -> None:
        path = tmp_path / "o.srt"
        path.write_text("precious")
        with pytest.raises(OutputError, match="exists already"):
            PartFile(path, overwrite=False)
        assert {path.name for path in tmp_path.iterdir()} == {"o.srt"}
        file = PartFile(path, overwrite=True)
        assert path.read_text() == "precious"
        file.close(complete=True)
        assert path.read_text() == ""

    def test_a_dangling_link_exists_too(self, tmp_path: Path) -> None:
        (tmp_path / "o.srt").symlink_to(tmp_path / "nowhere")
        with pytest.raises(OutputError, match="exists already"):
            PartFile(tmp_path / "o.srt", overwrite=False)

    def test_a_file_that_appears_meanwhile_is_not_replaced(self, tmp_path: Path) -> None:
        path = tmp_path / "o.srt"
        file = PartFile(path, overwrite=False)
        file.write("new")
        path.write_text("precious")
        with pytest.raises(OutputError, match="appeared while it was written"):
            file.close(complete=True)
        assert path.read_text() == "precious"
        assert (tmp_path / "o.srt.part").read_text() == "new"

    def test_what_a_dead_run_left_is_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "o.srt.part").write_text("left behind, and longer")
        file = PartFile(tmp_path / "o.srt", overwrite=False)
        file.write("new")
        file.close(complete=True)
        assert (tmp_path / "o.srt").read_text() == "new"

    def test_what_a_dead_run_left_stays_until_there_are_words(self, tmp_path: Path) -> None:
        """Guards the words of a run that was stopped against one that finds its video broken."""
        (tmp_path / "o.srt.part").write_text("left behind")
        PartFile(tmp_path / "o.srt", overwrite=False).close(complete=False)
        assert (tmp_path / "o.srt.part").read_text() == "left behind"
        PartFile(tmp_path / "o.srt", overwrite=False).close(complete=True)
        assert (tmp_path / "o.srt").read_text() == ""

    def test_a_file_that_appears_while_it_is_locked_is_seen_at_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Guards a whole video against being captioned again: the other run completes it as this one opens it."""
        path = tmp_path / "o.srt"
        lock = fcntl.flock

        def complete(descriptor: int, operation: int) -> None:
            path.write_text("whole")
            lock(descriptor, operation)

        monkeypatch.setattr(fcntl, "flock", complete)
        with pytest.raises(OutputExistsError):
            PartFile(path, overwrite=False)
        assert {one.name for one in tmp_path.iterdir()} == {"o.srt"}

    def test_what_a_dead_run_left_may_be_the_finished_file(self, tmp_path: Path) -> None:
        """Guards the file of a run that died between its two renaming steps, when both names are the same file."""
        (tmp_path / "o.srt").write_text("finished")
        (tmp_path / "o.srt.part").hardlink_to(tmp_path / "o.srt")
        file = PartFile(tmp_path / "o.srt", overwrite=True)
        file.write("half")
        file.close(complete=False)
        assert (tmp_path / "o.srt").read_text() == "finished"
        assert (tmp_path / "o.srt.part").read_text() == "half"

    def test_two_runs_do_not_share_a_file(self, tmp_path: Path) -> None:
        first = PartFile(tmp_path / "o.srt", overwrite=False)
        first.write("first")
        with pytest.raises(OutputBusyError, match="Another run"):
            PartFile(tmp_path / "o.srt", overwrite=True)
        first.close(complete=True)
        assert (tmp_path / "o.srt").read_text() == "first"

    def test_a_device_is_never_renamed_over(self) -> None:
        """Guards /dev/null, which root could lose."""
        with pytest.raises(OutputError, match="not a file"):
            PartFile(Path("/dev/null"), overwrite=True)


@pytest.mark.parametrize("live", [False, True])
def test_places_that_cannot_be(tmp_path: Path, live: bool) -> None:
    (tmp_path / "file").write_text("")
    for path, message in [
        (tmp_path / "no" / "o.srt", "no folder"),
        (tmp_path, "is a folder"),
        (tmp_path / "file" / "o.srt", "is not a folder"),
        (tmp_path / ("x" * 300), "cannot be written"),
        (Path("/sys/o.srt"), "cannot be written: "),  # not even by root
        (tmp_path / "no\x1b[31m" / "o.srt", r"no folder \S*/no to write to"),
    ]:
        with pytest.raises(OutputError, match=message) as caught:
            open_destination(path, overwrite=True, live=live)
        assert caught.value.hint
        assert "\x1b" not in str(caught.value)


def test_a_shorter_ending_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    """Guards a document against the tail of its last state."""
    file = PartFile(tmp_path / "o", overwrite=False)
    file.write("one", "a long ending")
    file.write("two", "end")
    assert (tmp_path / "o.part").read_text() == "onetwoend"
    file.close(complete=True)
    assert (tmp_path / "o").read_text() == "onetwoend"


class TestInPlaceFile:
    def test_it_can_be_followed(self, tmp_path: Path) -> None:
        file = InPlaceFile(tmp_path / "o.srt", overwrite=False)
        file.write("one")
        assert (tmp_path / "o.srt").read_text() == "one"
        file.write("two")
        file.close(complete=False)
        assert (tmp_path / "o.srt").read_text() == "onetwo"

    def test_it_overwrites_only_when_asked(self, tmp_path: Path) -> None:
        path = tmp_path / "o.srt"
        path.write_text("precious")
        with pytest.raises(OutputError, match="exists already"):
            InPlaceFile(path, overwrite=False)
        assert path.read_text() == "precious"
        InPlaceFile(path, overwrite=True).close(complete=True)
        assert path.read_text() == ""

    def test_devices_need_no_leave(self) -> None:
        file = open_destination(Path("/dev/null"), overwrite=False)
        file.write("gone")
        file.close(complete=True)
        assert Path("/dev/null").is_char_device()

    def test_a_full_disk(self) -> None:
        file = InPlaceFile(Path("/dev/full"), overwrite=False)
        with pytest.raises(OutputError, match="no room left"):
            file.write("Goal")
        file.close(complete=False)


@pytest.mark.parametrize("format_", [Format.SRT, Format.JSON, Format.JSONL])
def test_what_does_not_fit_is_taken_back(tmp_path: Path, format_: Format) -> None:
    """Guards the end of a file on a full disk: cues are whole, a document is closed, and the file keeps its .part."""
    code = """
        import resource, sys
        from pathlib import Path
        from svlm_cli.core.errors import OutputBusyError, OutputError, OutputExistsError
        from svlm_cli.outputs.destination import PartFile
        from svlm_cli.outputs.format import Format
        from svlm_cli.outputs.opening import open_output
        from svlm_cli.outputs.style import CueStyle
        from tests.outputs.speech import random_speech

        sys.dont_write_bytecode = True  # Python 3.11 would leave a module's file behind, cut at the limit
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        output = open_output(Format(sys.argv[2]), PartFile(Path(sys.argv[1]), overwrite=False), CueStyle())
        try:
            for segment in random_speech(2.8, 600, seed=1):
                output.write(segment)
        except OutputError as error:
            print(error.message)
        output.close()
    """
    command = python(code, tmp_path / "o", format_)
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    assert "no room left on the disk" in done.stdout
    assert done.stderr == ""
    assert {path.name for path in tmp_path.iterdir()} == {"o.part"}
    text = (tmp_path / "o.part").read_text(encoding="utf-8")
    assert 1800 < len(text) <= 2000
    assert CHECKERS[format_](text) == []


def test_killed_at_any_moment_what_is_on_disk_is_valid(tmp_path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from svlm_cli.outputs.destination import PartFile
        from svlm_cli.outputs.format import Format
        from svlm_cli.outputs.opening import open_output
        from svlm_cli.outputs.style import CueStyle
        from tests.outputs.speech import random_speech

        speech = random_speech(3.4, 600, seed=1)
        for run in range(1000):
            outputs = [open_output(f, PartFile(Path(sys.argv[1], f"{run}.{f}"), overwrite=False), CueStyle())
                       for f in (Format.SRT, Format.VTT)]
            print("ready", flush=True)
            for segment in speech:
                for output in outputs:
                    output.write(segment)
    """
    rng = random.Random(1)
    for attempt in range(6):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        process = subprocess.Popen(python(code, folder), env=environment(), stdout=subprocess.PIPE)
        with process:
            assert process.stdout is not None
            process.stdout.readline()
            until = time.monotonic() + 30
            while not any(path.stat().st_size for path in folder.glob("*.srt.part")) and time.monotonic() < until:
                time.sleep(0.001)  # on a busy machine the first cue takes its time
            time.sleep(rng.uniform(0.02, 0.25))
            process.send_signal(signal.SIGKILL)
        srt = [path.read_text(encoding="utf-8") for path in folder.glob("*.srt.part")]
        vtt = [path.read_text(encoding="utf-8") for path in folder.glob("*.vtt.part")]
        assert any(srt)
        assert [problem for text in srt for problem in check_srt(text)] == []
        assert [problem for text in vtt if text for problem in check_vtt(text)] == []


class TestStandardOutput:
    def test_every_piece_is_flushed(self) -> None:
        raw = io.BytesIO()
        buffered = io.BufferedWriter(raw)
        StandardOutput(buffered).write("é\n")
        assert raw.getvalue() == b"\xc3\xa9\n"

    @pytest.mark.parametrize(("where", "raised"), [("| head -1", "OutputClosedError"), ("> /dev/full", "OutputError")])
    def test_nobody_reads_or_nothing_fits(self, where: str, raised: str) -> None:
        """Guards `svlm ... | head -1`: one clean signal, and not a word from the interpreter as it ends."""
        code = """
            import sys
            from svlm_cli.core.errors import OutputBusyError, OutputError, OutputExistsError
            from svlm_cli.outputs.destination import StandardOutput

            output = StandardOutput()
            try:
                for line in range(100_000):
                    output.write(f"{line}\\n")
            except OutputError as error:
                print(type(error).__name__, file=sys.stderr)
            output.close(complete=False)
        """
        done = subprocess.run(
            ["bash", "-c", f'set -o pipefail; "$@" {where}', "bash", *python(code)],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0
        assert done.stderr == f"{raised}\n"
        assert done.stdout == ("0\n" if "head" in where else "")

    def test_after_an_error_the_output_closes_quietly(self) -> None:
        class Closed(io.RawIOBase):
            def writable(self) -> bool:
                return True

            def write(self, data: object) -> int:
                raise BrokenPipeError

        output = open_output(Format.SRT, StandardOutput(Closed()), CueStyle())  # type: ignore[arg-type]
        with pytest.raises(OutputClosedError):
            list(map(output.write, random_speech(2.8, 60, seed=1)))
        output.close()
