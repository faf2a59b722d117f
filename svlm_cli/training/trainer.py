"""The training loop: transformers' Trainer on our own networks, from a recipe to a checkpoint folder.

The Trainer accumulates, clips, steps, saves and resumes; batches, loss and log are ours. A run that is killed and
resumed ends like an uninterrupted one: data is determined by seed and step, and everything else is in the state. Knows
no command line. Prints nothing to stdout.
"""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from svlm_cli.core.errors import UsageError
from svlm_cli.networks.network import Network
from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.networks.weights import load_preprocessor
from svlm_cli.training import folder as run_folder
from svlm_cli.training.adapter import four_bit_layers
from svlm_cli.training.best import Best
from svlm_cli.training.clips import with_counted_steps
from svlm_cli.training.compiled import ONE_THREAD
from svlm_cli.training.data import open_data, texts_of
from svlm_cli.training.exchange import Exchange
from svlm_cli.training.feed import DeviceBatch, DeviceFeed
from svlm_cli.training.forecast import require_room
from svlm_cli.training.held_out import read_held_out
from svlm_cli.training.held_out_videos import held_out_videos
from svlm_cli.training.layout import Layout, Role
from svlm_cli.training.log import Say, StepCost, TrainingLog, Watcher, to_nobody, to_stderr
from svlm_cli.training.network import LearningNetwork
from svlm_cli.training.optimizers import make_optimizer
from svlm_cli.training.ranks import Ranks, joined, own_device
from svlm_cli.training.recipe import Recipe
from svlm_cli.training.records import Skipped
from svlm_cli.training.result import Result, write_weights
from svlm_cli.training.run import TrainingRun
from svlm_cli.training.sharding import SHARDING_ARGUMENTS, expect_shards, share_out, whole_weights
from svlm_cli.training.share import Share
from svlm_cli.training.states import REWRITTEN, ready_state
from svlm_cli.training.validation import Validation
from svlm_cli.training.work import WorkCount


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
        validation: Validation | None = None,
    ) -> None:
        self._recipe = recipe
        self._validation = validation
        self._ranks = ranks
        super().__init__(model=model, args=arguments)
        self.remove_callback(PrinterCallback)  # it prints to stdout
        self.add_callback(_ShareStates())
        if validation is not None:
            self.add_callback(_Validate(validation))
        self._feed = feed
        self._log = log
        self._tally = torch.zeros(len(Role), 3, device=arguments.device)
        self._tokens, self._flops = 0, 0.0

    def create_accelerator_and_postprocess(self) -> None:
        """Several ranks are sharded."""
        super().create_accelerator_and_postprocess()
        if self._ranks.count > 1:
            expect_shards(self.accelerator, self.args.fsdp_plugin_args)
            self.is_fsdp_enabled = True

    def create_optimizer(self, model: torch.nn.Module | None = None) -> torch.optim.Optimizer:  # noqa: ARG002 - as below
        """AdamW, together with the schedule."""
        fused = self.args.device.type == "cuda"
        self.optimizer, self.lr_scheduler = make_optimizer(self.model, self._recipe.optimisation, fused=fused)
        return self.optimizer

    def get_train_dataloader(self) -> Any:
        """Our feed instead of a DataLoader: there is nothing left to shuffle, shard or move."""
        return self._feed

    def training_step(self, *arguments: Any, **named: Any) -> Tensor:
        """Forward and backward pass, while the feed compiles nothing."""
        with ONE_THREAD:
            loss: Tensor = super().training_step(*arguments, **named)
        return loss

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,  # noqa: ARG002 - the Trainer's signature
    ) -> Any:
        """The mean over the step's trained tokens. The tally stays on the device."""
        batch: DeviceBatch = inputs["batch"]
        outputs = self._forward(model, batch)
        self._tally += outputs["tally"]
        self._tokens += batch.count
        self._flops += batch.flops
        return (outputs["loss"], outputs) if return_outputs else outputs["loss"]

    def _forward(self, model: torch.nn.Module, batch: DeviceBatch) -> Any:
        shards_in_bf16 = self._ranks.count > 1 and self._recipe.optimisation.bf16  # else accelerate uses autocast
        with torch.autocast(self.args.device.type, torch.bfloat16, enabled=shards_in_bf16):
            return model(batch=batch)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Run validation, when `_Validate` asks for it. Results are not passed to the Trainer."""
        assert self._validation is not None, "nobody else asks for it"
        self.control.should_evaluate = False  # or it would run again at the end of the last epoch
        network: Network = self.model.network
        with ONE_THREAD:
            self._validation.after(self.state.global_step, self.model_wrapped, network, self._forward, self._log)
        return {}

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:  # noqa: ARG002 - as above
        """Log a step, over all ranks; the Trainer's summary at the end is ignored."""
        if "loss" not in logs:
            return
        counts = [self._tokens, self._feed.waited_s, self._flops]
        sums = self._ranks.add_up(torch.tensor(counts, dtype=torch.float64, device=self.args.device))
        tally, peak_bytes = self._ranks.add_up(self._tally), self._peak_bytes()
        if self._log is not None:
            tokens, waited_s, flops = sums.tolist()
            figures = {name: logs[name] for name in ("loss", "grad_norm", "learning_rate")}
            ranks = self._ranks.count
            self._log.note(
                self.state.global_step,
                figures,
                tally,
                StepCost(round(tokens), waited_s / ranks, flops, ranks, peak_bytes),
            )
        self._tally.zero_()
        self._tokens, self._flops, self._feed.waited_s = 0, 0.0, 0.0

    def _peak_bytes(self) -> int | None:
        """The highest memory peak of a GPU since the last logged step."""
        device = self.args.device
        if device.type != "cuda":
            return None
        own = torch.tensor(torch.cuda.max_memory_allocated(device), device=device)
        torch.cuda.reset_peak_memory_stats(device)
        return int(self._ranks.largest(own))


class _Validate(TrainerCallback):
    """Makes the Trainer evaluate when due, between logging and saving a step."""

    def __init__(self, validation: Validation) -> None:
        self._validation = validation

    def on_step_end(
        self,
        args: TrainingArguments,  # noqa: ARG002 - the callback's signature
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ARG002 - as above
    ) -> TrainerControl:
        control.should_evaluate = self._validation.is_due(state.global_step)
        return control


class _ShareStates(TrainerCallback):
    """Gives a new state's weights the mode of its other files, and removes the converted state resumed from."""

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
            shutil.rmtree(states / REWRITTEN, ignore_errors=True)  # all ranks have read it by now


def train(
    recipe: Recipe,
    output: Path,
    *,
    device: torch.device,
    resume: bool = False,
    say: Say = to_stderr,
    watchers: Sequence[Watcher] = (),
) -> None:
    """Run a recipe; `output` is then a checkpoint folder. With `resume`, continue an interrupted run.

    If a launcher has started several processes, each calls this, and they share the work. `watchers` are called with
    each row of the log, in the first process. Raises `UsageError`, `InputError`, `ModelError` and `OutputError`.
    """
    _require_no_other_device(device)
    recipe = with_counted_steps(recipe)
    with joined(own_device(device)) as ranks:
        run = TrainingRun(recipe, output, own_device(device), ranks, say if ranks.first else to_nobody)
        share = Share.of(recipe.optimisation, ranks.rank, ranks.count)
        if resume:
            run_folder.check_same(output, recipe)
            with run_folder.full_disk_told(output):
                _run(run, share, watchers, resume=True)
            return
        with run_folder.claimed(output) if ranks.first else run_folder.full_disk_told(output):
            if ranks.first:
                run_folder.begin(output, recipe, partial(texts_of, recipe))
            ranks.wait()
            _run(run, share, watchers, resume=False)


def _run(run: TrainingRun, share: Share, watchers: Sequence[Watcher], *, resume: bool) -> None:
    recipe, output, ranks, device = run.recipe, run.output, run.ranks, run.device
    state = run_folder.latest_state(output) if resume else None
    first_step = 0 if state is None else state[1]
    if resume:
        run.say(f"{output}: going on after step {first_step}.")
    family = run_folder.first_family(output, recipe)
    if device.type == "cuda":
        room = torch.cuda.get_device_properties(device).total_memory
        require_room(recipe, family, gpus=ranks.count, bytes_per_gpu=room)
    given = _from_first(recipe) and not ranks.first
    network = LearningNetwork(run_folder.first_network(output, recipe, empty=given), recipe.base_stage.cell_loss)
    preprocessor = load_preprocessor(output, family)
    layout = Layout(output, recipe.policy, family, recipe.windows.streamed)
    optimisation = recipe.optimisation
    resumed = None if state is None else ready_state(state[0], network, recipe, ranks)
    if optimisation.checkpointing:  # not compiled too: the recomputation might use another compiled form
        network.checkpoint_layers()
    elif optimisation.compile and device.type == "cuda":
        network.compile_layers()
    if ranks.count == 1:
        network.to(device)
    else:
        share_out(
            network,
            device,
            bf16=optimisation.bf16,
            from_first=_from_first(recipe),
            whole=four_bit_layers(network.network),
        )
    log, path = None, output / run_folder.LOG_FILE
    if ranks.first:
        run_folder.keep_family(output, family)
        log = TrainingLog(path, first_step=first_step, steps=optimisation.steps, say=run.say, watchers=watchers)
    validation = _validation(run, layout, preprocessor) if recipe.validation.used else None
    exchange = Exchange(ranks, Skipped.of(recipe.data.annotations, run.say), share.step)
    with ExitStack() as opened:
        data = opened.enter_context(closing(open_data(recipe, layout, preprocessor, run.say, share, exchange)))
        feed = DeviceFeed(
            data.batches,
            preprocessor,
            device=device,
            dtype=run.computed_in,
            first_step=first_step,
            accumulate=len(share.passes),
            exchange=exchange,
            work=WorkCount(family, recipe, preprocessor).of,
        )
        opened.enter_context(closing(feed))
        trainer = WindowTrainer(network, _arguments(run, share), recipe, feed, log, ranks, validation)
        trainer.train(resume_from_checkpoint=None if resumed is None else str(resumed))
    weights = whole_weights(network.network)
    if log is not None:
        result = Result(recipe, family, optimisation.steps, log.learned, Best.of(output).notes)
        run_folder.finish(output, partial(write_weights, result=result, weights=weights))
        run.say(f"{output}: done at step {optimisation.steps}.")


def _validation(run: TrainingRun, layout: Layout, preprocessor: Preprocessor) -> Validation:
    held_out = read_held_out(run.recipe, layout, preprocessor, run.ranks, run.say)
    videos = held_out_videos(run.recipe) if run.ranks.first else ()
    return Validation(run, held_out, videos, preprocessor)


def _from_first(recipe: Recipe) -> bool:
    """Whether the first rank can send its weights, as a state dict; with an adapter that lacks the base."""
    return not recipe.adapter.used


def _require_no_other_device(device: torch.device) -> None:
    if device.type == "cuda" and device.index not in (None, 0):
        raise UsageError(
            f"svlm train uses the first GPU that it sees, not {device}.",
            f"Use --device cuda with CUDA_VISIBLE_DEVICES={device.index}.",
        )


def _arguments(run: TrainingRun, share: Share) -> TrainingArguments:
    """The Trainer's settings: no hub, no reports, no progress bar, and no unnecessary synchronisation."""
    optimisation, saving, alone = run.recipe.optimisation, run.recipe.output, run.ranks.count == 1
    arguments = TrainingArguments(
        output_dir=str(run.output / run_folder.STATES),
        max_steps=optimisation.steps,
        per_device_train_batch_size=optimisation.batch,
        gradient_accumulation_steps=len(share.passes),
        learning_rate=optimisation.learning_rate,
        max_grad_norm=optimisation.max_grad_norm,
        bf16=optimisation.bf16 and alone,  # several ranks use FSDP's mixed precision
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
        **({} if alone else SHARDING_ARGUMENTS),
    )
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1  # noqa: SLF001 - or the Trainer would split the batch over all GPUs
    return arguments
