"""Photos for footage, from Debian packages: ``python -m tests.simulator.footage.photos FOLDER``.

Fetches the packages by name, without installing them, and writes what is a photo of theirs to FOLDER/train and
FOLDER/held-out. The same packages give the same photos. Drawings, screenshots and second sizes of a picture are left
out. Needs apt-get and dpkg-deb.
"""

import argparse
import hashlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PACKAGES: Final = (
    "plasma-workspace-wallpapers",
    "mate-backgrounds",
    "gnome-backgrounds",
    "ukui-wallpapers",
    "lomiri-wallpapers-20.04",
    "opencv-doc",
    "kphotoalbum",
)
OF_CLIPS: Final = frozenset({"Background_Subtraction_Tutorial_frame.jpg", "demo.jpg"})
"""Pictures of vtest.avi, one of the clips that models are tried on."""
KINDS: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})
SIZE: Final = (640, 480)  # at most; more is never shown
LEAST: Final = 300  # pixels of the shorter side
MOST_EVEN: Final = 0.35  # of neighbouring pixels that are equal: more are drawn
ALIKE: Final = 6  # of 64 bits of two pictures' hashes: no more differ in one picture of two sizes
HELD_OUT: Final = 6  # one in so many


def main() -> None:
    """As the module says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    for part in ("train", "held-out"):
        (asked.folder / part).mkdir(parents=True, exist_ok=True)
    hashes: list[int] = []
    counts = dict.fromkeys(PACKAGES, 0)
    for package in PACKAGES:
        with tempfile.TemporaryDirectory() as unpacked:
            _unpack(package, Path(unpacked))
            for path, photo in _photos(Path(unpacked)):
                own = _hash(photo)
                if any((own ^ other).bit_count() <= ALIKE for other in hashes):
                    continue
                hashes.append(own)
                counts[package] += 1
                # By what it shows, so that no photo changes sides when another package comes.
                part = "held-out" if own % HELD_OUT == 0 else "train"
                name = hashlib.sha256(str(path.relative_to(unpacked)).encode()).hexdigest()[:8]
                photo.save(asked.folder / part / f"{package}-{name}.jpg", quality=88)
    for package, count in counts.items():
        print(f"{package:32}{count:4}")  # noqa: T201


def _unpack(package: str, folder: Path) -> None:
    subprocess.run(["apt-get", "download", "-q", package], cwd=folder, check=True, capture_output=True)
    (archive,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", archive.name, "."], cwd=folder, check=True)
    archive.unlink()


def _photos(folder: Path) -> Iterator[tuple[Path, Image.Image]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in KINDS or path.is_symlink() or path.name in OF_CLIPS:
            continue
        try:
            with Image.open(path) as image:
                if min(image.size) < LEAST or image.mode not in ("RGB", "RGBA", "P"):
                    continue
                image.draft("RGB", (2 * SIZE[0], 2 * SIZE[1]))
                photo = image.convert("RGB")
        except (OSError, ValueError, Image.DecompressionBombError):
            continue
        photo.thumbnail(SIZE)
        if _even(np.asarray(photo)) <= MOST_EVEN:
            yield path, photo


def _even(pixels: NDArray[np.uint8]) -> float:
    return float((pixels[:, 1:] == pixels[:, :-1]).all(axis=-1).mean())


def _hash(photo: Image.Image) -> int:
    """64 bits: whether each cell of the picture is lighter than the one to its right."""
    cells = np.asarray(photo.convert("L").resize((9, 8), Image.Resampling.BOX), np.int16)
    return int("".join("01"[bit] for bit in (cells[:, 1:] > cells[:, :-1]).flatten().tolist()), 2)


if __name__ == "__main__":
    main()
