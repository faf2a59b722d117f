"""Downloads weights from the Hugging Face hub (HF_ENDPOINT) into the cache that its tools share (HF_HOME).

Only files that svlm reads are downloaded: safetensors, JSON, the tokenizer, the card and the licence; no pickles, and
no code. Every error of the library becomes one sentence with a hint. Knows neither the catalog nor policies.
huggingface_hub takes a second to import, and is only imported when needed.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import getproxies

from svlm_cli.checkpoints.answers import AnswerError, check_answers, is_commit
from svlm_cli.checkpoints.folder import INDEX_FILE, has_all_shards, require_checkpoint
from svlm_cli.checkpoints.policy_file import DEFAULT_REVISION, POLICY_FILE
from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import NO_ROOM, ModelError
from svlm_cli.core.logins import SIGNS_IN_A_PASSWORD, is_readable, without_logins

_NEEDED = (
    "model*.safetensors",
    INDEX_FILE,
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    POLICY_FILE,
)
_WORTH_KEEPING = ("README.md", "LICENSE*", "NOTICE*")
_MORE_THAN_ANNOUNCED = 10_000_000  # bytes, plus twice the announced size: for retries, and files without announced size
_IGNORED = ("*/*",)  # patterns also match subfolders; svlm only reads the top level


def fetch(hub_id: str, *, revision: str, offline: bool, quiet: bool = False) -> Path:
    """The folder of the checkpoint ``hub_id`` (organisation/name) at ``revision`` (branch, tag or commit).

    Downloads what is missing or outdated, with a progress bar on stderr unless ``quiet``. ``offline``, or without a
    network, a complete copy in the cache is used. Raises `ModelError`.
    """
    from huggingface_hub import constants

    offline = offline or constants.HF_HUB_OFFLINE
    if not offline:
        _refuse_unreadable_proxies()
    try:
        folder = _in_cache(hub_id, revision) if offline else _download(hub_id, revision, quiet=quiet)
    except Exception as error:  # the library, its HTTP client and its storage client share no base class
        raise _explained(error, hub_id, revision, offline=offline) from error
    require_checkpoint(folder, hub_id)
    if not has_all_shards(folder):  # in an older library's cache, an incomplete download is not recognisable
        if offline:
            raise _absent(hub_id, revision, "only partly on this machine, and svlm is offline")
        raise ModelError(
            f"{hub_id} is incomplete: {INDEX_FILE} names shards that were not downloaded.",
            f"Check the connection, and {_endpoint()}/{hub_id}.",
        )
    return folder


def cached(hub_id: str, revision: str) -> Path | None:
    """The folder of ``hub_id`` at ``revision`` if it is completely in the cache. Uses no network."""
    try:
        folder = _in_cache(hub_id, revision)
        require_checkpoint(folder, hub_id)
    except (OSError, ValueError, ModelError, AnswerError):
        return None
    return folder if has_all_shards(folder) else None


def begun_bytes(hub_id: str) -> int:
    """Bytes of ``hub_id`` in the cache, complete or not. Uses no network."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE) / f"models--{hub_id.replace('/', '--')}" / "blobs"
    size = 0
    with suppress(OSError):  # missing, not readable, or being downloaded
        for one in folder.iterdir():
            size += one.stat().st_size
    return size


def _refuse_unreadable_proxies() -> None:
    """The library's own error would quote part of the password."""
    proxies = getproxies()
    for name in ("http", "https", "all"):
        if not is_readable(proxies.get(name, "")):
            raise ModelError(f"{name.upper()}_PROXY is not a URL.", SIGNS_IN_A_PASSWORD)


def _in_cache(hub_id: str, revision: str) -> Path:
    from huggingface_hub import snapshot_download

    # Leave out optional files, which other tools may not have downloaded to the cache.
    return _inside(
        snapshot_download(
            hub_id,
            revision=revision,
            allow_patterns=list(_NEEDED),
            ignore_patterns=list(_IGNORED),
            local_files_only=True,
        )
    )


def _inside(folder: str) -> Path:
    """A folder in the cache, which may have been filled by a tool that trusts the hub."""
    path = Path(folder)
    if not is_commit(path.name):
        raise AnswerError(f"it sent an invalid commit id, {shown(path.name)}")
    return path


def _download(hub_id: str, revision: str, *, quiet: bool) -> Path:
    """Runs in a separate thread, because the library's threads do not notice Ctrl-C until a file is complete."""
    from huggingface_hub import constants, snapshot_download

    check_answers(Path(constants.HF_HUB_CACHE))
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="hub") as pool:
        task = pool.submit(
            snapshot_download,
            hub_id,
            revision=revision,
            allow_patterns=[*_NEEDED, *_WORTH_KEEPING],
            ignore_patterns=list(_IGNORED),
            tqdm_class=_watchful_bar(stop, quiet=quiet),
        )
        try:
            return _inside(task.result())
        except BaseException:
            stop.set()
            raise


def _watchful_bar(stop: threading.Event, *, quiet: bool) -> Any:
    """The library's progress bar, extended to see all received bytes, and to end the thread that counts them.

    It ends the thread once ``stop`` is set, or far more bytes than announced have come: a hub could send without end.
    """
    from huggingface_hub.utils.tqdm import tqdm

    class WatchfulBar(tqdm):
        arrived = 0.0  # counted even if the bar is hidden

        def __init__(self, *values: Any, **options: Any) -> None:
            super().__init__(*values, **(options | {"disable": True} if quiet else options))  # type: ignore[no-untyped-call]  # of the library

        def update(self, n: float | None = 1) -> None:
            if stop.is_set():
                raise KeyboardInterrupt  # the only exception with which the library also aborts its storage client
            self.arrived += n or 0
            if self.arrived > 2 * (self.total or 0) + _MORE_THAN_ANNOUNCED:
                raise AnswerError("it sends more than it announced")
            super().update(n)

    return WatchfulBar


def _explained(error: Exception, hub_id: str, revision: str, *, offline: bool) -> ModelError:
    """An error with a hint, for anything that the library raises."""
    from huggingface_hub import errors

    if isinstance(error, AnswerError):
        return ModelError(
            f"The download of {hub_id} broke off: {_endpoint()} does not answer like a hub: {error}.",
            f"Check HF_ENDPOINT, or run `{_pull(hub_id, revision)}` again.",
        )
    causes = tuple(_causes(error))
    for one in causes:
        if isinstance(one, OSError) and one.errno in NO_ROOM:
            return ModelError(f"The disk is full: {hub_id} did not fit.", f"Make room, or move the cache: {_cache()}")
    if isinstance(error, errors.HFValidationError):
        return ModelError(f"{hub_id!r} is not a hub id.", "A hub id looks like organisation/name.")
    if offline and isinstance(error, errors.LocalEntryNotFoundError):
        return _absent(hub_id, revision, "not on this machine, or not complete, and svlm is offline")
    answer = next((one for one in causes if isinstance(one, errors.HfHubHTTPError)), None)
    if answer is not None:
        return _refused(answer, hub_id, revision)
    if isinstance(error, errors.LocalEntryNotFoundError):
        return ModelError(
            f"The hub cannot be reached to fetch {hub_id}.",
            f"Check the connection to {_endpoint()} (HF_ENDPOINT), and try again.",
        )
    if isinstance(error, OSError) and error.errno is not None:
        return ModelError(
            f"{hub_id} cannot be written to the cache: {error.strerror}.", f"Check, or move, the cache: {_cache()}"
        )
    detail = without_logins((str(error).splitlines() or [""])[0])[:200]
    return ModelError(
        f"The download of {hub_id} broke off ({type(error).__name__}: {detail}).",
        f"Run `{_pull(hub_id, revision)}` to go on: the files that are complete are kept.",
    )


def _refused(answer: Any, hub_id: str, revision: str) -> ModelError:
    """The meaning of the hub's answer, a `HfHubHTTPError`."""
    from huggingface_hub import errors

    page, status = f"{_endpoint()}/{hub_id}", answer.response.status_code
    if isinstance(answer, errors.RevisionNotFoundError):
        return ModelError(f"{hub_id} has no revision {revision!r}.", f"Choose another with --revision; see {page}.")
    if isinstance(answer, errors.GatedRepoError):
        return ModelError(
            f"{hub_id} is gated: its owner asks you to accept conditions first.",
            f"Accept them at {page}, then run `hf auth login`.",
        )
    if isinstance(answer, errors.RepositoryNotFoundError):
        return ModelError(
            f"The hub has no model {hub_id}, or it is private.",
            "Check the spelling; for a private model, run `hf auth login`.",
        )
    if status in {401, 403}:
        return ModelError(
            f"The hub refuses access to {hub_id} (HTTP {status}).",
            f"Check the spelling, run `hf auth login`, and see {page}.",
        )
    if status == 429:
        return ModelError(f"The hub has had too many requests from here to serve {hub_id}.", "Try again in a while.")
    return ModelError(
        f"The hub failed to serve {hub_id} (HTTP {status}).", f"Try `{_pull(hub_id, revision)}` again in a while."
    )


def _absent(hub_id: str, revision: str, state: str) -> ModelError:
    return ModelError(f"{hub_id} is {state}.", f"Fetch it with `{_pull(hub_id, revision)}`, online.")


def _pull(hub_id: str, revision: str) -> str:
    return f"svlm models pull {hub_id}" + ("" if revision == DEFAULT_REVISION else f" --revision {revision}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _endpoint() -> str:
    from huggingface_hub import constants

    return without_logins(constants.ENDPOINT)


def _cache() -> str:
    from huggingface_hub import constants

    return f"HF_HOME, now {constants.HF_HOME}."
