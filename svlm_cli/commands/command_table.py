"""The commands of svlm: where each is, and the first sentence of its help. Imports none of them."""

from typing import Final

COMMANDS: Final[dict[str, tuple[str, str]]] = {  # name: (module, the first sentence of its help)
    "caption": ("svlm_cli.commands.caption", "Caption videos and cameras: what the model says, second by second."),
    "ask": ("svlm_cli.commands.ask", "Ask questions about a video, at its end or at any moment."),
    "data": ("svlm_cli.commands.data", "Make a training set from videos with sound."),
    "train": ("svlm_cli.commands.train", "Train a model by a recipe: from simulated matches or from annotation files."),
    "bench": ("svlm_cli.commands.bench", "Measure speed and memory."),
    "eval": ("svlm_cli.commands.evaluate", "Measure quality."),
    "simulate": (
        "svlm_cli.commands.simulate",
        "Simulate a match of the ball game Endless Match, or everyday footage, with its exact truth.",
    ),
    "models": (
        "svlm_cli.commands.models",
        "List the known models, recommend or show one, fetch its weights, or merge an adapter into one.",
    ),
    "doctor": (
        "svlm_cli.commands.doctor",
        "Check this machine for what svlm needs, and say what to do about what is missing.",
    ),
    "config": ("svlm_cli.commands.config", "Show every setting, its value, and where the value comes from."),
    "man": ("svlm_cli.commands.man", "Show the manual: every command and option, exit codes, environment, files."),
}
