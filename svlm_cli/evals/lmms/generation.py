"""Parses ``generation_kwargs`` of a task: length, stop strings, sampling. Knows no engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import SamplingPolicy

_DEFAULT_TOKENS: Final = 128  # the default of lmms-eval's other models
_LENGTHS: Final = ("max_new_tokens", "max_gen_toks", "max_tokens")  # synonyms
_WAY_OUT: Final = "Give another value with --gen_kwargs."


@dataclass(frozen=True, slots=True)
class GenerationParameters:
    """How an answer is generated."""

    sampling: SamplingPolicy  # includes the length
    until: tuple[str, ...] = ()  # stop strings
    ignored: tuple[str, ...] = field(default=(), compare=False)  # names without effect here

    @property
    def tokens(self) -> int:
        """The maximum number of tokens."""
        return self.sampling.max_new_tokens

    def finished(self, text: str) -> str | None:
        """`text` up to a stop string; None if there is none yet."""
        ends = [at for at in map(text.find, self.until) if at >= 0]
        return text[: min(ends)] if ends else None


def read_generation(given: Mapping[str, Any] | None) -> GenerationParameters:
    """With transformers' meaning of these names. `UsageError` for invalid or unsupported values."""
    values = {name: value for name, value in (given or {}).items() if value is not None}
    tokens = _length(values)
    until = _until(values.pop("until", ()))
    temperature = _number(values, "temperature")
    sampled = values.pop("do_sample", bool(temperature))
    if not isinstance(sampled, bool):
        raise UsageError(f"do_sample must be true or false, not {shown(sampled)}.", _WAY_OUT)
    temperature = (1.0 if temperature is None else temperature) if sampled else 0.0
    top_p, beams = _number(values, "top_p"), _number(values, "num_beams")
    if temperature and top_p is not None and top_p != 1:
        raise UsageError(f"svlm draws from all tokens, or the top_k likeliest: top_p cannot be {top_p:g}.", _WAY_OUT)
    if beams is not None and beams != 1:
        raise UsageError(f"svlm has no beam search: num_beams cannot be {beams:g}.", _WAY_OUT)
    top_k, penalty = _number(values, "top_k") or 0, _number(values, "repetition_penalty")
    sampling = SamplingPolicy(
        max_new_tokens=tokens,
        temperature=temperature,
        top_k=max(int(top_k), 0),
        repetition_penalty=1.0 if penalty is None else penalty,
    )
    return GenerationParameters(sampling, until, tuple(values))


def _length(values: dict[str, Any]) -> int:
    """Remove its names from `values`."""
    found = [number for name in _LENGTHS if (number := _number(values, name)) is not None]
    tokens = found[0] if found else _DEFAULT_TOKENS
    if tokens != int(tokens):
        raise UsageError(f"max_new_tokens must be a whole number, not {tokens:g}.", _WAY_OUT)
    return int(tokens)


def _number(values: dict[str, Any], name: str) -> float | None:
    """Remove it from `values`."""
    value = values.pop(name, None)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise UsageError(f"{name} must be a number, not {shown(value)}.", _WAY_OUT)
    return value


def _until(value: object) -> tuple[str, ...]:
    listed = (value,) if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not all(isinstance(one, str) for one in listed):
        raise UsageError(f"until must be a text or a list of texts, not {shown(value)}.", _WAY_OUT)
    return tuple(filter(None, listed))
