"""The loop: transformers' Trainer over our own networks, from a recipe to a checkpoint folder.

The Trainer accumulates, clips, steps, saves and resumes; batches, loss and log are ours. A run that is killed and
resumed ends as an unbroken one: data follow from the seed and the step, and everything else is in the state. Knows no
command line. Prints nothing to stdout.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from svlm_cli.core.errors import UsageError
from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.networks.weights import load_preprocessor
from svlm_cli.training import folder as run_folder
from svlm_cli.training.annotated import AnnotatedData, annotated_texts
from svlm_cli.training.collate import Batch
from svlm_cli.training.feed import DeviceBatch, DeviceFeed
from svlm_cli.training.layout import Layout, Role
from svlm_cli.training.log import Say, TrainingLog, to_stderr
from svlm_cli.training.matches import sample_texts
from svlm_cli.training.network import LearningNetwork
from svlm_cli.training.optimizers import make_optimizer
from svlm_cli.training.recipe import Recipe, Source
from svlm_cli.training.simulated import SimulatedData


class Data(Protocol):
    """Batches from any step on."""

    def batches(self, first_step: int) -> Iterator[Batch]:
        """`accumulate` of them a step; ends after the last step."""
        ...

    def close(self) -> None:
        """Ends what prepares them."""
        ...


class WindowTrainer(Trainer):
    """The Trainer, fed by a `DeviceFeed` and logging to a `TrainingLog`."""

    def __init__(
        self,
        model: LearningNetwork,
        arguments: TrainingArguments,
        optimizers: tuple[torch.optim.Optimizer, LambdaLR],
        feed: DeviceFeed,
        log: TrainingLog,
    ) -> None:
        super().__init__(model=model, args=arguments, optimizers=optimizers)
        self.remove_callback(PrinterCallback)  # stdout
        self.add_callback(_ShareStates())
        self._feed = feed
        self._log = log
        self._tally = torch.zeros(len(Role), 3, device=arguments.device)
        self._tokens = 0

    def get_train_dataloader(self) -> Any:
        """Ours is no DataLoader: nothing is shuffled, sharded or moved any more."""
        return self._feed

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,  # noqa: ARG002 - the Trainer's signature
    ) -> Any:
        """The mean over the step's learned tokens. What is counted besides stays on the device."""
        batch: DeviceBatch = inputs["batch"]
        outputs = model(batch=batch)
        self._tally += outputs["tally"]
        self._tokens += batch.count
        return (outputs["loss"], outputs) if return_outputs else outputs["loss"]

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:  # noqa: ARG002 - as above
        """A logged step; the Trainer's summary at the end is none."""
        if "loss" not in logs:
            return
        figures = {name: logs[name] for name in ("loss", "grad_norm", "learning_rate")}
        self._log.note(self.state.global_step, figures, self._tally, tokens=self._tokens, waited_s=self._feed.waited_s)
        self._tally.zero_()
        self._tokens, self._feed.waited_s = 0, 0.0


class _ShareStates(TrainerCallback):
    """Gives a new state's weights the mode of its other files."""

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002 - the callback's signature
        **kwargs: Any,  # noqa: ARG002 - as above
    ) -> None:
        run_folder.share_state(Path(str(args.output_dir)) / f"checkpoint-{state.global_step}")


def train(recipe: Recipe, output: Path, *, device: torch.device, resume: bool = False, say: Say = to_stderr) -> None:
    """Runs a recipe; `output` is then a checkpoint folder. With `resume`, goes on where its run stopped.

    Raises `UsageError`, `InputError`, `ModelError` and `OutputError` as the parts do.
    """
    _require_one_process(device)
    if resume:
        run_folder.check_same(output, recipe)
        with run_folder.full_disk_told(output):
            _run(recipe, output, device=device, resume=True, say=say)
        return
    with run_folder.claimed(output):
        run_folder.begin(output, recipe, partial(_texts, recipe))
        _run(recipe, output, device=device, resume=False, say=say)


def _run(recipe: Recipe, output: Path, *, device: torch.device, resume: bool, say: Say) -> None:
    state = run_folder.latest_state(output) if resume else None
    first_step = 0 if state is None else state[1]
    if resume:
        say(f"{output}: going on after step {first_step}.")
    network = LearningNetwork(run_folder.first_network(output, recipe))
    family = network.network.family
    preprocessor = load_preprocessor(output, family)
    layout = Layout(output, recipe.policy, family, recipe.windows.streamed)
    optimisation = recipe.optimisation
    network.to(device)
    if optimisation.checkpointing:
        network.checkpoint_layers()
    if optimisation.compile and device.type == "cuda":
        network.compile_layers()
    log = TrainingLog(output / run_folder.LOG_FILE, first_step=first_step, steps=optimisation.steps, say=say)
    with ExitStack() as opened:
        data = opened.enter_context(closing(_open(recipe, layout, preprocessor, say)))
        feed = DeviceFeed(
            data.batches,
            preprocessor,
            device=device,
            dtype=torch.bfloat16 if optimisation.bf16 else torch.float32,
            first_step=first_step,
            accumulate=optimisation.accumulate,
        )
        opened.enter_context(closing(feed))
        optimizers = make_optimizer(network, optimisation)
        trainer = WindowTrainer(network, _arguments(recipe, output, device), optimizers, feed, log)
        trainer.train(resume_from_checkpoint=None if state is None else str(state[0]))
    run_folder.finish(output, recipe, network.network, log.learned)
    say(f"{output}: done at step {optimisation.steps}.")


def _require_one_process(device: torch.device) -> None:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UsageError("svlm train runs in one process.", "Start it without a distributed launcher.")
    if device.type == "cuda" and device.index not in (None, 0):
        raise UsageError(
            f"svlm train uses the first GPU that it sees, not {device}.",
            f"Use --device cuda with CUDA_VISIBLE_DEVICES={device.index}.",
        )


def _texts(recipe: Recipe) -> Iterable[str]:
    return sample_texts(recipe) if recipe.data.source is Source.SIMULATOR else annotated_texts(recipe)


def _open(recipe: Recipe, layout: Layout, preprocessor: Preprocessor, say: Say) -> Data:
    if recipe.data.source is Source.SIMULATOR:
        return SimulatedData(recipe, layout, preprocessor)
    return AnnotatedData(recipe, layout, preprocessor, say)


def _arguments(recipe: Recipe, output: Path, device: torch.device) -> TrainingArguments:
    """The Trainer's settings: no hub, no reports, no progress bar, and nothing that waits for the device unasked."""
    optimisation, saving = recipe.optimisation, recipe.output
    arguments = TrainingArguments(
        output_dir=str(output / run_folder.STATES),
        max_steps=optimisation.steps,
        per_device_train_batch_size=optimisation.batch,
        gradient_accumulation_steps=optimisation.accumulate,
        learning_rate=optimisation.learning_rate,
        max_grad_norm=optimisation.max_grad_norm,
        bf16=optimisation.bf16,
        seed=optimisation.seed,
        use_cpu=device.type == "cpu",
        logging_strategy="steps",
        logging_steps=saving.log_every,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=saving.save_every,
        save_total_limit=saving.keep,
        ignore_data_skip=True,
        remove_unused_columns=False,
        log_level="error",
        disable_tqdm=True,
        report_to="none",
    )
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1  # noqa: SLF001 - or the Trainer would spread the batch over all GPUs by itself
    return arguments
