"""What --model means: names before folders before the hub, whose policy holds, and what people are told."""

from pathlib import Path

import pytest

from svlm_cli.checkpoints import catalog
from svlm_cli.checkpoints.resolve import POLICY_OF_DEFAULTS, Origin, refer, resolve
from svlm_cli.core.errors import ModelError, UsageError
from svlm_cli.core.policy import StreamPolicy
from tests.checkpoints.fake import SHARDS, fake_checkpoint
from tests.servers.hub import Hub, commit_of


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalog with a model on the hub and one that carries its weights, and an empty folder to work in."""
    folder = tmp_path / "models"
    (folder / "remote").mkdir(parents=True)
    (folder / "remote" / "policy.toml").write_text(
        "[vision]\nfps = 4\n[weights]\nhub = 'team/model'\nrevision = 'v1'\n"
    )
    fake_checkpoint(folder / "own")
    (folder / "own" / "policy.toml").write_text("[vision]\nfps = 8\n")
    monkeypatch.setattr(catalog, "models_folder", lambda: folder)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return folder


def test_a_name_fetches_its_weights_and_brings_its_policy(hub: Hub, models: Path) -> None:
    """Guards the catalog's revision and policy, which make a name more than an abbreviation."""
    checkpoint = resolve("remote")
    assert (checkpoint.name, checkpoint.origin) == ("remote", Origin.CATALOG)
    assert checkpoint.folder.name == commit_of("v1")
    assert checkpoint.policy.vision.fps == 4
    assert resolve("remote", offline=True) == checkpoint
    assert resolve("remote", revision="main").folder.name == commit_of("main")


def test_embedded_weights_need_no_hub(models: Path) -> None:
    """Guards the embedded model: no network, no cache."""
    checkpoint = resolve("own", offline=True)
    assert (checkpoint.folder, checkpoint.policy.vision.fps) == (models / "own", 8)


def test_no_name_is_the_model_that_comes_with_svlm(models: Path) -> None:
    """Guards the first command of a newcomer, also where the installation lost that model; an empty name is none."""
    with pytest.raises(ModelError, match=rf"and {catalog.DEFAULT_MODEL}, the default, is not part of this") as caught:
        resolve(None)
    assert "--model" in caught.value.hint
    (models / "own").rename(models / catalog.DEFAULT_MODEL)
    assert resolve(None) == resolve(catalog.DEFAULT_MODEL)
    with pytest.raises(UsageError, match="comes with svlm"):
        resolve(None, revision="v1")
    with pytest.raises(ModelError, match="No model is called ''"):
        resolve("")


def test_a_folder_brings_its_own_policy_or_the_published_one(models: Path) -> None:
    """Guards fine-tuned checkpoints, whose policy travels with them."""
    folder = fake_checkpoint(Path("mine"))
    assert resolve("mine").policy == StreamPolicy()
    (folder / "policy.toml").write_text("[prompt]\nquery = 'Speak.'\n")
    checkpoint = resolve("./mine")
    assert (checkpoint.origin, checkpoint.folder) == (Origin.FOLDER, Path("mine"))
    assert checkpoint.policy.prompt.query == "Speak."
    (folder / "policy.toml").write_text("query = 'Speak.'\n")
    with pytest.raises(ModelError, match=r"mine/policy\.toml"):
        resolve("mine")
    (folder / "policy.toml").unlink()
    (folder / "policy.toml").mkdir()
    with pytest.raises(
        ModelError, match=r"mine/policy\.toml is not a valid policy"
    ):  # rather than another one's in its place
        resolve("mine")


def test_a_checkpoint_without_a_policy_says_whose_it_gets(hub: Hub, models: Path) -> None:
    """Guards a model that was not trained to stream, streamed by another one's policy without a word."""
    folder = fake_checkpoint(Path("mine"))
    assert (
        resolve("mine").notice == "mine has no policy.toml: it streams by the policy of streamingvlm-7b, the default."
    )
    assert resolve("team/model").notice == "team/model has no policy.toml: it streams by the policy of remote."
    (folder / "policy.toml").write_text("")
    assert resolve("mine").notice == resolve("own").notice == resolve("remote").notice == ""


def test_the_defaults_are_the_policy_that_they_are_said_to_be() -> None:
    """Guards the sentence above."""
    assert catalog.find(POLICY_OF_DEFAULTS).file.policy == StreamPolicy()


def test_a_name_wins_over_a_folder_and_a_folder_over_the_hub(hub: Hub, models: Path) -> None:
    """Guards the order that the documentation promises: the same command must not change with what lies about."""
    fake_checkpoint(Path("own"))
    fake_checkpoint(Path("team/model"))
    assert refer("own").origin is Origin.CATALOG
    assert refer("./own").origin is Origin.FOLDER
    assert refer("team/model").origin is Origin.FOLDER
    assert hub.requests == []


def test_a_hub_id_of_the_catalog_has_its_policy(hub: Hub, models: Path) -> None:
    """Guards against two policies for one checkpoint, by how it was named."""
    checkpoint = resolve("team/model")
    assert (checkpoint.name, checkpoint.origin) == ("team/model", Origin.HUB)
    assert (checkpoint.policy.vision.fps, checkpoint.folder.name) == (4, commit_of("v1"))


def test_an_embedded_model_speaks_for_no_hub_id(hub: Hub, models: Path) -> None:
    """Guards weights that were published again: the policy of those that come with svlm is not theirs."""
    (models / "remote" / "policy.toml").unlink()
    (models / "remote").rmdir()
    (models / "own" / "policy.toml").write_text("[vision]\nfps = 8\n[weights]\nhub = 'team/model'\nrevision = 'v1'\n")
    checkpoint = resolve("team/model")
    assert (checkpoint.folder.name, checkpoint.policy) == (commit_of("main"), StreamPolicy())


def test_another_hub_id_has_the_policy_that_it_brings(hub: Hub, models: Path, tmp_path: Path) -> None:
    """Guards checkpoints that others publish: their policy.toml is fetched with them."""
    hub.repositories = {"team/other": {"main": tmp_path / "served" / "main"}}
    assert resolve("team/other").policy == StreamPolicy()
    (tmp_path / "served" / "v1" / "policy.toml").write_text("[vision]\nfps = 1\n")
    hub.repositories = {"team/other": {"v1": tmp_path / "served" / "v1"}}
    assert resolve("team/other", revision="v1").policy.vision.fps == 1


def test_home_is_understood(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards `--model=~/mine`, which no shell expands."""
    monkeypatch.setenv("HOME", str(tmp_path))
    fake_checkpoint(tmp_path / "mine")
    assert resolve("~/mine").folder == tmp_path / "mine"


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors.index.json"])
def test_a_folder_that_is_no_checkpoint_is_called_so(models: Path, missing: str) -> None:
    """Guards against a minute of imports before the error, and an error from deep inside."""
    folder = fake_checkpoint(Path("mine"))
    (folder / missing).unlink()
    with pytest.raises(ModelError, match=r"^mine "):
        resolve("mine")


def test_one_file_of_weights_will_do(models: Path) -> None:
    """Guards small checkpoints: no index, no shards."""
    folder = fake_checkpoint(Path("mine"))
    for name in (*SHARDS, "model.safetensors.index.json"):
        (folder / name).unlink()
    (folder / "model.safetensors").write_bytes(b"")
    assert resolve("mine").folder == folder


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("remot", "No model is called 'remot'", "Did you mean remote?"),
        ("", "No model is called ''", "hub id like organisation/name"),
        ("./nope", "no folder ./nope", "a folder"),
        ("/nope/nope", "no folder /nope/nope", "a folder"),
        ("~nobody/x", "no folder ~nobody/x", "a folder"),
        ("a/b/c", "no folder a/b/c", "a folder"),
        ("x" * 5000, "No model is called", "There are: own, remote."),
        ("nul\0", r"No model is called 'nul\\x00'", "There are: own, remote."),
        ("weights.bin", "weights.bin is a file", "folder"),
    ],
)
def test_what_is_none_of_the_three_is_told_the_three(models: Path, name: str, message: str, hint: str) -> None:
    """Guards against a download of something misspelt, and against exceptions for strange names."""
    Path("weights.bin").write_bytes(b"")
    with pytest.raises(ModelError, match=message) as caught:
        resolve(name)
    assert hint in caught.value.hint


@pytest.mark.parametrize("name", ["own", "./mine"])
def test_a_revision_of_what_has_none_is_refused(models: Path, name: str) -> None:
    """Guards against `--revision` that is ignored."""
    fake_checkpoint(Path("mine"))
    with pytest.raises(UsageError, match="no revision"):
        resolve(name, revision="v1")
