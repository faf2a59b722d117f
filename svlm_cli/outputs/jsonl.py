"""Writes segments as JSON: lines, or one document. One object per round, also for silence; text as generated."""

import json
import re
from dataclasses import replace

from svlm_cli.core.errors import OutputError
from svlm_cli.core.events import RoundEnded
from svlm_cli.outputs.destination import Destination
from svlm_cli.outputs.output import Provenance, Round, refuse_impossible

DOCUMENT_END = "\n]}\n"
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")  # in a terminal


class _JsonOutput:
    """A file of JSON objects."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._failed = False

    def close(self, *, complete: bool = True) -> None:
        """The file gets its final name if it is `complete`. Raises `OutputError`."""
        self._destination.close(complete=complete and not self._failed)

    def _put(self, text: str, ending: str = "") -> None:
        try:
            self._destination.write(text, ending)
        except OutputError:
            self._failed = True
            raise


class JsonlOutput(_JsonOutput):
    """A file of JSON lines. Each line names model and source, because lines may be read one by one."""

    def __init__(self, destination: Destination, model: str = "", source: str = "") -> None:
        super().__init__(destination)
        self._model = model
        self._source = source

    def write(self, segment: Round) -> None:
        """Write one round. Raises `OutputError`."""
        self._put(json_line(_event(segment, self._source, self._model)))


class JsonOutput(_JsonOutput):
    """One JSON document: source, model, and the rounds as `segments`. It is valid JSON after every round."""

    def __init__(self, destination: Destination, provenance: Provenance) -> None:
        super().__init__(destination)
        self._head = f'{{"source": {_json(provenance.source)}, "model": {_json(provenance.model)}, "segments": ['

    def write(self, segment: Round) -> None:
        """Write one round. Raises `OutputError`."""
        line = json_line(_event(segment)).rstrip("\n")
        self._put(self._begin() + line, DOCUMENT_END)

    def close(self, *, complete: bool = True) -> None:
        """The file gets its final name if it is `complete`. Raises `OutputError`."""
        if self._head and not self._failed:
            self._put(self._begin().rstrip("\n"), DOCUMENT_END)
        super().close(complete=complete)

    def resume(self) -> None:
        """Go on with a document that has rounds already."""
        self._head = ""

    def _begin(self) -> str:
        """The text before the next round."""
        head, self._head = self._head, ""
        return f"{head}\n" if head else ",\n"


def json_line(ended: RoundEnded) -> str:
    """A round as one line of JSON, without empty keys: times in seconds, ``tokens`` a count.

    Raises `OutputError` for impossible times.
    """
    refuse_impossible(ended)
    values: dict[str, str | int | float] = {"source": ended.name} if ended.name else {}
    values |= {
        "start": round(ended.start_s, 3),
        "end": round(ended.end_s, 3),
        "text": ended.text,
        "tokens": ended.tokens,
        "work_s": round(ended.work_s, 4),
    }
    if ended.gap_s > 0:
        values["gap_s"] = round(ended.gap_s, 3)
    if ended.container_s is not None and abs(ended.container_s - ended.start_s) >= 0.0005:
        values["container_s"] = round(ended.container_s, 3)
    if ended.wall_clock_s is not None:
        values["wall_clock_s"] = round(ended.wall_clock_s, 3)
    if ended.dropped > 0:
        values["dropped"] = ended.dropped
    if ended.latency_s is not None:
        values["latency_s"] = round(ended.latency_s, 3)
    if ended.model:
        values["model"] = ended.model
    return _json(values) + "\n"


def _event(segment: Round, source: str = "", model: str = "") -> RoundEnded:
    """The round, with the names that are to stand beside it."""
    if isinstance(segment, RoundEnded):
        return replace(segment, name=source, model=model)
    return RoundEnded.of(segment, source, model)


def _json(value: object) -> str:
    """One line of JSON, safe to print to a terminal. Lone surrogates become U+FFFD."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
