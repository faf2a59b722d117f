"""What a request wants made of a video besides files of words. Checks it before a model is loaded."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from svlm_cli.core.errors import UsageError
from svlm_cli.core.reporting import Reporter
from svlm_cli.outputs.style import CueStyle
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.products import Product, ReportPage, SubtitledCopy, check_products, refuse_doubles


@dataclass(frozen=True, slots=True)
class WantedProducts:
    """The files to make, None where one is not wanted. `UsageError` for a language that is not an ISO 639-2 code."""

    mux: Path | None = None
    burn_in: Path | None = None
    report: Path | None = None
    language: str = "eng"
    model: str = ""  # its name, as shown
    style: CueStyle = field(default_factory=CueStyle)
    overwrite: bool = False
    skip_existing: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch("[a-z]{3}", self.language):
            raise UsageError(f"{self.language} is not a three-letter code.", "Write eng, deu, spa or the like.")

    def plan(self, jobs: Sequence[Job], reporter: Reporter) -> tuple[Product, ...]:
        """The products of the only job. Raises what `check_products` raises; `reporter` hears what they will lack."""
        found = self._products(jobs[0].source.reveal())
        refuse_doubles(jobs, found)
        if self.skip_existing:
            found = [product for product in found if not product.path.is_file()]
        for notice in check_products(jobs, found):
            reporter.warn(notice)
        kept = ", ".join(target.name for job in jobs for target in job.kept)
        if kept and found:
            reporter.tell(f"{kept} is kept but not read: the words of {found[0].path} are generated again.")
        return tuple(found)

    def _products(self, source: str) -> list[Product]:
        copies: list[Product] = [
            SubtitledCopy(
                source, path, burned=burned, language=self.language, style=self.style, overwrite=self.overwrite
            )
            for path, burned in ((self.mux, False), (self.burn_in, True))
            if path is not None
        ]
        if self.report is None:
            return copies
        page = ReportPage(source, self.report, model=self.model, style=self.style, overwrite=self.overwrite)
        return [*copies, page]
