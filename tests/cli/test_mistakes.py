"""What newcomers type wrong, over all commands: one sentence each, with the way out, and the exit code for it."""

import shlex
from pathlib import Path

import pytest

from svlm_cli.cli import aliases
from svlm_cli.cli.described import leaves
from svlm_cli.cli.messages import ExitCode, machine_sentence
from svlm_cli.commands.app import main, whole
from svlm_cli.commands.command_table import COMMANDS
from tests.conftest import Svlm

USAGE, INPUT, MODEL, FAILED = ExitCode.USAGE, ExitCode.INPUT, ExitCode.MODEL, ExitCode.FAILED

SLIPS = [
    # what the parser finds
    ("captoin x.mp4", USAGE, "No such command 'captoin'. Did you mean 'caption'?"),
    ("match.mp4", USAGE, "Did you mean `svlm caption match.mp4`?"),
    ("--model x caption", USAGE, "It follows the command, as in `svlm caption --model`."),
    ("caption --formt srt x.mp4", USAGE, "No such option: --formt (Possible options: --format,"),
    ("caption --ouput-dir x x.mp4", USAGE, "No such option: --ouput-dir (Possible options: --output, --output-dir)"),
    ("caption --force x.mp4", USAGE, "Did you mean --overwrite?"),
    ("caption -y x.mp4", USAGE, "Did you mean --overwrite?"),
    ("caption --output_format srt x.mp4", USAGE, "Did you mean --format?"),
    ("caption --prompt hello x.mp4", USAGE, "Did you mean --query or --context?"),
    ("caption --verbose x.mp4", USAGE, "`svlm --debug` shows the traceback of an error."),
    ("caption -P out x.mp4", USAGE, "Did you mean --output-dir?"),
    ("caption --write-subs x.mp4", USAGE, "Did you mean --format?"),
    ("caption --task transcribe x.mp4", USAGE, "--query and --context say what the model speaks of."),
    ("caption -i x.mp4", USAGE, "No such option: -i. Name it without an option."),
    ("simulate --duration 3", USAGE, "Did you mean --minutes?"),
    ("--force caption x.mp4", USAGE, "It follows the command, as in `svlm caption --overwrite`."),
    ("transcribe x.mp4", USAGE, "No such command 'transcribe'. Did you mean `svlm caption`?"),
    ("version", USAGE, "Did you mean `svlm --version`?"),
    ("caption x.mp4 -f", USAGE, "Option '-f' requires an argument."),
    ("caption --jobs 0 x.mp4", USAGE, "Invalid value for '--jobs' / '-j': "),
    ("caption --fps two x.mp4", USAGE, "Invalid value for '--fps': "),
    ("caption --mode fulll x.mp4", USAGE, "'fulll' is not one of 'streaming', 'full',"),
    ("caption --decoder vlc x.mp4", USAGE, "'vlc' is not one of 'ffmpeg', 'decord'."),
    ("doctor twice", USAGE, "Got unexpected extra argument(s) (twice). Try `svlm doctor --help`."),
    ("train", USAGE, "Missing argument 'RECIPE.toml'."),
    ("bench latenc", USAGE, "Did you mean 'latency'?"),
    ("simulate --minutes 0", USAGE, "Invalid value for '--minutes': "),
    # what does not fit together
    ("caption", USAGE, "No video was named."),
    ("caption x.mp4 -f srtt", USAGE, "There is no format srtt. Did you mean srt?"),
    ("caption x.mp4 -f ,", USAGE, ", names no format."),
    ("caption x.mp4 -o folder", USAGE, "folder is a folder. Write into it with --output-dir folder."),
    ("caption x.mp4 -o words.srtt", USAGE, "Add -f with one of srt,"),
    ("caption x.mp4 -f srt,vtt -o w.srt", USAGE, "Use --output-dir, or ask for one format."),
    ("caption clip.mp4 --start 1:xx", USAGE, "Write seconds (90.5) or [H:]MM:SS (1:30.5)."),
    ("caption clip.mp4 --overwrite --skip-existing", USAGE, "Leave one of them out."),
    ("caption clip.mp4 out.vtt", USAGE, "out.vtt is not a video, and does not exist. Name an output with -o out.vtt."),
    ("caption clip.mp4 --context bad.toml", USAGE, "For what is in it, write --context @bad.toml."),
    ("caption x.mp4 clip.mp4 x.mov -o {stem}.srt -f srt", USAGE, "Add {name} or {parent} or {ext} to -o."),
    ("caption clip.mp4 --context @gone.txt", USAGE, "Check its name, or its encoding."),
    ("caption clip.mp4 --encoding klingon", USAGE, "Use utf-8,"),
    ("caption clip.mp4 --name front", USAGE, "Leave it out."),
    ("caption foo://bar", USAGE, "It reads rtsp,"),
    ("caption rtsp://h/a --segment 0", USAGE, "Write it like 15m, 1h or 1d."),
    ("eval match --minutes nan", USAGE, "Give a number above 0"),
    ("eval claims r --row visin-4 --model svlm-mini", USAGE, "Did you mean vision-4?"),
    ("bench latency --size big", USAGE, "A size looks like 1280x720"),
    ("bench streams --step 9 --most 4", USAGE, "Lower --step or raise --most."),
    ("simulate -o match.avi", USAGE, "Give one like match.mp4."),
    ("man captoin", USAGE, "Did you mean caption?"),
    ("train recipe.toml", USAGE, "recipe.toml cannot be read: No such file or directory. Check its name."),
    ("train bad.toml", USAGE, "bad.toml is not valid TOML"),
    ("ask clip.mp4", USAGE, "Missing argument 'QUESTION'. Try `svlm ask --help`."),
    ("ask clip.mp4 ''", USAGE, "A question is empty."),
    ("ask clip.mp4 who --choice me", USAGE, "A question has 2 to 26 choices, not 1."),
    ("ask clip.mp4 who --at 0:10 --start 0:20", USAGE, "comes before anything was seen: watching starts at 20 s."),
    ("ask rtsp://h/a who", USAGE, "Press a in the live view of `svlm caption` to ask about a camera."),
    # what is not there, or not what it says
    ("ask gone.mp4 who", INPUT, "gone.mp4 does not exist. Check its name."),
    ("caption gone.mp4", INPUT, "gone.mp4 does not exist. Check its name."),
    ("caption 192.168.1.5", INPUT, "an address begins with its kind, as in rtsp://."),
    ("caption camera:8554/live", INPUT, "an address begins with its kind, as in rtsp://."),
    ("caption /dev/video99", INPUT, "name its kind, as in --input-format v4l2."),
    ("caption empty.mp4", INPUT, "empty.mp4 is empty. Copy or record it again."),
    ("caption folder", INPUT, "Check its name, or name the files."),
    ("caption --batch-file gone.txt", INPUT, "Check its name."),
    ("eval match --predictions gone.jsonl", INPUT, "Name a file that `svlm caption -f jsonl` wrote."),
    ("models show svlm-mni", MODEL, "Did you mean svlm-mini?"),
    ("models show streamingvlm-7", MODEL, "Did you mean streamingvlm-7b?"),
    ("models show ./svlm-mni", MODEL, "There is no folder ./svlm-mni. A model is a name"),
    ("models show team/svlm-mini", MODEL, "Fetch it with `svlm models pull team/svlm-mini`."),
    ("caption empty.mp4 -o bad.toml/x.srt", FAILED, "bad.toml is not a folder."),
    ("simulate -o gone/m.mp4", FAILED, "There is no folder gone to write to. Make it first, or correct -o."),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "clip.mp4").write_bytes(b"\0" * 100)
    (tmp_path / "bad.toml").write_text("x = [")
    return tmp_path


@pytest.mark.parametrize(("line", "code", "said"), SLIPS, ids=[line for line, _, _ in SLIPS])
def test_a_slip_is_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], line: str, code: ExitCode, said: str
) -> None:
    """Guards newcomers: what is wrong, what to do, and nothing else; scripts: the code, and a clean stdout."""
    assert main(shlex.split(line)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("svlm: ")
    assert err.count("\n") == 1
    assert err.endswith((".\n", "?\n"))
    assert said in err
    assert "a bug in svlm" not in err


def test_what_is_suggested_is_there() -> None:
    """Guards advice against growing old: no name of ours is taken for a mistake, and each that is suggested exists."""
    by_command = [
        {opt for one in command.params for opt in (*one.opts, *one.secondary_opts)} for _, command in leaves(whole())
    ]
    names = set[str]().union(*by_command)
    theirs = {*aliases.OPTIONS, *aliases.ADVICE}
    for own in by_command:
        assert not {name for name in own & theirs if own & {*aliases.OPTIONS.get(name, own)}}
    assert {ours for several in aliases.OPTIONS.values() for ours in several} <= names
    called = {" ".join(words) for words, _ in leaves(whole())} | {
        *COMMANDS,
        "--version",
        "--help",
        "--install-completion",
    }
    assert set(aliases.COMMANDS.values()) <= called
    assert not called & set(aliases.COMMANDS)


@pytest.mark.parametrize(("short", "long"), [("-h", "--help"), ("-V", "--version")])
def test_short_names_that_everyone_tries(capsys: pytest.CaptureFixture[str], short: str, long: str) -> None:
    """Guards the first thing that a newcomer types."""
    for line in [[short]] if short == "-V" else [[short], ["caption", short], ["eval", "match", short]]:
        assert main(line) == ExitCode.DONE
        said = capsys.readouterr().out
        assert main([*line[:-1], long]) == ExitCode.DONE
        assert capsys.readouterr().out == said != ""


def test_no_name_is_suggested_for_a_path(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards against advice that leads away: who writes a path means a path."""
    for name in ("./svlm-mini2", "~/svlm-mini", "team/svlm-mini"):
        main(["models", "show", name])
        assert "Did you mean" not in capsys.readouterr().err


def test_a_variable_is_named_where_it_is_wrong(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Guards against being sent to look for an option that nobody gave."""
    monkeypatch.setenv("SVLM_OFFLINE", "perhaps")
    assert main(["caption", "clip.mp4"]) == USAGE
    assert "SVLM_OFFLINE" in capsys.readouterr().err


def test_a_model_in_the_environment_plays_no_predictions(svlm_inside: Svlm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards SVLM_MODEL, which is for the calls that need a model, against being held against those that do not."""
    monkeypatch.setenv("SVLM_MODEL", "svlm-mini")
    done = svlm_inside("eval", "match", "--predictions", "gone.jsonl")
    assert (done.returncode, "gone.jsonl cannot be read" in done.stderr) == (INPUT, True)
    done = svlm_inside("bench", "latency", "--random-weights", "9b")
    assert "There are no random weights 9b." in done.stderr


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device", "/x/y"), "svlm: /x/y cannot be written: the disk is full. Make room,"),
        (OSError(28, "No space left on device"), "svlm: The disk is full."),
        (MemoryError(), "svlm: The memory is full. A smaller model, fewer --jobs,"),
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory"), "svlm: The memory is full."),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "svlm: The memory is full."),
    ],
)
def test_a_machine_that_is_full_is_no_bug(error: Exception, said: str) -> None:
    """Guards against reports of bugs that are none: torch's errors are known by name, so that it is not imported."""
    assert (machine_sentence(error) or "").startswith(said)
    assert machine_sentence(RuntimeError("list index out of range")) is None
