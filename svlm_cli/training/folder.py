"""A run's output folder: its contents before the first step, its states, and the final checkpoint.

Knows no data and no loop.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from svlm_cli.checkpoints import policy_file, toml
from svlm_cli.checkpoints.folder import CARD_FILE, CONFIG_FILE, SMALL_FILES, TOKENIZER_FILE, TOKENIZER_FILES, copy_files
from svlm_cli.checkpoints.policy_file import POLICY_FILE, PolicyFile
from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.core.errors import NO_ROOM, OutputError, OutputExistsError, UsageError
from svlm_cli.engine.tokenizer import Tokenizer, load_fast
from svlm_cli.networks.families import default_family
from svlm_cli.networks.family import Family
from svlm_cli.networks.network import Network
from svlm_cli.networks.weights import WEIGHTS, load_family, load_network
from svlm_cli.training.adapter import set_learned
from svlm_cli.training.network import scratch_family
from svlm_cli.training.packages import require_packages
from svlm_cli.training.recipe import RECIPE_FILE, Recipe, dump, parse
from svlm_cli.training.replacing import replace_text
from svlm_cli.training.tokenizer import END_OF_TEXT, build_tokenizer

STATES = "states"
LOG_FILE = "log.jsonl"
_FINISHED = ".finished"  # a checkpoint that is still being written
_STATE_MARK = "trainer_state.json"  # the last file that the Trainer writes
_FULL = ("No space left on device", "os error 28", "PytorchStreamWriter failed writing")  # in the messages of libraries
_FREE_TABLES = ("info", "output")  # of a recipe: may change on resume
_FREE_KEYS = ("data.workers",)


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """A folder for a new run; `OutputError` if it cannot be created, or is not empty.

    If the run ends before it has trained anything, the folder is cleared again. A full disk is an `OutputError`.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        empty = not any(folder.iterdir())
    except OSError as error:
        raise OutputError(f"{folder} cannot be made a folder.", "Name another --output.") from error
    if not empty:
        hint = "Name another --output, or add --resume to go on with its run."
        raise OutputExistsError(f"{folder} is not empty.", hint)
    try:
        with full_disk_told(folder):
            yield
    except BaseException:
        if not _has_learned(folder):
            _clear(folder, made=made)
        raise


def _has_learned(folder: Path) -> bool:
    log = folder / LOG_FILE
    return (log.is_file() and log.stat().st_size > 0) or latest_state(folder) is not None


def _clear(folder: Path, *, made: bool) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if made:
        with suppress(OSError):
            folder.rmdir()


@contextmanager
def full_disk_told(folder: Path) -> Iterator[None]:
    """Turn a full disk into an `OutputError`, whichever library was writing."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        full = getattr(error, "errno", None) in NO_ROOM or any(words in str(error) for words in _FULL)
        if not full:
            raise
        hint = "Make room, and go on with --resume." if _has_learned(folder) else "Make room, and start again."
        raise OutputError(f"The disk of {folder} is full.", hint) from error


def begin(folder: Path, recipe: Recipe, texts: Callable[[], Iterable[str]]) -> None:
    """Write a new run's files: recipe, policy, tokenizer and preprocessor configuration.

    `texts` is called if a tokenizer has to be trained.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model, prompt = recipe.model, recipe.policy.prompt
    if model.base:
        _copy(resolve(model.base).folder, folder, SMALL_FILES)
    else:
        if model.tokenizer:
            _copy(Path(model.tokenizer), folder, TOKENIZER_FILES)
        else:
            build_tokenizer(texts(), prompt, vocabulary=model.vocabulary, folder=folder)
        _write_json(folder / "preprocessor_config.json", default_family().pixels_from_scratch())
        vocabulary = load_fast(folder).get_vocab()
        for name in (END_OF_TEXT, prompt.markup.turn_end):
            if name not in vocabulary:
                raise UsageError(f"The tokenizer in {model.tokenizer} has no token {name}.", "Use a Qwen tokenizer.")
        _write_json(folder / "generation_config.json", _generation(recipe, vocabulary))
    card = PolicyFile(model=recipe.info, policy=recipe.policy)
    (folder / POLICY_FILE).write_text(policy_file.dump(card), encoding="utf-8")
    (folder / RECIPE_FILE).write_text(dump(recipe), encoding="utf-8")


def check_same(folder: Path, recipe: Recipe) -> None:
    """`UsageError` if the run in `folder` began with another recipe, or is finished."""
    path = folder / RECIPE_FILE
    if not path.is_file():
        raise UsageError(f"{folder} holds no run to resume.", "Leave out --resume to begin one.")
    if is_finished(folder):
        raise UsageError(f"The run in {folder} is finished.", "Name another --output to begin a new one.")
    began = parse(toml.read_text(path, what="a recipe", error=UsageError), source=str(path))
    for key in toml.keys(Recipe):
        if key.split(".")[0] in _FREE_TABLES or key in _FREE_KEYS:
            continue
        then, now = _at(began, key), _at(recipe, key)
        if then != now and not hasattr(then, "__dataclass_fields__"):
            raise UsageError(
                f"The run in {folder} began with {key} = {then}, and the recipe now says {now}.",
                "Resume with the same recipe, or begin a new run in another folder.",
            )


def latest_state(folder: Path) -> tuple[Path, int] | None:
    """The newest complete state to resume from, and its step; one that was only partly written does not count."""
    states = states_of(folder)
    return (states[max(states)], max(states)) if states else None


def states_of(folder: Path) -> dict[int, Path]:
    """All complete states, by step."""
    states: dict[int, Path] = {}
    for path in (folder / STATES).glob(f"checkpoint-*/{_STATE_MARK}"):
        try:
            states[int(json.loads(path.read_text(encoding="utf-8"))["global_step"])] = path.parent
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            continue
    return states


def share_state(state: Path) -> None:
    """Make the weights as readable as the rest of a state: safetensors makes them readable only by their owner."""
    if (state / WEIGHTS).is_file():
        shutil.copymode(state / _STATE_MARK, state / WEIGHTS)


def first_network(folder: Path, recipe: Recipe, *, empty: bool = False) -> Network:
    """The network before the first step, on the CPU: trained weights in float32, frozen ones in the compute dtype.

    If `empty`, the weights are left uninitialised, and so take no memory until they are written.
    """
    require_packages(recipe)
    if empty:
        with torch.device("meta"):
            network = first_family(folder, recipe).network()
    elif recipe.model.base:
        dtype = torch.bfloat16 if recipe.optimisation.bf16 and recipe.adapter.used else torch.float32
        network = load_network(resolve(recipe.model.base).folder, device=torch.device("cpu"), dtype=dtype)
    else:
        network = _from_scratch(folder, recipe)
    set_learned(network, recipe)
    return (network.to_empty(device="cpu") if empty else network).train()


def first_family(folder: Path, recipe: Recipe) -> Family:
    """The family and sizes of the run in `folder`."""
    if recipe.model.base:
        return load_family(resolve(recipe.model.base).folder)
    entries = load_fast(folder).get_vocab_size()
    return scratch_family(recipe.model, recipe.policy.prompt.markup, Tokenizer(folder).special, entries)


def _from_scratch(folder: Path, recipe: Recipe) -> Network:
    network = first_family(folder, recipe).network()
    network.initialise(recipe.optimisation.seed)
    return network


def finish(folder: Path, fill: Callable[[Path], None]) -> None:
    """Turn the folder into the checkpoint that `fill` writes. The card is written last and marks the run as finished.

    States are removed.
    """
    part = folder / _FINISHED
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    fill(part)
    for path in folder.glob("model*.safetensors*"):  # from a run that died here
        path.unlink()
    for path in sorted(part.iterdir(), key=lambda one: one.name == CARD_FILE):
        path.replace(folder / path.name)
    part.rmdir()
    shutil.rmtree(folder / STATES, ignore_errors=True)


def is_finished(folder: Path) -> bool:
    """Whether the run in the folder is finished."""
    return (folder / CARD_FILE).is_file()


def keep_family(folder: Path, family: Family) -> None:
    """Save what states do not contain about their network."""
    (folder / STATES).mkdir(exist_ok=True)
    replace_text(folder / STATES / CONFIG_FILE, json.dumps(family.to_dict(), indent=2, sort_keys=True) + "\n")


def _copy(source: Path, target: Path, names: Iterable[str]) -> None:
    if not (source / TOKENIZER_FILE).is_file():
        raise UsageError(f"{source} has no {TOKENIZER_FILE}.", "Name the folder of a checkpoint or of a tokenizer.")
    copy_files(source, target, names)


def _generation(recipe: Recipe, ids: dict[str, int]) -> dict[str, Any]:
    sampling, end = recipe.policy.sampling, ids[recipe.policy.prompt.markup.turn_end]
    return {
        "bos_token_id": ids[END_OF_TEXT],
        "do_sample": sampling.temperature > 0,
        "eos_token_id": [end, ids[END_OF_TEXT]],
        "pad_token_id": ids[END_OF_TEXT],
        "repetition_penalty": sampling.repetition_penalty,
    } | ({"temperature": sampling.temperature, "top_k": sampling.top_k} if sampling.temperature > 0 else {})


def _at(recipe: Recipe, key: str) -> Any:
    value: Any = recipe
    for name in key.split("."):
        value = getattr(value, name)
    return value


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
