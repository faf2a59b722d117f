"""Write a checkpoint of a known shape with random weights, where no real one can be had: it is as fast, and babbles.

    python -m tests.gpu.random_checkpoint 7b FOLDER

The tokenizer is svlm-mini's, in which what stands in every round has as many tokens as in Qwen's. Needs a GPU for 7b.
"""

import argparse
import shutil
from pathlib import Path

import torch

from svlm_cli.bench.subject import Subject
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.place import EnginePlace
from svlm_cli.networks.families import SHAPES
from svlm_cli.networks.weights import save_network


def main() -> None:
    """As the module says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    subject = Subject.random(asked.shape)
    place = EnginePlace(torch.device("cuda" if torch.cuda.is_available() else "cpu"), torch.bfloat16)
    engine = subject.engine(subject.policy, Engine, place)
    save_network(engine.network, asked.folder)
    for file in subject.folder.iterdir():
        if file.suffix == ".json" and file.name not in {"config.json", "model.safetensors.index.json"}:
            shutil.copy(file, asked.folder)


if __name__ == "__main__":
    main()
