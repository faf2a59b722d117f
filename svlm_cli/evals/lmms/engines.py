"""The engine for lmms-eval: created for the first questions, and replaced when later ones do not fit.

Knows no video. Weights are loaded only once.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import torch

from svlm_cli.checkpoints import policy_changes
from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.compute.device import resolve_device, resolve_dtype
from svlm_cli.core.policy import PolicyOverrides, StreamPolicy
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.footprint import NO_QUESTIONS, Questions
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.evals.lmms.arguments import ModelArguments
from svlm_cli.evals.vqa.run import LoadedModel
from svlm_cli.evals.vqa.ways import WaySetting, with_room
from svlm_cli.networks.weights import load_family

_STEP: Final = 128  # answer lengths are rounded up to this, so that few engines are created


class Engines:
    """Engines of one checkpoint, one at a time."""

    def __init__(self, arguments: ModelArguments, *, local_rank: int | None = None) -> None:
        """`local_rank`: among several processes on this machine. Raises `ModelError` and `UsageError`."""
        self._arguments = arguments
        self.device = device_of(arguments.device, local_rank)
        self._dtype = resolve_dtype(arguments.dtype, self.device)
        checkpoint = resolve(arguments.pretrained, revision=arguments.revision)
        self._folder = checkpoint.folder
        self.notice = "" if arguments.policy else checkpoint.notice
        self.setting = way_setting(arguments, checkpoint.policy)
        self.tokenizer, self._family = Tokenizer(checkpoint.folder), load_family(checkpoint.folder)
        self._model: LoadedModel | None = None
        self._engine: Engine | None = None

    def engine(self, system: str | None, texts: Sequence[str], tokens: int) -> Engine:
        """An engine with the prompt `system` (None: the model's own), and room for these texts and such an answer."""
        setting, room = self.setting, -(-tokens // _STEP) * _STEP
        if system is not None:
            prompt = replace(setting.policy.prompt, system=system)
            setting = replace(setting, policy=replace(setting.policy, prompt=prompt))
        policy = with_room(setting, texts, self.tokenizer, self._family, answer_tokens=room)
        if self._engine is None or not _serves(self._engine, policy, room):
            self._engine = None  # frees its cache before the next one is allocated
            self._engine = self._made(policy, room)
            self._model = LoadedModel.of(self._engine)
        return self._engine

    def release(self) -> None:
        """Free all memory, including the weights."""
        self._engine = self._model = None

    def _made(self, policy: StreamPolicy, room: int) -> Engine:
        arguments, model = self._arguments, self._model
        streams = arguments.batch_size if self.setting.way.streams else 1
        questions = Questions(1, room) if self.setting.way.streams else NO_QUESTIONS
        if model is None:
            return Engine.load(
                self._folder,
                policy,
                device=self.device,
                dtype=self._dtype,
                max_streams=streams,
                questions=questions,
                attention=arguments.attention,
            )
        return model.engine(policy, streams, questions, arguments.attention)


def device_of(name: str, local_rank: int | None) -> torch.device:
    """A GPU for each of several processes, unless one was given by number. Raises `UsageError`."""
    device = resolve_device(name)
    if local_rank is None or device.type != "cuda" or device.index is not None:
        return device
    return resolve_device(f"cuda:{local_rank}")


def way_setting(arguments: ModelArguments, policy: StreamPolicy) -> WaySetting:
    """The same as ``svlm eval vqa`` with options of the same names. Raises `UsageError`."""
    policy = policy_changes.read(arguments.policy).applied(policy, PolicyOverrides(fps=arguments.fps))
    if arguments.max_pixels is not None:
        policy = replace(policy, vision=replace(policy.vision, max_pixels=arguments.max_pixels))
    return WaySetting.of(
        arguments.way, policy, frames=arguments.frames, recent_frames=arguments.recent_frames, seed=arguments.seed
    )


def _serves(engine: Engine, policy: StreamPolicy, room: int) -> bool:
    """Whether an engine can serve questions that need `policy`."""
    own = engine.policy
    answers = engine.questions.answer_tokens if engine.questions.forks else own.sampling.max_new_tokens
    return (
        own.prompt.system == policy.prompt.system
        and own.prompt.max_query_tokens >= policy.prompt.max_query_tokens
        and own.windows.full_tokens >= policy.windows.full_tokens
        and answers >= room
    )
