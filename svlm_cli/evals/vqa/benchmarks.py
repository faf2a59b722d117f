"""Registry of the benchmarks of questions about videos, with their readers and the averaging of their scores."""

from enum import StrEnum
from pathlib import Path

from svlm_cli.evals.benchmarks.longvideobench import LONGVIDEOBENCH_DURATIONS, read_longvideobench
from svlm_cli.evals.benchmarks.mvbench import MVBENCH_TASKS, read_mvbench
from svlm_cli.evals.benchmarks.ovo_bench import OVO_GROUPS, read_ovo_bench
from svlm_cli.evals.benchmarks.streaming_bench import STREAMING_GROUPS, SeenContext, read_streaming_bench
from svlm_cli.evals.benchmarks.videomme import VIDEOMME_DURATIONS, read_videomme
from svlm_cli.evals.benchmarks.vqa import VideoQuestions


class Averaging(StrEnum):
    """What a benchmark's total is the mean of."""

    QUESTIONS = "questions"  # all questions; the same for groups
    TASKS = "tasks"  # the means of tasks
    GROUPS = "groups"  # the means of groups, each the mean of its tasks' means


class VqaBenchmark(StrEnum):
    """Named as on the command line."""

    OVO_BENCH = "ovo-bench"
    STREAMING_BENCH = "streamingbench"
    VIDEO_MME = "videomme"
    LONG_VIDEO_BENCH = "longvideobench"
    MV_BENCH = "mvbench"

    @property
    def averaging(self) -> Averaging:
        """How its total is averaged."""
        match self:
            case VqaBenchmark.OVO_BENCH:
                return Averaging.GROUPS
            case VqaBenchmark.MV_BENCH:
                return Averaging.TASKS
            case _:
                return Averaging.QUESTIONS

    @property
    def groups(self) -> tuple[str, ...]:
        """All its groups, in table order."""
        match self:
            case VqaBenchmark.OVO_BENCH:
                return tuple(OVO_GROUPS)
            case VqaBenchmark.STREAMING_BENCH:
                return STREAMING_GROUPS
            case VqaBenchmark.VIDEO_MME:
                return VIDEOMME_DURATIONS
            case VqaBenchmark.LONG_VIDEO_BENCH:
                return tuple(map(str, LONGVIDEOBENCH_DURATIONS))
            case VqaBenchmark.MV_BENCH:
                return ()

    @property
    def tasks(self) -> tuple[str, ...]:
        """All its tasks, in table order, if its total is averaged over tasks."""
        match self:
            case VqaBenchmark.OVO_BENCH:
                return tuple(task for tasks in OVO_GROUPS.values() for task in tasks)
            case VqaBenchmark.MV_BENCH:
                return MVBENCH_TASKS
            case _:
                return ()

    def read(self, folder: Path, context: SeenContext = SeenContext.MINUTE) -> VideoQuestions:
        """Read a folder as published; `context` is only for StreamingBench.

        Raises `InputError`, and `UsageError` if Parquet is not supported.
        """
        match self:
            case VqaBenchmark.OVO_BENCH:
                return read_ovo_bench(folder)
            case VqaBenchmark.STREAMING_BENCH:
                return read_streaming_bench(folder, context)
            case VqaBenchmark.VIDEO_MME:
                return read_videomme(folder)
            case VqaBenchmark.LONG_VIDEO_BENCH:
                return read_longvideobench(folder)
            case VqaBenchmark.MV_BENCH:
                return read_mvbench(folder)
