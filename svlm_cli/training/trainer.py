"""The loop: transformers' Trainer over our own networks, from a recipe to a checkpoint folder.

The Trainer accumulates, clips, steps, saves and resumes; batches, loss and log are ours. A run that is killed and
resumed ends as an unbroken one: data follow from the seed and the step, and everything else is in the state. Knows no
command line. Prints nothing to stdout.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from svlm_cli.core.errors import UsageError
from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.networks.weights import load_preprocessor
from svlm_cli.training import folder as run_folder
from svlm_cli.training.adapter import four_bit_layers
from svlm_cli.training.annotated import AnnotatedData, annotated_texts
from svlm_cli.training.collate import Batch
from svlm_cli.training.exchange import Exchange
from svlm_cli.training.feed import DeviceBatch, DeviceFeed
from svlm_cli.training.layout import Layout, Role
from svlm_cli.training.log import Say, TrainingLog, to_nobody, to_stderr
from svlm_cli.training.matches import sample_texts
from svlm_cli.training.network import LearningNetwork
from svlm_cli.training.optimizers import make_optimizer
from svlm_cli.training.ranks import Ranks, joined, own_device
from svlm_cli.training.recipe import Recipe, Source
from svlm_cli.training.records import Skipped
from svlm_cli.training.sharding import keep_whole, shard_as_told, sharding_arguments, whole_weights
from svlm_cli.training.share import Share
from svlm_cli.training.simulated import SimulatedData
from svlm_cli.training.states import REWRITTEN, ready_state


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
        recipe: Recipe,
        feed: DeviceFeed,
        log: TrainingLog | None,
        ranks: Ranks,
    ) -> None:
        self._recipe = recipe
        self._ranks = ranks
        self._kept_whole = four_bit_layers(model.network)
        super().__init__(model=model, args=arguments)
        self.remove_callback(PrinterCallback)  # stdout
        self.add_callback(_ShareStates())
        self._feed = feed
        self._log = log
        self._tally = torch.zeros(len(Role), 3, device=arguments.device)
        self._tokens = 0

    def create_accelerator_and_postprocess(self) -> None:
        """Several ranks hold shards."""
        super().create_accelerator_and_postprocess()
        if self._ranks.count > 1:
            shard_as_told(self.accelerator, self.args.fsdp_plugin_args, bf16=self._recipe.optimisation.bf16)
            if self._kept_whole:
                keep_whole(self.accelerator, self._kept_whole)
            self.is_fsdp_enabled = True

    def create_optimizer(self, model: torch.nn.Module | None = None) -> torch.optim.Optimizer:  # noqa: ARG002 - as below
        """AdamW, and with it the schedule."""
        fused = self.args.device.type == "cuda"
        self.optimizer, self.lr_scheduler = make_optimizer(self.model, self._recipe.optimisation, fused=fused)
        return self.optimizer

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
        shards_in_bf16 = self._ranks.count > 1 and self._recipe.optimisation.bf16  # of one rank, accelerate sees to it
        with torch.autocast(self.args.device.type, torch.bfloat16, enabled=shards_in_bf16):
            outputs = model(batch=batch)
        self._tally += outputs["tally"]
        self._tokens += batch.count
        return (outputs["loss"], outputs) if return_outputs else outputs["loss"]

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:  # noqa: ARG002 - as above
        """A logged step, of all ranks; the Trainer's summary at the end is none."""
        if "loss" not in logs:
            return
        counts = torch.tensor([self._tokens, self._feed.waited_s], dtype=torch.float64, device=self.args.device)
        tokens, waited_s = self._ranks.add_up(counts).tolist()
        tally = self._ranks.add_up(self._tally)
        if self._log is not None:
            figures = {name: logs[name] for name in ("loss", "grad_norm", "learning_rate")}
            waited_s /= self._ranks.count
            self._log.note(self.state.global_step, figures, tally, tokens=round(tokens), waited_s=waited_s)
        self._tally.zero_()
        self._tokens, self._feed.waited_s = 0, 0.0


class _ShareStates(TrainerCallback):
    """Gives a new state's weights the mode of its other files, and clears away what the run was resumed from."""

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002 - the callback's signature
        **kwargs: Any,  # noqa: ARG002 - as above
    ) -> None:
        if args.should_save:
            states = Path(str(args.output_dir))
            run_folder.share_state(states / f"checkpoint-{state.global_step}")
            shutil.rmtree(states / REWRITTEN, ignore_errors=True)  # by now all ranks have read it


def train(recipe: Recipe, output: Path, *, device: torch.device, resume: bool = False, say: Say = to_stderr) -> None:
    """Runs a recipe; `output` is then a checkpoint folder. With `resume`, goes on where its run stopped.

    Where a launcher has started several processes, each of them calls this, and they share the work. Raises
    `UsageError`, `InputError`, `ModelError` and `OutputError` as the parts do.
    """
    _require_no_other_device(device)
    with joined(own_device(device)) as ranks:
        run = _Run(recipe, output, own_device(device), ranks, say if ranks.first else to_nobody)
        share = Share.of(recipe.optimisation, ranks.rank, ranks.count)
        if resume:
            run_folder.check_same(output, recipe)
            with run_folder.full_disk_told(output):
                _run(run, share, resume=True)
            return
        with run_folder.claimed(output) if ranks.first else run_folder.full_disk_told(output):
            if ranks.first:
                run_folder.begin(output, recipe, partial(_texts, recipe))
            ranks.wait()
            _run(run, share, resume=False)


@dataclass(frozen=True, slots=True)
class _Run:
    """What stays the same from the first step to the last."""

    recipe: Recipe
    output: Path
    device: torch.device
    ranks: Ranks
    say: Say


def _run(run: _Run, share: Share, *, resume: bool) -> None:
    recipe, output, ranks, device = run.recipe, run.output, run.ranks, run.device
    state = run_folder.latest_state(output) if resume else None
    first_step = 0 if state is None else state[1]
    if resume:
        run.say(f"{output}: going on after step {first_step}.")
    network = LearningNetwork(run_folder.first_network(output, recipe))
    family = network.network.family
    preprocessor = load_preprocessor(output, family)
    layout = Layout(output, recipe.policy, family, recipe.windows.streamed)
    optimisation = recipe.optimisation
    resumed = None if state is None else ready_state(state[0], network, recipe, ranks)
    if ranks.count == 1:  # else a layer comes to the device when it is shared out
        network.to(device)
    if optimisation.checkpointing:
        network.checkpoint_layers()
    if optimisation.compile and device.type == "cuda":
        network.compile_layers()
    log = None
    if ranks.first:
        log = TrainingLog(output / run_folder.LOG_FILE, first_step=first_step, steps=optimisation.steps, say=run.say)
    exchange = Exchange(ranks, Skipped(recipe.data.annotations.bad_allowed, run.say))
    with ExitStack() as opened:
        data = opened.enter_context(closing(_open(run, layout, preprocessor, share, exchange)))
        feed = DeviceFeed(
            data.batches,
            preprocessor,
            device=device,
            dtype=torch.bfloat16 if optimisation.bf16 else torch.float32,
            first_step=first_step,
            accumulate=len(share.passes),
            exchange=exchange,
        )
        opened.enter_context(closing(feed))
        trainer = WindowTrainer(network, _arguments(run, share, network), recipe, feed, log, ranks)
        trainer.train(resume_from_checkpoint=None if resumed is None else str(resumed))
    weights = whole_weights(network.network)
    if log is not None:
        run_folder.finish(output, recipe, network.network, weights, log.learned)
        run.say(f"{output}: done at step {optimisation.steps}.")


def _require_no_other_device(device: torch.device) -> None:
    if device.type == "cuda" and device.index not in (None, 0):
        raise UsageError(
            f"svlm train uses the first GPU that it sees, not {device}.",
            f"Use --device cuda with CUDA_VISIBLE_DEVICES={device.index}.",
        )


def _texts(recipe: Recipe) -> Iterable[str]:
    return sample_texts(recipe) if recipe.data.source is Source.SIMULATOR else annotated_texts(recipe)


def _open(run: _Run, layout: Layout, preprocessor: Preprocessor, share: Share, exchange: Exchange) -> Data:
    if run.recipe.data.source is Source.SIMULATOR:
        return SimulatedData(run.recipe, layout, preprocessor, share)
    return AnnotatedData(run.recipe, layout, preprocessor, run.say, share, exchange)


def _arguments(run: _Run, share: Share, network: LearningNetwork) -> TrainingArguments:
    """The Trainer's settings: no hub, no reports, no progress bar, and nothing that waits for the device unasked."""
    optimisation, saving, alone = run.recipe.optimisation, run.recipe.output, run.ranks.count == 1
    arguments = TrainingArguments(
        output_dir=str(run.output / run_folder.STATES),
        max_steps=optimisation.steps,
        per_device_train_batch_size=optimisation.batch,
        gradient_accumulation_steps=len(share.passes),
        learning_rate=optimisation.learning_rate,
        max_grad_norm=optimisation.max_grad_norm,
        bf16=optimisation.bf16 and alone,  # several ranks have their own way
        seed=optimisation.seed,
        use_cpu=run.device.type == "cpu",
        ddp_backend="gloo" if run.device.type == "cpu" and not alone else None,
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
        **({} if alone else sharding_arguments(network.network)),
    )
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1  # noqa: SLF001 - or the Trainer would spread the batch over all GPUs by itself
    return arguments
