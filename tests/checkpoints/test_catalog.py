"""The catalog: what ships in models/ is sound, and what is broken is named."""

from pathlib import Path

import pytest

from svlm_cli.checkpoints import catalog
from svlm_cli.checkpoints.folder import read_card
from svlm_cli.core.errors import ModelError
from svlm_cli.core.policy import MarkerRule, StreamPolicy
from tests.checkpoints.fake import SHARDS, fake_checkpoint


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalog of one's own, with one model from the hub."""
    folder = tmp_path / "models"
    (folder / "good").mkdir(parents=True)
    (folder / "good" / "policy.toml").write_text("[weights]\nhub = 'team/model'\n")
    monkeypatch.setattr(catalog, "models_folder", lambda: folder)
    return folder


def test_the_shipped_models_are_sound() -> None:
    """Guards the files of models/: each must parse, have a card, and say where its weights are and what may be done."""
    entries = {entry.name: entry for entry in catalog.list_models()}
    assert {"streamingvlm-7b", "qwen2.5-vl-3b", "qwen2.5-vl-7b"} <= set(entries)
    for entry in entries.values():
        assert read_card(entry.folder).startswith(f"# {entry.file.model.title}\n")
        assert entry.file.model.summary
        assert entry.file.model.licence
        assert entry.embedded or entry.file.weights.hub


def test_streamingvlm_is_streamed_as_published() -> None:
    """Guards against a policy.toml or defaults that drift from what the checkpoint was measured with."""
    assert catalog.find("streamingvlm-7b").file.policy == StreamPolicy()


@pytest.mark.parametrize("name", ["qwen2.5-vl-3b", "qwen2.5-vl-7b"])
def test_base_models_lose_no_words_to_a_marker_that_they_never_learned(name: str) -> None:
    """Guards against `positional` for models that do not write the marker: each round's last word would be dropped."""
    assert catalog.find(name).file.policy.prompt.marker_rule is MarkerRule.EXACT


def test_names_are_folders_and_nothing_else(models: Path) -> None:
    """Guards against caches, notes and editors' leavings in the list."""
    (models / ".hidden").mkdir()
    (models / "__pycache__").mkdir()
    (models / "notes.txt").write_text("")
    assert [entry.name for entry in catalog.list_models()] == ["good"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("no-policy", None), ("no-weights", ""), ("bad-key", "colour = 'red'"), ("bad-toml", "=")],
)
def test_a_broken_entry_is_named(models: Path, name: str, text: str | None) -> None:
    """Guards against an entry that silently vanishes, and against one that takes the sound ones down with it."""
    (models / name).mkdir()
    if text is not None:
        (models / name / "policy.toml").write_text(text)
    with pytest.raises(ModelError, match=name):
        catalog.list_models()
    assert catalog.find("good").file.weights.hub == "team/model"


def test_an_entry_may_carry_its_weights(models: Path) -> None:
    """Guards the embedded model: it needs no hub."""
    fake_checkpoint(models / "own")
    (models / "own" / "policy.toml").write_text("")
    assert catalog.find("own").embedded
    assert not catalog.find("good").embedded


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", SHARDS[1]])
def test_weights_that_did_not_come_along_are_missed(models: Path, missing: str) -> None:
    """Guards against a model that is listed as here, and fails a minute later with the name of some file."""
    fake_checkpoint(models / "own")
    (models / "own" / "policy.toml").write_text("")
    (models / "own" / missing).unlink()
    with pytest.raises(ModelError, match="The model own is broken") as caught:
        catalog.find("own")
    assert caught.value.hint == "Install svlm-cli again."


@pytest.mark.parametrize("name", ["streamingvlm-7", "StreamingVLM-7B", "streaming-vlm-7b"])
def test_a_name_that_is_nearly_right_is_suggested(name: str) -> None:
    """Guards against a list to read where one guess would do."""
    with pytest.raises(ModelError) as caught:
        catalog.find(name)
    assert caught.value.hint == "Did you mean streamingvlm-7b?"


@pytest.mark.parametrize("name", ["", "..", "../models", "nothing like it"])
def test_other_names_get_the_list(name: str) -> None:
    """Guards against paths that pass for names."""
    with pytest.raises(ModelError) as caught:
        catalog.find(name)
    assert "qwen2.5-vl-3b" in caught.value.hint


def test_an_installed_package_carries_its_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the wheel: outside a checkout the catalog is svlm_cli/_models, and a broken install says so."""
    package = tmp_path / "site-packages" / "svlm_cli"
    package.mkdir(parents=True)
    monkeypatch.setattr(catalog, "_PACKAGE", package)
    with pytest.raises(ModelError, match="missing from this installation"):
        catalog.models_folder()
    (tmp_path / "site-packages" / "models").mkdir()
    assert catalog.models_folder() == tmp_path / "site-packages" / "models"
    (package / "_models").mkdir()
    assert catalog.models_folder() == package / "_models"
