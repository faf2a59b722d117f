"""The configuration file: who wins, what may stand in it, what is said of what may not; and `svlm config`."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from svlm_cli.cli import settings
from svlm_cli.cli.every_setting import example, settings_in_force
from svlm_cli.commands import options
from svlm_cli.commands.app import main, whole
from svlm_cli.commands.command_table import COMMANDS
from tests.conftest import Svlm

Configure = Callable[[str], Path]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Writes the configuration file that is in force."""

    def write(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv("SVLM_CONFIG", str(path))
        return path

    return write


def seen(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The options that `svlm caption` gets; nothing is captioned."""
    from svlm_cli.commands.caption_options import CaptionOptions

    got: list[Any] = []

    def note(asked: Any) -> tuple[()]:
        got.append(asked)
        raise typer.Exit(0)

    monkeypatch.setattr(CaptionOptions, "cameras", lambda asked, listed: note(asked))
    assert main(["caption", "clip.mp4", *arguments]) == 0
    return got[0]


def test_who_wins(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the order: command line, environment, the command's table, what holds for all, what is built in."""
    configure(
        'device = "cuda:1"\nseed = 4\n[caption]\ndevice = "cuda:2"\nfps = 2\nmax_lines = 1\nformat = ["srt", "vtt"]'
    )
    asked = seen([], monkeypatch)
    assert (asked.device, asked.seed, asked.fps, asked.max_lines) == ("cuda:2", 4, 2.0, 1)
    assert asked.formats == "srt,vtt"
    assert asked.max_line_width == 42
    monkeypatch.setenv("SVLM_DEVICE", "cuda:3")
    assert seen([], monkeypatch).device == "cuda:3"
    assert seen(["--device", "cpu", "--fps", "8"], monkeypatch).device == "cpu"
    assert seen(["--fps", "8"], monkeypatch).fps == 8.0


def test_flags_lists_and_homes(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards values that a shell would have changed, and flags that are on in the file and off in one call."""
    configure('graphs = false\n[caption]\nkeep-query = true\ncredentials = "~/cameras"\nquiet = true')
    asked = seen(["--no-keep-query"], monkeypatch)
    assert (asked.graphs, asked.keep_query, asked.quiet) == (False, False, True)
    assert asked.live.credentials == Path("~/cameras").expanduser()
    assert seen(["--graphs"], monkeypatch).graphs is True


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[caption]\nfsp = 2", "unknown key 'caption.fsp'. Did you mean 'caption.fps'?"),
        ('[caption]\nfps = "2"', "caption.fps must be a number, not '2'."),
        ("[caption]\nfps = true", "caption.fps must be a number, not true."),
        ("[caption]\njobs = 0", "caption.jobs: "),
        ("[caption]\njobs = 1.5", "caption.jobs must be a whole number, not 1.5."),
        ("[caption]\noverwrite = 1", "caption.overwrite must be true or false, not 1."),
        ("[caption]\nformat = [1]", "caption.format must be a text, or a list of texts, not [1]."),
        ("[caption]\nquery = [1]", "caption.query must be a text, not [1]."),
        (
            '[caption]\nmode = "fulll"',
            "'fulll' is not one of 'streaming', 'full', 'window', 'window-overlap', 'native-positions', 'recent'.",
        ),
        ('[caption]\npolicy = "x.toml"', "caption.policy cannot be set here. Give --policy in each call."),
        ('[caption]\nset = ["mode=1"]', "caption.set cannot be set here. Give --set in each call."),
        ('[caption]\noutput = "x.srt"', "caption.output cannot be set here. Give --output in each call."),
        ("[captoin]\nfps = 2", "unknown table 'captoin'. Did you mean 'caption'?"),
        ('modell = "x"', "unknown key 'modell'. Did you mean 'model'?"),
        ("caption = 3", "caption must be a table. Write [caption] on its own line."),
        ("fps = 2", "unknown key 'fps'. Before the first table there may be model, revision,"),
        ("[caption", "is not valid TOML"),
    ],
)
def test_what_may_not_stand_in_it_is_one_sentence(
    configure: Configure, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    """Guards against settings that silently do nothing: each is named, with its file."""
    path = configure(text)
    assert main(["caption", "clip.mp4"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"svlm: {path}")
    assert said in err


def test_groups_have_tables_in_tables(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards `[bench.latency]`, and against keys of the group, which would set nothing."""
    configure("[bench.latency]\nrounds = 33\n[bench.stages]\nrounds = 2")
    assert main(["bench", "latency", "--help"]) == 0
    assert "default: 33" in capsys.readouterr().out
    configure("[bench]\nrounds = 33")
    assert main(["bench", "latency"]) == 2
    assert "unknown key 'bench.rounds'" in capsys.readouterr().err


def test_a_model_for_all_measures_no_claims(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards `svlm eval claims RESULTS`, which only looks unless a model is named in that very call."""
    configure('model = "svlm-mini"')
    assert main(["eval", "claims", "--help"]) == 0
    assert "default: svlm-mini" not in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["caption", "--help"], ["--help"], ["--version"], ["config", "--path"]])
def test_a_broken_file_does_not_keep_help_away(
    configure: Configure, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """Guards the way out: who has broken the file needs the commands that explain it."""
    configure("[caption")
    assert main(arguments) == 0


def test_a_file_that_is_named_must_be_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Guards against a slip in SVLM_CONFIG, after which nothing would be set and nobody would know."""
    monkeypatch.setenv("SVLM_CONFIG", "gone.toml")
    assert main(["models", "list"]) == 2
    assert capsys.readouterr().err == (
        "svlm: There is no file gone.toml. Correct or unset SVLM_CONFIG, which names it.\n"
    )


def test_where_the_file_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Guards the usual places, and against a file beside the videos, which may be anybody's."""
    (tmp_path / "svlm.toml").write_text('model = "evil"')
    monkeypatch.chdir(tmp_path)
    home = {"HOME": str(tmp_path)}
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings.config_path(home) == tmp_path / ".config" / "svlm" / "config.toml"
    assert settings.config_path({**home, "XDG_CONFIG_HOME": "/etc/x"}) == Path("/etc/x/svlm/config.toml")
    assert settings.config_path({**home, "XDG_CONFIG_HOME": "relative"}).is_relative_to(tmp_path)
    assert settings.config_path({**home, "SVLM_CONFIG": "~/c.toml"}) == tmp_path / "c.toml"
    monkeypatch.delenv("SVLM_CONFIG")
    assert settings.read().exists is False


def test_config_tells_values_and_where_they_come_from(
    svlm_inside: Svlm, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the answer to "why does it do that?"."""
    path = configure('device = "cpu"\n[caption]\nfps = 2\ndevice = "cuda"\nformat = ["srt", "vtt"]')
    monkeypatch.setenv("SVLM_SEED", "7")
    document = json.loads(svlm_inside("config", "--json").stdout)
    assert (document["path"], document["exists"]) == (str(path), True)
    found = {one.pop("key"): one for one in document["settings"]}
    assert found["device"] == {"value": "cpu", "source": "config", "from": str(path)}
    assert found["caption.device"] == {"value": "cuda", "source": "config", "from": str(path)}
    assert found["caption.format"]["value"] == "srt,vtt"
    assert found["seed"] == {"value": "7", "source": "environment", "from": "SVLM_SEED"}
    assert found["caption.max-line-width"] == {"value": 42, "source": "default", "from": ""}
    assert "caption.output" not in found
    rows = [line.split() for line in svlm_inside("config").stdout.splitlines()]
    assert ["caption.fps", "2", str(path)] in rows
    assert ["model", "svlm-footage", "default"] in rows
    assert svlm_inside("config", "--path").stdout == f"{path}\n"


def test_init_writes_a_file_that_sets_nothing(
    svlm_inside: Svlm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards what people edit: it is valid, names every setting, and is never written over."""
    path = tmp_path / "deep" / "config.toml"
    monkeypatch.setenv("SVLM_CONFIG", str(path))
    done = svlm_inside("config", "--init")
    assert (done.returncode, done.stdout) == (0, f"{path}\n")
    text = path.read_text(encoding="utf-8")
    assert tomllib.loads(text) == {}
    keys = {one["key"] for one in json.loads(svlm_inside("config", "--json").stdout)["settings"]}
    assert {key.rpartition(".")[2] for key in keys} == {
        line.split()[1] for line in text.splitlines() if line.startswith("# ") and " = " in line
    }
    path.write_text("# mine")
    again = svlm_inside("config", "--init")
    assert (again.returncode, again.stderr) == (2, f"svlm: {path} exists already. Edit it, or move it away first.\n")
    assert path.read_text() == "# mine"


def test_what_init_shows_can_be_switched_on(configure: Configure) -> None:
    """Guards the defaults in that file: each, taken literally, is understood."""
    lines = [line.removeprefix("# ") for line in example(whole()).splitlines()]
    kept = [line for line in lines if line.startswith("[") or (" = " in line and " = <" not in line and line[0] != "#")]
    configure("\n".join(kept))
    assert {
        one.source for one in settings_in_force(whole(), settings.read()) if one.key == "caption.max-line-width"
    } == {"config"}


def test_the_keys_of_every_command_are_those_of_options_with_a_variable() -> None:
    """Guards the list of keys before the first table against a shared option that gets a variable, or loses it."""
    made = [one.__metadata__[0] for one in vars(options).values() if hasattr(one, "__metadata__")]
    variables = {one.envvar for one in made if getattr(one, "envvar", None)}
    assert variables == {settings.variable_of(key) for key in settings.SHARED}


def test_completion_and_credentials_stay_out() -> None:
    """Guards passwords: no option holds one, so no configuration file does."""
    keys = {one.key for one in settings_in_force(whole(), settings.Settings(Path("none")))}
    assert not [key for key in keys if "password" in key or "token" in key.replace("tokens", "")]
    assert "caption.credentials" in keys
    assert set(COMMANDS) >= {key.partition(".")[0] for key in keys if "." in key}
