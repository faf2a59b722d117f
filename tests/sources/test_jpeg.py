"""Pictures cut out of a stream of bytes, whatever a camera writes between them."""

import random

import pytest

from svlm_cli.sources.jpeg import JpegReader
from tests.clips import run_ffmpeg


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("pictures")
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=5:d=1", folder / "%d.jpg")
    return [(folder / f"{number}.jpg").read_bytes() for number in range(1, 6)]


def cut(data: bytes, sizes: "random.Random | None" = None) -> list[bytes]:
    reader, at = JpegReader(), 0
    found: list[bytes] = []
    while at < len(data):
        size = sizes.choice((1, 2, 3, 50, 900)) if sizes else len(data)
        found += reader.read(data[at : at + size])
        at += size
    return found


def test_each_picture_is_found_wherever_the_bytes_are_parted(pictures: list[bytes]) -> None:
    chance = random.Random(1)
    for _ in range(20):
        parted = b"".join(chance.randbytes(30).replace(b"\xff", b"") + picture for picture in pictures)
        assert cut(parted, chance) == pictures


def test_a_picture_within_a_picture_ends_nothing(pictures: list[bytes]) -> None:
    """Cameras put a small one into the head of the large one."""
    outer, inner = pictures[:2]
    segment = b"\xff\xe1" + (len(inner) + 2).to_bytes(2) + inner
    whole = outer[:2] + segment + outer[2:]
    assert cut(whole + whole) == [whole, whole]


def test_a_picture_that_breaks_off_costs_no_other(pictures: list[bytes]) -> None:
    first, second, third = pictures[:3]
    for at in (4, 30, len(second) - 100):
        found = cut(first + second[:at] + b"\r\n--x\r\n\r\n" + third + third)
        assert found[0] == first
        assert found[-1] == third


def test_what_never_ends_is_not_kept() -> None:
    reader = JpegReader()
    for _ in range(40):
        assert list(reader.read(b"\xff\xd8\xff\xda\x00\x02".ljust(1_000_000, b"a"))) == []
    assert len(reader._kept) <= 33 * 1024 * 1024
