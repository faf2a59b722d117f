"""Each benchmark has its reader, and its groups and tasks are those that its reader gives."""

from pathlib import Path

import pytest

from svlm_cli.evals.benchmarks.streaming_bench import SeenContext
from svlm_cli.evals.vqa.benchmarks import VqaBenchmark
from tests.evals.benchmarks.miniature import write_lines
from tests.evals.benchmarks.question_sets import (
    longvideobench_row,
    mvbench,
    ovo_bench,
    ovo_choice,
    ovo_crr,
    streaming_entry,
    streaming_row,
    videomme_row,
    write_json,
)


@pytest.mark.parametrize("benchmark", VqaBenchmark)
def test_what_is_read_is_in_the_table(tmp_path: Path, benchmark: VqaBenchmark) -> None:
    """Guards names that a reader and a table spell differently: such a group would be told to be missing."""
    ovo_bench(tmp_path, [ovo_choice(1), ovo_crr()])
    write_json(tmp_path / "questions_real.json", [streaming_entry(streaming_row())])
    write_json(tmp_path / "lvb_val.json", [longvideobench_row()])
    write_lines(tmp_path / "test.jsonl", [videomme_row()])
    mvbench(tmp_path)
    found = benchmark.read(tmp_path)
    assert found
    assert {one.group for one in found} - {""} <= set(benchmark.groups)
    assert bool(benchmark.groups) is (benchmark is not VqaBenchmark.MV_BENCH)
    assert not benchmark.tasks or {one.task for one in found} <= set(benchmark.tasks)
    everything = benchmark.read(tmp_path, SeenContext.ALL)
    assert (found != everything) is (benchmark is VqaBenchmark.STREAMING_BENCH)
