"""Names of outputs: beside their videos, in a tree of their own, or from a template.

No two videos get the same name. Knows names and folders; writes nothing, and knows no format's syntax.
"""

import os
import string
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from svlm_cli.core.errors import UsageError
from svlm_cli.media.ffmpeg import path_name
from svlm_cli.pipeline.inputs import STDIN, Input

FIELDS: Final = ("dir", "stem", "name", "parent", "ext")
_EXAMPLE: Final = "Write it like -o '{dir}/{stem}.{ext}'; write a literal brace twice."
_TOLD: Final = 3  # renamed outputs that the message lists
Form = Callable[[Input, int], Path | None]
"""An output's name without suffix: 0 is the shortest, higher numbers are more specific; None if there are no more."""


def beside(one: Input, detail: int) -> Path | None:
    """``one``, then ``one.mkv``, in the video's own folder."""
    path = Path(one.source.reveal())
    return (path.with_name(path.stem), path)[detail] if detail < 2 else None


def below(folder: Path, one: Input, detail: int) -> Path | None:
    """``one``, then ``one.mkv``, then both with as many parent folders as needed, all below `folder`."""
    above = one.above.parts[1:]
    depth, with_suffix = divmod(detail, 2)
    if depth > len(above):
        return None
    place = folder.joinpath(*above[len(above) - depth :], one.mirrored)
    return place if with_suffix else place.with_name(place.stem)


def distinct(inputs: Sequence[Input], form: Form, suffix: str, tell: Callable[[str], None]) -> list[Path]:
    """The shortest distinct names: names that collide get more specific until they differ.

    A name that cannot get more specific is kept; its writer has to check. `tell` is called with the names that changed,
    with the `suffix` they will have.
    """
    details = [0] * len(inputs)
    names = [_form(one, form) for one in inputs]
    shortest = list(names)
    while True:
        changed = False
        for group in _alike(names):
            longer = {index: name for index in group if (name := form(inputs[index], details[index] + 1)) is not None}
            least = min((details[index] for index in longer), default=0)
            for index, name in longer.items():
                if details[index] == least:
                    details[index], names[index], changed = least + 1, name, True
        if not changed:
            break
    changes = [
        f"{path_name(one.source.reveal())} -> {path_name(f'{name}.{suffix}')}"
        for one, old, name in zip(inputs, shortest, names, strict=True)
        if name != old
    ]
    if changes:
        more = f" and {len(changes) - _TOLD} more" if len(changes) > _TOLD else ""
        tell(f"Videos that would share an output file get longer names: {', '.join(changes[:_TOLD])}{more}.")
    return names


def _form(one: Input, form: Form) -> Path:
    name = form(one, 0)
    assert name is not None, "there is a shortest one"
    return name


def _alike(names: Sequence[Path]) -> list[list[int]]:
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    folders = {folder: os.path.realpath(folder) for folder in {name.parent for name in names}}
    for index, name in enumerate(names):
        groups[folders[name.parent], name.name].append(index)
    return [group for group in groups.values() if len(group) > 1]


@dataclass(frozen=True, slots=True)
class Template:
    """The argument of ``-o``: a name with fields in braces for parts of the video's own name.

    ``{dir}`` is the video's folder as named, ``{stem}`` and ``{name}`` its name without and with suffix, ``{parent}``
    its folder's name, ``{ext}`` the format's suffix. Standard input is `stdin` in the working directory. `UsageError`
    for other fields, an unmatched brace, and a folder.
    """

    text: str

    def __post_init__(self) -> None:
        try:
            pieces = list(string.Formatter().parse(self.text))
        except ValueError:
            raise UsageError(f"-o {self.text} has an unmatched brace.", _EXAMPLE) from None
        for _, field, spec, conversion in pieces:
            if field is not None and (field not in FIELDS or spec or conversion):
                written = f"{field}{f'!{conversion}' if conversion else ''}{f':{spec}' if spec else ''}"
                known = ", ".join(f"{{{one}}}" for one in FIELDS)
                raise UsageError(
                    f"-o has no field {{{written}}}.", f"The fields are {known}; write a literal brace twice."
                )
        first, *rest = self.text.split("/")
        if "dir" in self._fields and (first != "{dir}" or not rest or any("dir" in _fields(part) for part in rest)):
            raise UsageError("{dir} must come first in -o, followed by a /.", _EXAMPLE)
        if self.text.endswith("/"):
            hint = _EXAMPLE if self._fields else f"Write into it with --output-dir {self.text}."
            raise UsageError(f"{self.text} is a folder.", hint)

    @property
    def _fields(self) -> frozenset[str]:
        return _fields(self.text)

    @property
    def tells_formats_apart(self) -> bool:
        """Whether each format gets its own name."""
        return "ext" in self._fields

    @property
    def tells_videos_apart(self) -> bool:
        """Whether different videos get different names."""
        return bool(self._fields - {"ext"})

    def name(self, one: Input, suffix: str) -> Path:
        """The name for a video. `UsageError` if the video's own name would lead to another folder."""
        source = one.source.reveal()
        video = Path("stdin" if source == STDIN else source)
        values = {"stem": video.stem, "name": video.name, "parent": one.folder.name, "ext": suffix}
        parts = []
        for part in self.text.split("/"):
            if part == "{dir}":
                continue
            filled = part.format(**values)
            if _fields(part) and filled in ("", ".", ".."):
                raise UsageError(
                    f"-o {self.text} makes {filled or 'nothing'} of {path_name(source)}, which is not a file name.",
                    "Add text around the field.",
                )
            parts.append(filled)
        if "dir" in self._fields:
            return video.parent / "/".join(parts).lstrip("/")
        return Path("/".join(parts))


def _fields(text: str) -> frozenset[str]:
    return frozenset(field for _, field, _, _ in string.Formatter().parse(text) if field is not None)
