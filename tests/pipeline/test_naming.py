"""Names of outputs: no two alike, as short as can be, the same in any order; and templates that stay in their place."""

import random
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.core.errors import UsageError
from svlm_cli.pipeline.inputs import Input
from svlm_cli.pipeline.naming import Template, below, beside, distinct

OUT = Path("out")


def named(*sources: str, folder: Path | None = OUT) -> dict[str, str]:
    """What the inputs' outputs are called, without their suffix."""
    inputs = [Input.named(source) for source in sources]
    form = beside if folder is None else partial(below, folder)
    names = distinct(inputs, form, "srt", lambda line: None)
    return {one.source.reveal(): str(name) for one, name in zip(inputs, names, strict=True)}


@pytest.mark.parametrize(
    ("sources", "written"),
    [
        (["/v/one.mkv", "/v/two.mp4"], ["out/one", "out/two"]),
        (["/v/one.mkv", "/v/one.mp4", "/v/two.mp4"], ["out/one.mkv", "out/one.mp4", "out/two"]),
        (["/a/x.mp4", "/b/x.mp4"], ["out/a/x", "out/b/x"]),
        (["/a/x.mp4", "/b/x.mp4", "/b/x.mkv"], ["out/a/x", "out/b/x", "out/x.mkv"]),
        (["/a/1/x.mp4", "/b/1/x.mp4"], ["out/a/1/x", "out/b/1/x"]),
        (["/a/x.mp4", "/a/x.ts", "/b/x.mp4", "/b/x.ts"], [f"out/{f}/x.{s}" for f in "ab" for s in ("mp4", "ts")]),
        (["/a/one.mkv", "/a/one.mp4", "/a/one.mkv.mp4"], ["out/one.mkv", "out/one.mp4", "out/one.mkv.mp4"]),
        (["-", "/a/stdin"], ["out/stdin", "out/a/stdin"]),
        (["-", "/a/stdin.mp4"], ["out/stdin", "out/stdin.mp4"]),
        (["/x.mp4", "/a/x.mp4"], ["out/x.mp4", "out/a/x"]),
    ],
)
def test_what_would_be_one_file_tells_more(sources: list[str], written: list[str]) -> None:
    """Guards calls of many videos against ending over two that are called alike."""
    assert named(*sources) == dict(zip(sources, written, strict=True))


def test_beside_the_video_it_is_the_suffix() -> None:
    assert named("one.mkv", "a/one.mp4", "a/one.ts", folder=None) == {
        "one.mkv": "one",
        "a/one.mp4": "a/one.mp4",
        "a/one.ts": "a/one.ts",
    }


PATHS = st.lists(
    st.builds(
        "/{}{}.{}".format,
        st.sampled_from(["", "a/", "b/", "a/b/", "b/b/", "x/"]),
        st.sampled_from(["x", "x.mp4", "x.mp4.ts"]),
        st.sampled_from(["mp4", "ts"]),
    ),
    unique=True,
    max_size=12,
)


@given(PATHS, st.randoms())
def test_no_two_are_alike_in_any_order(sources: list[str], rng: random.Random) -> None:
    """Guards words against being written over, and a second call against finding other names."""
    names = named(*sources)
    assert len(set(names.values())) == len(sources)
    rng.shuffle(sources)
    assert named(*sources) == names


def test_names_that_changed_are_told() -> None:
    told: list[str] = []
    inputs = [Input.named(f"{name}.{suffix}") for name in "abc" for suffix in ("mkv", "mp4")]
    distinct(inputs, beside, "vtt", told.append)
    (line,) = told
    assert line == (
        "Videos that would share an output file get longer names: a.mkv -> a.mkv.vtt, a.mp4 -> a.mp4.vtt, "
        "b.mkv -> b.mkv.vtt and 3 more."
    )
    distinct(inputs[::2], beside, "vtt", told.append)
    assert len(told) == 1


class TestTemplate:
    @pytest.mark.parametrize(
        ("text", "source", "name"),
        [
            ("{dir}/{stem}.en.{ext}", "season/a/x.y.mp4", "season/a/x.y.en.srt"),
            ("{dir}/subs/{name}.{ext}", "x.mp4", "subs/x.mp4.srt"),
            ("{dir}//{stem}.srt", "/far/x.mp4", "/far/x.srt"),
            ("/subs/{parent}/{stem}.{ext}", "/season/a/x.mp4", "/subs/a/x.srt"),
            ("subs/{parent}-{stem}.{ext}", "a/../b/x.mp4", "subs/b-x.srt"),
            ("{{{stem}}}.srt", "x.mp4", "{x}.srt"),
            ("{{dir}}/x.srt", "a/x.mp4", "{dir}/x.srt"),
            ("../{stem}.srt", "x.mp4", "../x.srt"),
            ("{dir}/{stem}.{ext}", "-", "stdin.srt"),
            ("{stem}.srt", "a/{dir}.mp4", "{dir}.srt"),
        ],
    )
    def test_fields(self, text: str, source: str, name: str) -> None:
        assert Template(text).name(Input.named(source), "srt") == Path(name)

    def test_standard_input_lies_in_the_working_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        assert Template("{parent}-{name}.{ext}").name(Input.named("-"), "vtt") == Path("here-stdin.vtt")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{title}.srt", r"no field \{title\}. The fields are \{dir\}, \{stem\}"),
            ("{}.srt", r"no field \{\}"),
            ("{stem!r}.srt", r"no field \{stem!r\}"),
            ("{stem:>999999999}.srt", r"no field \{stem:>999999999\}"),
            ("{stem.__class__}.srt", r"no field \{stem.__class__\}"),
            ("{stem[0]}.srt", r"no field"),
            ("{stem.srt", "has an unmatched brace"),
            ("stem}.srt", "has an unmatched brace"),
            ("{stem}{.srt", "has an unmatched brace"),
            ("out/{dir}/{stem}.srt", "must come first"),
            ("{dir}{stem}.srt", "must come first"),
            ("{dir}", "must come first"),
            ("{dir}/{dir}/x.srt", "must come first"),
            ("{stem}/", "is a folder. Write it like"),
            ("out/", "is a folder. Write into it with --output-dir out/"),
        ],
    )
    def test_what_is_refused(self, text: str, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            Template(text)

    @pytest.mark.parametrize(
        ("text", "source"),
        [("{stem}/x.srt", "...mp4"), ("{dir}/{stem}/x.srt", "a/...mp4"), ("{parent}/x.srt", "/x.mp4")],
    )
    def test_a_field_never_leaves_its_place(self, text: str, source: str) -> None:
        """Guards the folder above against a video that is called `...mp4`."""
        with pytest.raises(UsageError, match="which is not a file name"):
            Template(text).name(Input.named(source), "srt")
