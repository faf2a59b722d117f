"""Files of what was said, scored against the matches that they are of."""

import subprocess
import sys
from pathlib import Path

from svlm_cli.evals.scoring import score_files
from svlm_cli.evals.script import write_script
from tests.conftest import environment
from tests.evals.scripts import caption_file
from tests.reporters import KeepingReporter

SECONDS = 120


def test_each_file_is_of_the_next_seed(tmp_path: Path) -> None:
    """Guards a perfect commentary against being held to another match."""
    paths = [caption_file(tmp_path / f"{seed}.jsonl", write_script(seed, SECONDS).texts) for seed in (70_000, 70_001)]
    reporter = KeepingReporter()
    report = score_files(paths, 70_000, SECONDS / 60, reporter)
    right = report.to_json({}, None)
    wrong = score_files(paths[::-1], 70_000, SECONDS / 60, reporter).to_json({}, None)
    assert right["scores"]["overall"]["event_f1"]["value"] == 1
    assert wrong["scores"]["overall"]["event_f1"]["value"] < 0.5
    assert reporter.counted == [("scripts", 2)] * 2


def test_scoring_needs_no_torch() -> None:
    """Guards a second's work against seconds of imports."""
    script = "import sys, svlm_cli.evals.scoring; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True, env=environment())
