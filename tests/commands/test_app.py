"""The boundary: what scripts see (codes, stdout), what people see (one sentence), and how long they wait for it."""

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from svlm_cli import __version__
from svlm_cli.commands.app import main
from svlm_cli.commands.command_table import COMMANDS
from tests.conftest import Svlm, environment


@pytest.fixture
def trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "trouble", ("tests.commands.trouble", "Ends in every way."))


@pytest.mark.usefixtures("trouble")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("UsageError", 2),
        ("InputError", 3),
        ("ModelError", 4),
        ("OutputError", 1),
        ("CapacityError", 1),
        ("SvlmError", 1),
    ],
)
def test_our_errors_are_one_sentence_and_a_code(capsys: pytest.CaptureFixture[str], name: str, code: int) -> None:
    """Guards the promise to scripts: the code says what kind of thing went wrong, stdout stays clean."""
    assert main(["trouble", "raise", name, "a.mp4 is not a video.", "--hint", "Try another."]) == code
    out, err = capsys.readouterr()
    assert (out, err) == ("", "svlm: a.mp4 is not a video. Try another.\n")


@pytest.mark.usefixtures("trouble")
def test_control_characters_never_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Guards against a file name or a model's text that repaints or retitles the terminal, or forges a second line."""
    main(["trouble", "raise", "InputError", "no \x1b[31mred\x1b[0m\r\x07 \x9b2Jfile.", "--hint", "two\nlines\u202e."])
    main(["--debug", "trouble", "raise", "Bug", "\x1b]0;owned\x07"])
    main(["trouble", "--\x1b[31m"])
    err = capsys.readouterr().err
    assert not set(err) & {"\x1b", "\x07", "\r", "\x9b", "\u202e"}
    assert err.splitlines()[0].endswith("two lines.")


@pytest.mark.usefixtures("trouble")
def test_a_bug_is_called_one_and_has_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """Guards against a wall of Python for people who only wanted subtitles."""
    assert main(["trouble", "raise", "Bug", "list index out of range"]) == 70
    err = capsys.readouterr().err
    assert err.startswith("svlm: This is a bug in svlm: RuntimeError: list index out of range. ")
    assert err.count("\n") == 1
    assert "--debug" in err


@pytest.mark.usefixtures("trouble")
def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the way out that the sentence about bugs names, also for errors of ours and of import."""
    assert main(["--debug", "trouble", "raise", "InputError", "gone."]) == 3
    assert "trouble.py" in capsys.readouterr().err
    monkeypatch.setitem(COMMANDS, "absent", ("svlm_cli.commands.absent", ""))
    monkeypatch.setenv("SVLM_DEBUG", "1")
    assert main(["absent"]) == 70
    err = capsys.readouterr().err
    assert err.startswith("Traceback")
    assert "\n  File " in err
    assert err.splitlines()[-1].startswith("svlm: This is a bug")


@pytest.mark.usefixtures("trouble")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--nope"], "svlm: No such option: --nope. Try `svlm --help`.\n"),
        (["troubel"], "svlm: No such command 'troubel'. Did you mean 'trouble'? Try `svlm --help`.\n"),
        (["trouble", "exit"], "svlm: Missing argument 'CODE'. Try `svlm trouble exit --help`.\n"),
    ],
)
def test_usage_errors_are_one_sentence(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    """Guards exit code 2, and one style for all errors, whoever finds them."""
    assert main(arguments) == 2
    assert capsys.readouterr() == ("", said)


@pytest.mark.usefixtures("trouble")
@pytest.mark.parametrize(("arguments", "code"), [(["exit", "3"], 3), (["exit", "0"], 0), (["interrupt"], 130)])
def test_quiet_ends(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int) -> None:
    """Guards commands that have already said all there is to say."""
    assert main(["trouble", *arguments]) == code
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("trouble")
def test_garbage_is_collected_while_a_command_runs() -> None:
    """Guards the memory of long runs: the start of svlm switches collection off."""
    gc.disable()
    try:
        assert main(["trouble", "exit", "0"]) == 0
        assert gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize("arguments", [[], ["models"]])
def test_a_group_without_a_command_shows_its_help(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """Guards scripts: an empty variable must not look like success, and this help is not data."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.strip().startswith(" ".join(["Usage: svlm", *arguments, "[OPTIONS]"]))


def test_main_leaves_signal_handlers_as_they_were() -> None:
    """Guards programs that call main themselves."""
    before = signal.getsignal(signal.SIGTERM)
    main(["--version"])
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("wanted", ["", "ACTIVE"])
def test_waiting_threads_do_not_spin_unless_somebody_wants_that(wanted: str) -> None:
    """Guards captions on a machine that does something else as well: they took forty times as long."""
    code = (
        "import os; from svlm_cli.commands.app import main; main(['--version']); print(os.environ['OMP_WAIT_POLICY'])"
    )
    env = {name: value for name, value in environment().items() if name != "OMP_WAIT_POLICY"}
    if wanted:
        env["OMP_WAIT_POLICY"] = wanted
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == (wanted or "PASSIVE")


def test_version(svlm: Svlm) -> None:
    """Guards what bug reports quote."""
    done = svlm("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"svlm {__version__}\n", "")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_listed_commands_are_what_the_list_says(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Guards the table of commands, which repeats the first sentence of each command's help so as not to import it."""
    assert main([name, "--help"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert words.startswith(f"Usage: svlm {name} [OPTIONS]")
    assert COMMANDS[name][1] in words
    assert "--install-completion" not in words


def test_help_lists_all_commands_and_imports_nothing_heavy() -> None:
    """Guards the half second that one careless import costs everybody."""
    heavy = {"torch", "transformers", "numpy", "huggingface_hub", "decord", "ffmpeg", "srt"}
    script = (
        "import sys; from svlm_cli.commands.app import main; code = main(['--help'])\n"
        f"print(sorted(set(sys.modules) & {heavy!r}), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == "[]\n"
    assert all(f"│ {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_help_of_a_command_imports_no_torch(name: str) -> None:
    """Guards the promise that asking never takes seconds."""
    script = f"import sys; from svlm_cli.commands.app import main; assert main([{name!r}, '--help']) == 0\n"
    script += "assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, check=True, timeout=60)


def test_help_takes_at_most_two_and_a_half_times_its_imports(tmp_path: Path) -> None:
    """Guards `svlm --help` as a whole. In processor time, the least of as many runs as a busy machine may need.

    Of 0.16 s, 0.07 are these imports, 0.06 what Typer's help imports of Rich besides, and 0.02 the drawing. Rich
    imports attrs as well if it is installed, which svlm alone does not ask for.
    """
    (tmp_path / "attr.py").write_text("raise ImportError\n")
    alone = environment() | {"PYTHONPATH": str(tmp_path)}
    commands = {"imports": ["-c", "import typer, rich"], "help": ["-m", "svlm_cli", "--help"]}
    least = dict.fromkeys(commands, float("inf"))
    for _ in range(40):
        for name, arguments in commands.items():
            process = subprocess.Popen([sys.executable, *arguments], env=alone, stdout=subprocess.DEVNULL)
            _, process.returncode, used = os.wait4(process.pid, 0)
            assert process.returncode == 0
            least[name] = min(least[name], used.ru_utime + used.ru_stime)
        if least["help"] <= 2.5 * least["imports"]:
            return
    pytest.fail(f"seconds: {least}")


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A command at work in a process of its own; it writes ``file`` when it is told to stop."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.commands.trouble", "trouble", "wait", str(tmp_path / "file")],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_signals_let_files_be_finished(
    waiting: subprocess.Popen[str], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """Guards the subtitles of a run that a person or a service manager stops."""
    waiting.send_signal(number)
    _, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, err) == (code, "")
    assert (tmp_path / "file").read_text() == "finished"


def test_a_second_sigterm_does_not_stop_the_finishing(waiting: subprocess.Popen[str], tmp_path: Path) -> None:
    """Guards against wrappers that pass a signal on to a group that already had it."""
    for _ in range(3):
        waiting.send_signal(signal.SIGTERM)
        time.sleep(0.1)
    _, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, err) == (143, "")
    assert (tmp_path / "file").read_text() == "finished"


def test_a_second_interrupt_ends_at_once(waiting: subprocess.Popen[str], tmp_path: Path) -> None:
    """Guards whoever presses Ctrl-C again because the finishing hangs."""
    waiting.send_signal(signal.SIGINT)
    time.sleep(0.1)
    waiting.send_signal(signal.SIGINT)
    _, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, err) == (130, "")
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_reader_that_left_is_no_bug(lines: int) -> None:
    """Guards `svlm ... | head`: no traceback, neither at once nor when the interpreter flushes at its end."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "tests.commands.trouble", "trouble", "pour", str(lines)],
        env=environment(),
        stdout=write_end,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.usefixtures("trouble")
def test_a_broken_pipe_elsewhere_is_not_silent(capsys: pytest.CaptureFixture[str]) -> None:
    """Guards against taking a dead helper process for a reader that left."""
    assert main(["trouble", "other-pipe"]) == 70
    assert "BrokenPipeError" in capsys.readouterr().err
