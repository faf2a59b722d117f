"""Fetching from a hub: what comes, from which revision, what stays when it breaks, and what people are told."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from svlm_cli.checkpoints.hub import cached, fetch
from svlm_cli.core.errors import ModelError
from tests.checkpoints.conftest import use_endpoint
from tests.checkpoints.fake import SHARDS, fake_checkpoint
from tests.conftest import environment
from tests.servers.hub import Fault, Hub, commit_of, serve_hub


def test_only_what_svlm_reads_is_fetched(hub: Hub, tmp_path: Path) -> None:
    """Guards against pickles and code on the disk, and against gigabytes in formats that nobody reads."""
    folder = fetch("team/model", revision="main", offline=False)
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == {
        *("config.json", "generation_config.json", "tokenizer.json", "model.safetensors.index.json"),
        *("README.md", "LICENSE"),
        *SHARDS,
    }
    for shard in SHARDS:
        assert (folder / shard).read_bytes() == (tmp_path / "served" / "main" / shard).read_bytes()


@pytest.mark.parametrize(
    ("revision", "content"), [("main", "main"), ("v1", "v1"), (commit_of("v1"), "v1")], ids=["branch", "tag", "commit"]
)
def test_the_revision_decides_what_comes(hub: Hub, revision: str, content: str) -> None:
    """Guards against `--revision` being dropped on the way: the branch would come instead."""
    folder = fetch("team/model", revision=revision, offline=False)
    assert content in (folder / "config.json").read_text()
    assert cached("team/model", revision) == folder


def test_a_second_time_nothing_is_downloaded(hub: Hub) -> None:
    """Guards against 16 GB at every start."""
    folder = fetch("team/model", revision="main", offline=False)
    hub.requests.clear()
    assert fetch("team/model", revision="main", offline=False) == folder
    assert hub.files_asked() == []


def test_offline_asks_nothing_of_the_network(hub: Hub) -> None:
    """Guards `--offline`, and `list`, which must not wait for a network that is not there."""
    assert cached("team/model", "main") is None
    folder = fetch("team/model", revision="main", offline=False)
    hub.requests.clear()
    assert fetch("team/model", revision="main", offline=True) == folder
    assert cached("team/model", "main") == folder
    assert cached("team/model", "v1") is None
    assert hub.requests == []


def test_offline_by_environment_is_offline(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards HF_HUB_OFFLINE, which people set once for all their tools."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="offline") as caught:
        fetch("team/model", revision="v1", offline=False)
    assert "svlm models pull team/model --revision v1" in caught.value.hint
    assert hub.requests == []


def test_a_body_that_breaks_off_is_resumed(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a truncated shard in the cache, and against starting 5 GB from zero for one lost connection."""
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)  # the library resumes after whole chunks
    hub.faults.append(Fault(SHARDS[0], truncate_at=30_000, times=1))
    folder = fetch("team/model", revision="main", offline=False)
    assert (folder / SHARDS[0]).read_bytes() == (tmp_path / "served" / "main" / SHARDS[0]).read_bytes()
    assert [one.range for one in hub.requests if one.method == "GET" and one.path.endswith(SHARDS[0])] == [
        None,
        "bytes=30000-",
    ]


def test_a_download_that_fails_keeps_the_files_that_came(hub: Hub) -> None:
    """Guards against half a model that passes for a whole one, and against fetching its good half again."""
    hub.faults.append(Fault(SHARDS[1], status=500))
    with pytest.raises(ModelError, match=r"failed to serve team/model \(HTTP 500\)"):
        fetch("team/model", revision="main", offline=False)
    assert cached("team/model", "main") is None
    with pytest.raises(ModelError, match="not complete"):
        fetch("team/model", revision="main", offline=True)
    came = set(hub.files_asked()) - {SHARDS[1]}
    hub.faults.clear()
    hub.requests.clear()
    folder = fetch("team/model", revision="main", offline=False)
    assert SHARDS[1] in hub.files_asked()
    assert SHARDS[0] in came
    assert not came & set(hub.files_asked())
    assert cached("team/model", "main") == folder


@pytest.mark.parametrize(
    ("fault", "sentence", "way_out"),
    [
        (Fault("/revision/", status=404, error_code="RepoNotFound"), "no model team/model", "hf auth login"),
        (Fault("/revision/", status=401), "refuses access", "spelling"),
        (Fault("/revision/", status=403, error_code="GatedRepo"), "is gated", "hf auth login"),
        (Fault("/resolve/", status=401, error_code="GatedRepo", method="HEAD"), "is gated", "hf auth login"),
        (Fault("/revision/", status=403), "refuses access", "hf auth login"),
        (Fault("/revision/", status=404, error_code="RevisionNotFound"), "no revision 'main'", "--revision"),
        (Fault("/revision/", status=429), "too many requests", "in a while"),
        (Fault("/revision/", status=503), r"failed to serve team/model \(HTTP 503\)", "svlm models pull team/model"),
        (Fault("/revision/", status=200), "broke off", "svlm models pull team/model"),
    ],
    ids=["missing", "unauthorized", "gated", "gated-files", "forbidden", "revision", "busy", "down", "not-a-hub"],
)
def test_a_refusal_is_one_sentence_with_the_way_out(hub: Hub, fault: Fault, sentence: str, way_out: str) -> None:
    """Guards against the library's paragraphs and tracebacks, and against `log in` where that would not help."""
    hub.faults.append(fault)
    with pytest.raises(ModelError, match=sentence) as caught:
        fetch("team/model", revision="main", offline=False)
    assert way_out in caught.value.hint
    assert "\n" not in str(caught.value)


def test_no_network_is_one_sentence(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the most common failure of all."""
    use_endpoint(monkeypatch, "http://127.0.0.1:9")
    with pytest.raises(ModelError, match="cannot be reached") as caught:
        fetch("team/model", revision="main", offline=False)
    assert "http://127.0.0.1:9" in caught.value.hint


def test_the_login_of_a_hub_is_not_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards a password in HF_ENDPOINT, in each of the sentences that name the hub."""
    endpoint = hub.endpoint.replace("://", "://me:secret@")
    hub.faults.append(Fault("/api/models/team/model", status=403))
    for address in (endpoint, "http://me:secret@127.0.0.1:9"):
        use_endpoint(monkeypatch, address)
        with pytest.raises(ModelError) as caught:
            fetch("team/model", revision="main", offline=False)
        assert ("://...@127.0.0.1" in caught.value.hint, "secret" in str(caught.value)) == (True, False)


@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_that_the_library_cannot_read(cache: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Guards against its error, which quotes what it takes for the port."""
    monkeypatch.setenv(name, "http://me:se/cret@127.0.0.1:9")
    with pytest.raises(ModelError, match=f"{name.upper()} is not a URL.") as caught:
        fetch("team/model", revision="main", offline=False)
    assert "se" not in str(caught.value).split()


def test_without_a_network_what_is_here_is_used(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a model on the disk that is useless on a train."""
    folder = fetch("team/model", revision="main", offline=False)
    use_endpoint(monkeypatch, "http://127.0.0.1:9")
    assert fetch("team/model", revision="main", offline=False) == folder


@pytest.mark.parametrize("name", ["a--b/c", "a/b.git", "a/b/c"])
def test_what_is_no_hub_id_is_called_so(cache: Path, name: str) -> None:
    """Guards against a validator's exception."""
    with pytest.raises(ModelError, match="is not a hub id"):
        fetch(name, revision="main", offline=False)
    assert cached(name, "main") is None


def test_a_full_disk_is_called_so(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against `broke off, try again`, which would fill it once more."""

    def no_space(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", no_space)
    with pytest.raises(ModelError, match="disk is full") as caught:
        fetch("team/model", revision="main", offline=False)
    assert "HF_HOME" in caught.value.hint


@pytest.mark.filterwarnings("ignore:Not enough free disk space")
def test_a_cache_that_cannot_be_written_is_named(hub: Hub, cache: Path) -> None:
    """Guards against a bare `[Errno 20]`."""
    cache.parent.mkdir()
    cache.write_text("a file where the folder should be")
    with pytest.raises(ModelError, match="cannot be written") as caught:
        fetch("team/model", revision="main", offline=False)
    assert str(cache.parent) in caught.value.hint


@pytest.mark.parametrize("missing", [SHARDS[1], "config.json", "model.safetensors.index.json"])
def test_the_cache_of_an_older_library_is_checked(cache: Path, missing: str) -> None:
    """Guards against half a model from a library that left no list of what should be there."""
    snapshot = fake_checkpoint(cache / "models--team--model" / "snapshots" / commit_of("main"))
    refs = cache / "models--team--model" / "refs"
    refs.mkdir()
    (refs / "main").write_text(commit_of("main"))
    assert cached("team/model", "main") == snapshot
    (snapshot / missing).unlink()
    assert cached("team/model", "main") is None
    with pytest.raises(ModelError):
        fetch("team/model", revision="main", offline=True)


def test_a_repository_without_safetensors_is_refused(hub: Hub, tmp_path: Path) -> None:
    """Guards against an error about a missing file where the point is that pickles are not read."""
    for path in (tmp_path / "served" / "main").glob("model*.safetensors*"):
        path.unlink()
    (tmp_path / "served" / "main" / "model.txt").write_text("")
    with pytest.raises(ModelError, match="team/model cannot be loaded") as caught:
        fetch("team/model", revision="main", offline=False)
    assert "safetensors" in caught.value.hint


def test_a_repository_that_lacks_a_shard_is_called_incomplete(hub: Hub, tmp_path: Path) -> None:
    """Guards against `fetch it` for what was just fetched."""
    (tmp_path / "served" / "main" / SHARDS[1]).unlink()
    with pytest.raises(ModelError, match="team/model is incomplete"):
        fetch("team/model", revision="main", offline=False)
    assert cached("team/model", "main") is None


def described(**changes: object) -> bytes:
    """A hub's description of a revision."""
    return json.dumps({"id": "team/model", "sha": commit_of("main"), "siblings": []} | changes).encode()


def listed(**changes: object) -> bytes:
    """A hub's list of files, of which one is strange."""
    strange = {"type": "file", "path": "LICENSE", "size": 1, "oid": commit_of("LICENSE")} | changes
    return json.dumps([strange, {"type": "file", "path": "config.json", "size": 1, "oid": commit_of("a")}]).encode()


OUT = "../../../../../outside"
DEEP = b"[" * 100_000
STRANGE = {
    "a commit that leaves the cache": (Fault("/revision/", body=described(sha=OUT)), "invalid commit id, .*outside'"),
    "a commit that is absolute": (Fault("/revision/", body=described(sha="/tmp/outside")), "invalid commit id"),
    "a commit that is a name": (Fault("/revision/", body=described(sha="main")), "invalid commit id, 'main'"),
    "a commit that is a number": (Fault("/revision/", body=described(sha=5)), "invalid commit id, 5"),
    "a file that leaves the cache": (
        Fault("/tree/", body=listed(path=f"LICENSE/{OUT}")),
        "lists a file with an unsafe name",
    ),
    "an absolute file": (Fault("/tree/", body=listed(path="/tmp/outside")), "lists a file with an unsafe name"),
    "a file of Windows": (
        Fault("/tree/", body=listed(path="LICENSE\\..\\outside")),
        "lists a file with an unsafe name",
    ),
    "a file that paints": (Fault("/tree/", body=listed(path="LICENSE\x1b[31m")), "lists a file with an unsafe name"),
    "a listed tag that leaves the cache": (
        Fault("/tree/", body=listed(lfs={"oid": OUT, "size": 1})),
        "invalid file tag",
    ),
    "a tag that leaves the cache": (Fault("LICENSE", headers={"ETag": f'"{OUT}"'}, method="HEAD"), "invalid file tag"),
    "a tag of dots": (Fault("LICENSE", headers={"ETag": '".."'}, method="HEAD"), "invalid file tag"),
    "a linked tag": (Fault("LICENSE", headers={"X-Linked-Etag": OUT}, method="HEAD"), "invalid file tag"),
    "another commit in a header": (
        Fault("LICENSE", headers={"X-Repo-Commit": OUT}, method="HEAD"),
        "invalid commit id",
    ),
    "nesting without end": (Fault("/revision/", body=DEEP), "nested too deeply"),
    "a list nested without end": (Fault("/tree/", body=DEEP), "nested too deeply"),
    "a number without end": (Fault("/revision/", body=described(sha="x").replace(b'"x"', b"9" * 400)), "400 digits"),
    "a list that fills the memory": (Fault("/tree/", body=b"[" + b" " * 33_000_000), "more than 32 MB"),
    "a page": (Fault("/revision/", body=b"<!DOCTYPE html>"), "not JSON"),
    "a file without an end": (Fault("LICENSE", endless=True), "more than it announced"),
}


@pytest.mark.parametrize(("fault", "sentence"), STRANGE.values(), ids=STRANGE.keys())
def test_a_hub_is_a_stranger(hub: Hub, cache: Path, tmp_path: Path, fault: Fault, sentence: str) -> None:
    """Guards against a server that writes where it likes, fills the memory or the disk, or ends in a traceback."""
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(cache)}
    hub.faults += [fault, replace(fault, method="HEAD")] if fault.endless else [fault]
    with pytest.raises(ModelError, match=rf"broke off: http.*does not answer like a hub: it .*{sentence}") as caught:
        fetch("team/model", revision="main", offline=False)
    assert "svlm models pull team/model" in caught.value.hint
    assert "\n" not in str(caught.value)
    assert {path for path in tmp_path.rglob("*") if not path.is_relative_to(cache)} <= before | {cache.parent}
    assert not Path("/tmp/outside").exists()


def test_what_the_disk_has_no_room_for_is_not_begun(hub: Hub, cache: Path) -> None:
    """Guards against a disk that is full before anybody looks."""
    hub.faults.append(Fault("LICENSE", headers={"Content-Length": str(10**17)}))
    with pytest.raises(ModelError, match="disk is full"):
        fetch("team/model", revision="main", offline=False)
    assert not [path for path in cache.rglob("*.incomplete") if path.is_file()]


def test_a_cache_that_names_no_commit_leads_nowhere(cache: Path, tmp_path: Path) -> None:
    """Guards against a tool that believed a hub before: its notes lead out of the cache."""
    fake_checkpoint(tmp_path / "outside")
    refs = cache / "models--team--model" / "refs"
    refs.mkdir(parents=True)
    (refs / "main").write_text(os.path.relpath(tmp_path / "outside", refs.parent / "snapshots"))
    (refs.parent / "snapshots").mkdir()
    assert cached("team/model", "main") is None
    with pytest.raises(ModelError, match="invalid commit id"):
        fetch("team/model", revision="main", offline=True)


def test_ctrl_c_ends_a_download_at_once(tmp_path: Path) -> None:
    """Guards against a Ctrl-C that is heard when the 5 GB file is complete, and leaves a part of it behind."""
    served = fake_checkpoint(tmp_path / "served", size=60_000_000)
    home = tmp_path / "home"
    with serve_hub({"team/model": {"main": served}}) as hub:
        # a shard takes 7 s if nobody listens; the library looks up every 10 MB
        hub.faults.append(Fault("safetensors", bytes_per_s=8e6))
        env = environment(HF_ENDPOINT=hub.endpoint, HF_HOME=str(home), HF_HUB_OFFLINE="0", NO_PROXY="127.0.0.1")
        command = [sys.executable, "-m", "svlm_cli", "models", "pull", "team/model"]
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while SHARDS[0] not in hub.files_asked():
            assert process.poll() is None
            time.sleep(0.02)
        while not any(path.stat().st_size for path in home.rglob("*.incomplete")):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert list(home.rglob("*.incomplete")) == []
    assert max((path.stat().st_size for path in home.rglob("*")), default=0) < 60_000_000, "it went on to the end"


def test_xet_storage_is_not_needed_and_the_environment_is_heeded(tmp_path: Path) -> None:
    """Guards HF_ENDPOINT and HF_HOME, and hubs without Xet; and that fetching loads neither torch nor transformers."""
    served = fake_checkpoint(tmp_path / "served")
    script = """
import sys
from svlm_cli.checkpoints.resolve import resolve
print(resolve("team/model").folder)
assert not {"torch", "transformers", "hf_xet"} & set(sys.modules)
"""
    with serve_hub({"team/model": {"main": served}}) as hub:
        env = environment(
            HF_ENDPOINT=hub.endpoint, HF_HOME=str(tmp_path / "h"), HF_HUB_OFFLINE="0", NO_PROXY="127.0.0.1"
        )
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(tmp_path / "h")
