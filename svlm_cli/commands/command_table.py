"""The commands of svlm: where each is, and the first sentence of its help. Imports none of them."""

from typing import Final

COMMANDS: Final[dict[str, tuple[str, str]]] = {  # name: (module, the first sentence of its help)
    "caption": ("svlm_cli.commands.caption", "Caption videos and cameras: what the model says, second by second."),
    "ask": ("svlm_cli.commands.ask", "Ask about a video, at its end or at any moment of it."),
    "data": ("svlm_cli.commands.data", "Make a training set of videos with sound."),
    "train": ("svlm_cli.commands.train", "Train a model by a recipe: from simulated matches or from annotation files."),
    "bench": ("svlm_cli.commands.bench", "Measure speed and memory."),
    "eval": ("svlm_cli.commands.evaluate", "Measure quality."),
    "simulate": ("svlm_cli.commands.simulate", "Play a match of the Endless Match, whose truth is known."),
    "models": (
        "svlm_cli.commands.models",
        "List the known models, recommend or show one, fetch its weights, or merge an adapter into one.",
    ),
    "doctor": (
        "svlm_cli.commands.doctor",
        "Say what is there, and what to do about what is not.",
    ),
    "config": ("svlm_cli.commands.config", "Show every setting, its value, and where the value comes from."),
    "man": ("svlm_cli.commands.man", "Show the manual: every command and option, exit codes, environment, files."),
}
