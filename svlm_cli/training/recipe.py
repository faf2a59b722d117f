"""A training recipe: one TOML file, parsed into one frozen dataclass and validated once.

Knows neither data nor networks. Paths in a recipe are relative to its folder.
"""

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from svlm_cli.checkpoints import toml
from svlm_cli.checkpoints.policy_file import ModelInfo
from svlm_cli.core.bounds import FieldError
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import Mode, StreamPolicy
from svlm_cli.networks.families import default_family
from svlm_cli.networks.family import Family, Vocabulary
from svlm_cli.networks.sizes import NetworkSizes, TextSize, VisionSize
from svlm_cli.training.annotation_recipe import AnnotationRecipe
from svlm_cli.training.clip_recipe import ClipRecipe
from svlm_cli.training.parts import PIECES, AdapterRecipe, NetworkPart, pieces
from svlm_cli.training.recipe_checks import above, require, share
from svlm_cli.training.simulator_recipe import SimulatedWorld, SimulatorRecipe
from svlm_cli.training.validation_recipe import ValidationRecipe

RECIPE_FILE = "recipe.toml"
_LEAST_VOCABULARY = Vocabulary(1, 0, 0, 0, 0, 0, 0)  # to validate sizes before there is a tokenizer


@dataclass(frozen=True, slots=True)
class ModelRecipe:
    """The start of training: a checkpoint, or random weights of given sizes."""

    base: str = ""  # a checkpoint's name, folder or hub id; empty: from scratch
    tokenizer: str = ""  # from scratch: a folder with tokenizer.json; empty: one is trained on the data's words
    vocabulary: int = 768  # its size, without control tokens
    tie_word_embeddings: bool = True
    tokens_per_second: int = 2  # temporal positions per second
    text: TextSize = field(default_factory=TextSize)
    vision: VisionSize = field(default_factory=VisionSize)

    def __post_init__(self) -> None:
        above(self, "vocabulary", least=257)  # all bytes, and the marker
        above(self, "tokens_per_second")
        if self.base:
            return
        try:
            self.family(_LEAST_VOCABULARY)
        except FieldError as error:
            problem = str(error).replace("text_config.", "text.").replace("vision_config.", "vision.")
            raise UsageError(f"{problem}.") from error

    def family(self, vocabulary: Vocabulary) -> Family:
        """The family of a model from scratch. Raises `FieldError` naming an invalid size."""
        sizes = NetworkSizes(self.text, self.vision, self.tie_word_embeddings, self.tokens_per_second)
        return default_family().from_sizes(sizes, vocabulary)


class Source(StrEnum):
    """The source of windows."""

    SIMULATOR = "simulator"
    ANNOTATIONS = "annotations"


@dataclass(frozen=True, slots=True)
class DataRecipe:
    """The training data."""

    source: Source = Source.SIMULATOR
    seed: int = 0
    workers: int = 0  # processes that prepare windows; 0: in this process
    simulator: SimulatorRecipe = field(default_factory=SimulatorRecipe)
    annotations: AnnotationRecipe = field(default_factory=AnnotationRecipe)

    def __post_init__(self) -> None:
        above(self, "seed", "workers", least=0)
        if self.source is Source.ANNOTATIONS:
            require(bool(self.annotations.files), "annotations.files names no file.")


class WindowLayout(StrEnum):
    """The text layout of training windows."""

    SVLM = "svlm"  # the engine's, so training matches streaming
    PUBLISHED = "published"  # as in StreamingVLM's own training


class QueryRule(StrEnum):
    """Which windows contain the query, in their first round."""

    FIRST = "first"  # those at the start of a video, as in a stream
    EVERY = "every"


@dataclass(frozen=True, slots=True)
class WindowRecipe:
    """How a video is cut into windows."""

    seconds: int = 24
    overlap_seconds: int = 12
    words_per_second: float = 0.0  # windows with fewer are skipped; 2 in the paper
    whole_rows: bool = False  # a record is one window, cut off after `seconds`, without overlap
    total_pixels: int = 0  # limit for all frame pairs of a window: long windows get smaller pictures; 0: none
    layout: WindowLayout = WindowLayout.SVLM
    query: QueryRule = QueryRule.FIRST
    context_only_share: float = 0.0  # of simulated windows: no earlier words, so only the context has names
    confusion: float = 0.0  # the maximum share of earlier names, scores or directions made wrong; targets stay right
    clips: ClipRecipe = field(default_factory=ClipRecipe)  # of simulated matches, instead of windows of `seconds`
    streamed: bool = False  # trained as a stream holds them: a round does not see what was evicted
    fps: tuple[float, ...] = ()  # one is drawn per step; empty: the policy's
    fps_weights: tuple[float, ...] = ()  # probabilities; empty: equal

    def __post_init__(self) -> None:
        above(self, "seconds")
        above(self, "words_per_second", "total_pixels", least=0)
        require(
            0 <= self.overlap_seconds < self.seconds,
            f"overlap_seconds must be 0 or more and below seconds ({self.seconds}), not {self.overlap_seconds}.",
        )
        require(
            not self.fps_weights or len(self.fps_weights) == len(self.fps),
            f"fps_weights has {len(self.fps_weights)} entries for {len(self.fps)} of fps.",
        )
        require(all(weight > 0 for weight in self.fps_weights), "fps_weights must be above 0.")
        share(self, "context_only_share", "confusion")
        require(
            not (self.whole_rows and self.words_per_second),
            "words_per_second cannot be used with whole_rows: rows are read one by one while the run goes on.",
        )
        if self.layout is WindowLayout.PUBLISHED:
            require(not self.streamed, "streamed cannot be used with the published layout: its windows are whole.")
            require(
                self.query is QueryRule.FIRST, "query cannot be used with the published layout, which has no query."
            )


@dataclass(frozen=True, slots=True)
class QuestionRecipe:
    """Questions about simulated matches in windows, with answers. Off by default."""

    per_minute: float = 0.0  # of a window: asked of forks of its stream
    clip_share: float = 0.0  # of windows: clips instead, in the format of offline models
    clips_per_window: int = 4  # alternately of all that was seen, and of its end
    per_clip: int = 8
    open_share: float = 0.0  # of questions with options: asked without them, and answered in words
    told_share: float = 0.0  # of questions with options: the right one is given, so that only letters are learned
    frames: int = 64  # per clip, at most
    recent_frames: int = 4  # per clip of the last seconds
    prompts: str = ""  # a file with their wording; empty: svlm's own

    def __post_init__(self) -> None:
        above(self, "per_minute", least=0)
        share(self, "clip_share", "open_share", "told_share")
        require(self.open_share + self.told_share <= 1, "open_share and told_share must not add up to more than 1.")
        above(self, "clips_per_window", "per_clip")
        for name in ("frames", "recent_frames"):
            value = getattr(self, name)
            require(value >= 2 and value % 2 == 0, f"{name} must be even, and 2 or more, not {value}.")

    @property
    def asks(self) -> bool:
        """Whether there are any."""
        return self.per_minute > 0 or self.clip_share > 0


@dataclass(frozen=True, slots=True)
class BaseStage:
    """Dense descriptions instead of commentary, so that the model learns to see before it learns to comment."""

    share: float = 0.0  # of windows, at first
    until: float = 0.45  # share of steps
    share_after: float = 0.0
    cell_loss: float = 0.0  # weight of a second loss: what moves at each visual token of such a window
    cell_share: float = 0.0  # of windows, without any words: the tower alone learns, by the second loss

    def __post_init__(self) -> None:
        share(self, "share", "until", "share_after", "cell_share")
        above(self, "cell_loss", least=0)
        require(self.cell_share < 1, "cell_share must be below 1: the words need windows, too.")
        require(self.cell_loss > 0 or not self.cell_share, "cell_share needs a cell_loss.")


class OptimizerMoments(StrEnum):
    """How AdamW's two moments are stored."""

    FLOAT32 = "32bit"
    BITS8 = "8bit"  # quantised block by block (Dettmers et al. 2022)


@dataclass(frozen=True, slots=True)
class Optimisation:
    """AdamW with a linear warm-up and a cosine to zero."""

    steps: int = 1000
    epochs: int = 0  # over the annotation files, which sets the steps; 0: `steps` applies
    batch: int = 64  # windows per forward pass
    accumulate: int = 1  # forward passes per step
    learning_rate: float = 1e-3
    warmup_share: float = 0.03
    weight_decay: float = 0.1  # not for norms and biases
    beta1: float = 0.9
    beta2: float = 0.95
    max_grad_norm: float = 1.0
    bf16: bool = True  # autocast; trained weights stay float32, frozen ones are bfloat16
    compile: bool = True  # on a GPU
    checkpointing: bool = False  # activation checkpointing: recompute layers in the backward pass
    moments: OptimizerMoments = OptimizerMoments.FLOAT32
    seed: int = 0  # of the initial weights
    frozen: tuple[NetworkPart, ...] = ()

    def __post_init__(self) -> None:
        above(self, "steps", "batch", "accumulate")
        above(self, "epochs", "weight_decay", "seed", least=0)
        share(self, "warmup_share", "beta1", "beta2")
        require(self.learning_rate > 0, f"learning_rate must be above 0, not {self.learning_rate}.")
        require(self.max_grad_norm > 0, f"max_grad_norm must be above 0, not {self.max_grad_norm}.")
        require(pieces(self.frozen) != PIECES, "frozen leaves nothing to train.")


class WeightType(StrEnum):
    """The format of the weights saved at the end."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True, slots=True)
class OutputRecipe:
    """When to write what."""

    log_every: int = 1  # in steps
    save_every: int = 500  # in steps
    keep: int = 2  # saved states to resume from
    weights: WeightType = WeightType.BFLOAT16
    max_shard_mb: float = 5000.0

    def __post_init__(self) -> None:
        above(self, "log_every", "save_every", "keep")
        require(self.max_shard_mb > 0, f"max_shard_mb must be above 0, not {self.max_shard_mb}.")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole run. ``policy`` is how the result is streamed, and determines the layout of windows."""

    info: ModelInfo = field(default_factory=ModelInfo)
    model: ModelRecipe = field(default_factory=ModelRecipe)
    data: DataRecipe = field(default_factory=DataRecipe)
    windows: WindowRecipe = field(default_factory=WindowRecipe)
    questions: QuestionRecipe = field(default_factory=QuestionRecipe)
    base_stage: BaseStage = field(default_factory=BaseStage)
    optimisation: Optimisation = field(default_factory=Optimisation)
    adapter: AdapterRecipe = field(default_factory=AdapterRecipe)
    validation: ValidationRecipe = field(default_factory=ValidationRecipe)
    output: OutputRecipe = field(default_factory=OutputRecipe)
    policy: StreamPolicy = field(default_factory=StreamPolicy)

    def __post_init__(self) -> None:
        require(self.policy.chunk_seconds == 1, "policy.chunk_seconds must be 1: a window's rounds are seconds.")
        require(
            self.policy.windows.vision_rounds > 0, "policy.windows.vision_rounds is 0: the model would see nothing."
        )
        require(
            not self.windows.streamed or self.policy.mode is Mode.STREAMING,
            f"windows.streamed needs policy.mode streaming, not {self.policy.mode.value}.",
        )
        if self.adapter.used:
            require(bool(self.model.base), "adapter needs model.base: an adapter is trained on top of a model.")
            require(not self.optimisation.frozen, "optimisation.frozen cannot be used with an adapter: all is frozen.")
        for fps in self.windows.fps:
            require(fps >= 1 and fps == round(fps), f"windows.fps must be whole numbers of 1 or more, not {fps:g}.")
        self._check_validation()
        if self.questions.asks:
            require(self.data.source is Source.SIMULATOR, "questions needs a simulator, which knows their answers.")
            require(
                self.windows.streamed, "questions needs windows.streamed: questions are asked in forks of a stream."
            )
            even = all(fps % 2 == 0 for fps in self.fps)
            require(even, "questions needs even frame rates, so that clips and seconds can be drawn together.")
        if self.data.source is Source.ANNOTATIONS:
            none = self.base_stage.share == self.base_stage.share_after == 0
            require(none, "base_stage needs a simulator: annotation files hold no dense descriptions.")
            for name in ("context_only_share", "confusion"):
                require(getattr(self.windows, name) == 0, f"windows.{name} needs a simulator.")
            require(not self.windows.clips.used, "windows.clips needs a simulator: use svlm data windows --annealing.")
        else:
            require(
                self.windows.words_per_second == 0,
                "windows.words_per_second needs annotations: a simulator's windows are not filtered.",
            )
            for name in ("whole_rows", "total_pixels"):
                require(not getattr(self.windows, name), f"windows.{name} needs annotations: a simulator has no rows.")
            if self.windows.layout is WindowLayout.PUBLISHED:
                none = self.base_stage.share == self.base_stage.share_after == 0
                require(none, "base_stage cannot be used with the published layout, which has no descriptions.")
            require(not self.optimisation.epochs, "optimisation.epochs needs annotations: matches have no end.")
        self._check_world()
        simulator = self.data.simulator
        shortest = min(simulator.match_minutes)
        windows = math.floor(shortest * 60 - self.windows.overlap_seconds)
        windows //= self.windows.seconds - self.windows.overlap_seconds
        again = simulator.own_teams or simulator.matches
        enough = windows > 0 if again else windows >= simulator.windows_per_match
        require(
            self.data.source is not Source.SIMULATOR or enough,
            f"simulator.windows_per_match is {simulator.windows_per_match}, "
            f"but a match of {shortest:g} minutes has {windows} windows.",
        )

    def _check_world(self) -> None:
        simulator = self.data.simulator
        if simulator.world is SimulatedWorld.MATCH:
            for name in ("photos", "match_share"):
                require(not getattr(simulator, name), f'simulator.{name} needs world = "footage".')
            require(not self.base_stage.cell_loss, 'base_stage.cell_loss needs world = "footage".')
            return
        require(not self.questions.asks, "questions are asked only about matches, not about footage.")
        require(not self.windows.clips.used, "windows.clips needs matches: footage has none.")
        require(self.windows.layout is WindowLayout.SVLM, "footage has no published layout.")
        require(self.windows.context_only_share == 0, "windows.context_only_share needs matches: footage has no names.")

    def _check_validation(self) -> None:
        if not self.validation.used:
            return
        if self.data.source is Source.ANNOTATIONS:
            require(bool(self.validation.files), "validation.files names no file.")
            again = set(self.validation.files) & set(self.data.annotations.files)
            require(not again, f"validation.files has a file that is learned from: {', '.join(sorted(again))}.")
            return
        require(not self.validation.files, "validation.files needs annotations: a simulator has matches of its own.")
        seed = self.validation.seed
        require(seed != self.data.seed, f"validation.seed is data.seed ({seed}): those matches are learned from.")

    @property
    def fps(self) -> tuple[float, ...]:
        """All frame rates in training."""
        return self.windows.fps or (self.policy.vision.fps,)

    def with_steps(self, steps: int) -> "Recipe":
        """The recipe with this many steps, ignoring its epochs."""
        return replace(self, optimisation=replace(self.optimisation, steps=steps, epochs=0))

    def with_counted_steps(self, windows: int) -> "Recipe":
        """The recipe with its epochs, if any, converted to steps, for `windows` per epoch; the last step is full."""
        optimisation = self.optimisation
        if not optimisation.epochs:
            return self
        steps = math.ceil(optimisation.epochs * windows / (optimisation.batch * optimisation.accumulate))
        return replace(self, optimisation=replace(optimisation, steps=steps))


def read(path: Path) -> Recipe:
    """The recipe at ``path``, with absolute paths. Raises `UsageError` naming file and key."""
    recipe = parse(toml.read_text(path, what="a recipe", error=UsageError), source=str(path))
    folder = path.absolute().parent
    model, data = recipe.model, recipe.data
    if (folder / model.base).is_dir() and model.base:
        model = replace(model, base=str(folder / model.base))
    if model.tokenizer:
        model = replace(model, tokenizer=str(folder / model.tokenizer))
    questions = recipe.questions
    if questions.prompts:
        questions = replace(questions, prompts=str(folder / questions.prompts))
    annotations = replace(
        data.annotations,
        files=tuple(str(folder / file) for file in data.annotations.files),
        videos=str(folder / data.annotations.videos) if data.annotations.videos else "",
    )
    files = tuple(str(folder / file) for file in recipe.validation.files)
    return replace(
        recipe,
        model=model,
        data=replace(data, annotations=annotations, simulator=data.simulator.beside(folder)),
        questions=questions,
        validation=replace(recipe.validation, files=files),
    )


def parse(text: str, *, source: str) -> Recipe:
    """``text`` as a recipe; ``source`` is its name in errors. Paths are not changed."""
    document = toml.Document(source, UsageError, list(toml.keys(Recipe)))
    recipe: Recipe = document.value(Recipe, document.tables(text), "")
    return recipe


def dump(recipe: Recipe) -> str:
    """All of ``recipe`` as TOML, with defaults: ``parse(dump(recipe)) == recipe``."""
    return "\n".join(toml.lines(recipe)).strip() + "\n"
