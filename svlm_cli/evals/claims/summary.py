"""All claims in a folder of results, as a page, a table, or JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from svlm_cli.core.errors import OutputError, OutputExistsError, UsageError
from svlm_cli.core.text import plain_text
from svlm_cli.evals.claims.markdown import plain, share
from svlm_cli.evals.claims.page import MARK, claim, write_page
from svlm_cli.evals.claims.plots import draw_plots
from svlm_cli.evals.claims.questions_file import QuestionResults, read_questions
from svlm_cli.evals.claims.results import RowResult, merge
from svlm_cli.evals.claims.rows import ROWS
from svlm_cli.evals.claims.training import event_f1, training_claim
from svlm_cli.evals.claims.training_file import TrainingClaims, read_training
from svlm_cli.outputs.destination import text_file
from svlm_cli.outputs.figures import require_matplotlib


def require_page(path: Path) -> None:
    """Check, before measuring, that the page can be drawn, and that it only replaces a page of this kind."""
    require_matplotlib("svlm eval claims --write")
    if path.suffix.lower() != ".md":
        raise UsageError(f"{plain_text(str(path))} is not a Markdown file.", "Give a name that ends in .md.")
    try:
        ours = not path.exists() or path.read_text(encoding="utf-8", errors="replace").startswith(MARK)
    except OSError as error:
        raise OutputError(f"{path} cannot be replaced: {error.strerror}.", "Choose another name.") from error
    if not ours:
        raise OutputExistsError(
            f"{path} exists already, and was not written by svlm eval claims.", "Choose another name."
        )


@dataclass(frozen=True, slots=True)
class Sections:
    """The other sections, if they exist."""

    questions: QuestionResults | None
    training: TrainingClaims | None

    @classmethod
    def of(cls, results: Path) -> "Sections":
        """Read those of a folder. Raises `InputError`."""
        return cls(read_questions(results), read_training(results))


@dataclass(frozen=True, slots=True)
class ClaimsSummary:
    """The rows and sections of a folder."""

    found: Mapping[str, RowResult]
    sections: Sections

    @classmethod
    def of(cls, results: Path, sections: Sections) -> "ClaimsSummary":
        """The rows that exist now."""
        return cls(merge(results), sections)

    def write(self, path: Path, results: Path) -> None:
        """Write the page, and its plots in a folder beside it. Raises `OutputError`."""
        plots = draw_plots(self.found, path.parent / "assets", path.stem)
        links = [(title, f"assets/{plot.name}") for title, plot in plots]
        with text_file(path, overwrite=True) as file:
            file.write(
                write_page(self.found, results.resolve().name, links, self.sections.questions, self.sections.training)
            )

    def to_json(self, measured: Sequence[str], page: Path | None) -> dict[str, Any]:
        """For programs."""
        questions, training = self.sections.questions, self.sections.training
        return {
            "eval": "claims",
            "done": list(self.found),
            "missing": [row.name for row in ROWS if row.name not in self.found],
            "measured": list(measured),
            "event_f1": {name: result.overall.event_f1.to_json() for name, result in self.found.items()},
            "questions": None if questions is None else {name: one.to_json() for name, one in questions.totals.items()},
            "training": None
            if training is None
            else {
                name: {mode: event_f1(training, name, mode).to_json() for mode in training.modes}
                for name in training.models
            },
            "page": None if page is None else str(page),
        }

    def rows(self) -> Iterator[tuple[str, str]]:
        """One claim per row, for people."""
        questions, training = self.sections.questions, self.sections.training
        for row in ROWS:
            yield row.name, claim(row, self.found).replace("**", "")
        if questions is not None:
            totals = (f"{name} {share(one)}" for name, one in questions.totals.items())
            yield "questions", f"Correct answers in total: {'; '.join(totals)}."
        if training is not None:
            compared = [name for name, model in training.models.items() if model.how.against]
            for name, mode in product(compared, training.modes):
                yield f"training: {plain(name)}, {mode}", training_claim(training, name, mode).replace("**", "")
