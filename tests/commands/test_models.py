"""``svlm models``: what scripts read, what people see, and that it stays light and safe."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from svlm_cli.checkpoints import catalog, policy_file
from svlm_cli.checkpoints.policy_file import PolicyFile
from tests.checkpoints.fake import fake_checkpoint
from tests.conftest import Svlm, environment
from tests.servers.hub import Hub, serve_hub

HOSTILE = "[red]not red[/red] \x1b[31mred\x1b[0m \x07bell \u202etxet"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub with a model that svlm knows by name, and one that it does not."""
    served = fake_checkpoint(tmp_path / "served")
    with serve_hub({"mit-han-lab/StreamingVLM": {"main": served}, "team/model": {"main": served}}) as hub:
        yield hub


@pytest.fixture
def online(hub: Hub, tmp_path: Path) -> dict[str, str]:
    """The environment in which that hub is the hub."""
    home = str(tmp_path / "home")
    return {"HF_ENDPOINT": hub.endpoint, "HF_HOME": home, "HF_HUB_OFFLINE": "0", "NO_PROXY": "127.0.0.1"}


def test_pull_by_name_then_list_and_work_offline(svlm: Svlm, online: dict[str, str]) -> None:
    """Guards the whole way: the folder alone on stdout, progress on stderr, and `list` that knows what is here."""
    before = {row["name"]: row for row in json.loads(svlm("models", "list", "--json", env=online).stdout)}
    assert (before["streamingvlm-7b"]["present"], before["streamingvlm-7b"]["size_bytes"]) == (False, 16_600_000_000)

    pulled = svlm("models", "pull", "streamingvlm-7b", env=online)
    assert pulled.returncode == 0, pulled.stderr
    folder = Path(pulled.stdout.removesuffix("\n"))
    assert (folder / "config.json").is_file()
    assert "Fetching" in pulled.stderr

    offline = online | {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "1"}
    after = {row["name"]: row for row in json.loads(svlm("models", "list", "--json", env=offline).stdout)}
    assert (after["streamingvlm-7b"]["present"], after["streamingvlm-7b"]["folder"]) == (True, str(folder))
    assert after["streamingvlm-7b"]["size_bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    assert not after["qwen2.5-vl-3b"]["present"]
    assert svlm("models", "pull", "streamingvlm-7b", env=offline).stdout == pulled.stdout


def test_a_quiet_pull_prints_the_folder_alone(svlm: Svlm, online: dict[str, str]) -> None:
    """Guards scripts that want errors alone on stderr, whichever bar is drawn."""
    pulled = svlm("models", "pull", "team/model", "--quiet", env=online)
    assert (pulled.returncode, pulled.stderr) == (0, "")
    assert (Path(pulled.stdout.removesuffix("\n")) / "config.json").is_file()


def test_pull_by_hub_id_then_show(svlm: Svlm, online: dict[str, str]) -> None:
    """Guards models that the catalog does not know: they are shown once they are here, and not before."""
    absent = svlm("models", "show", "team/model", env=online)
    assert (absent.returncode, absent.stdout) == (4, "")
    assert "svlm models pull team/model" in absent.stderr
    assert svlm("models", "pull", "team/model", env=online).returncode == 0
    assert "It says weights." in svlm("models", "show", "team/model", env=online).stdout


def test_a_failed_pull_is_one_sentence_and_code_4(svlm: Svlm, online: dict[str, str]) -> None:
    """Guards scripts: nothing on stdout, a code that means the model."""
    for arguments in (["team/nothing"], ["team/model", "--revision", "v9"], ["streamingvlm"]):
        done = svlm("models", "pull", *arguments, env=online)
        assert (done.returncode, done.stdout) == (4, "")
        assert len(done.stderr.splitlines()) == 1
    assert svlm("models", "pull", "./served", env=online).returncode == 2


def test_list_is_aligned_where_there_is_no_terminal(svlm_inside: Svlm) -> None:
    """Guards `svlm models list | grep`: one line a model, columns in place, no boxes and no colours."""
    lines = svlm_inside("models", "list").stdout.splitlines()
    assert lines[0].split() == ["NAME", "TITLE", "WEIGHTS", "HERE", "SIZE", "LICENCE"]
    column = lines[0].index("WEIGHTS")
    weights = {line.split()[0]: line[column:].split()[0] for line in lines[1:]}
    assert weights["streamingvlm-7b"] == "mit-han-lab/StreamingVLM"
    assert weights["qwen2.5-vl-3b"] == "Qwen/Qwen2.5-VL-3B-Instruct"


def test_list_on_a_terminal_loses_nothing(svlm_inside: Svlm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against names cut with an ellipsis where they are to be copied from."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    out = svlm_inside("models", "list").stdout
    assert "streamingvlm-7b" in out
    assert "mit-han-lab/StreamingVLM" in out
    monkeypatch.setenv("COLUMNS", "60")
    assert "…" not in svlm_inside("models", "list").stdout


def test_show_gives_the_card_and_the_whole_policy(svlm_inside: Svlm) -> None:
    """Guards against a policy that is shown without its defaults, which are most of it."""
    out = svlm_inside("models", "show", "streamingvlm-7b").stdout
    assert out.startswith("# StreamingVLM 7B\n")
    assert 'marker_rule = "positional"' in out
    assert "reset_rounds = 100" in out
    document = json.loads(svlm_inside("models", "show", "qwen2.5-vl-3b", "--json").stdout)
    assert document["policy"]["prompt"]["marker_rule"] == "exact"
    assert document["weights"]["hub"] == "Qwen/Qwen2.5-VL-3B-Instruct"
    assert document["folder"] is None
    assert document["card"].startswith("# Qwen2.5-VL 3B Instruct")


def test_show_prints_a_policy_to_begin_with(svlm_inside: Svlm, tmp_path: Path) -> None:
    """Guards `--toml > my.toml`: a policy file and nothing else; whose policy it is stands there as well."""
    for name in catalog.names():
        out = svlm_inside("models", "show", name, "--toml").stdout
        assert policy_file.parse(out, source="stdout") == catalog.find(name).file
    fake_checkpoint(tmp_path / "mine")
    notice = "mine has no policy.toml: it streams by the policy of streamingvlm-7b, the default."
    out = svlm_inside("models", "show", "mine", "--toml").stdout
    assert out.splitlines()[0] == f"# {notice}"
    assert policy_file.parse(out, source="stdout") == PolicyFile()
    assert f"# {notice}" in svlm_inside("models", "show", "mine").stdout.splitlines()
    assert json.loads(svlm_inside("models", "show", "mine", "--json").stdout)["notice"] == notice
    assert svlm_inside("models", "show", "mine", "--json", "--toml").returncode == 2


@pytest.mark.parametrize("terminal", [False, True])
def test_a_hostile_card_and_policy_are_plain_text(
    svlm_inside: Svlm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    """Guards against a downloaded model that repaints the terminal, or whose brackets are taken for markup."""
    folder = fake_checkpoint(tmp_path / "mine")
    (folder / "README.md").write_text(f"---\nlicense: mit\n---\n# Card\n\n{HOSTILE}\n")
    query = json.dumps(HOSTILE)
    (folder / "policy.toml").write_text(f"[prompt]\nquery = {query}\n")
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    done = svlm_inside("models", "show", "mine")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("[red]not red[/red]") == 2
    assert not set(done.stdout) & {"\x07", "\u202e"}
    assert "\x1b[31m" not in done.stdout
    assert "license: mit" not in done.stdout


def test_a_broken_policy_is_one_sentence_and_code_4(svlm_inside: Svlm, tmp_path: Path) -> None:
    """Guards people who edit a policy by hand."""
    folder = fake_checkpoint(tmp_path / "mine")
    (folder / "policy.toml").write_text("[vision]\nfsp = 2\n")
    done = svlm_inside("models", "show", "mine")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "svlm: mine/policy.toml: unknown key 'vision.fsp'. Did you mean 'vision.fps'?\n"


def test_neither_torch_nor_transformers_is_imported() -> None:
    """Guards the seconds that torch takes, and machines where it is not wanted."""
    script = """
import sys
from svlm_cli.commands.app import main
assert main(["models", "list"]) == main(["models", "show", "streamingvlm-7b"]) == 0
assert not {"torch", "transformers"} & set(sys.modules)
"""
    lazy = "import sys, svlm_cli.commands.models; assert 'huggingface_hub' not in sys.modules"
    for code in (script, lazy):
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
