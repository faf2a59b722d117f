"""What other programs call the options and commands of svlm, to suggest ours for theirs; one option has one name.

Knows names alone; which of them a command has is for ``mistakes.py`` to see.
"""

from typing import Final

_THEIRS: Final = {  # our option: what whisper, yt-dlp, ffmpeg, mpv, rsync and the Hugging Face tools call it
    "--query": "--initial-prompt --instruction --prompt --question --system-prompt",
    "--context": "--initial-prompt --prompt --hotwords",
    "--output-dir": "--dest --directory --out-dir --outdir --output-folder -P",
    "--output": "--dest --out-file --outfile --save-to",
    "--model": "--checkpoint --model-name --model-path --weights",
    "--device": "--cpu --cuda --gpu",
    "--dtype": "--compute-type --fp16 --precision --torch-dtype",
    "--attention": "--attn-implementation",
    "--offline": "--local-files-only --no-download",
    "--revision": "--branch",
    "--fps": "--frame-rate --framerate --rate",
    "--temperature": "--temp",
    "--seed": "--random-seed",
    "--overwrite": "--clobber --force --force-overwrites --replace --yes -y",
    "--skip-existing": "--continue --ignore-existing --no-clobber --no-overwrites -n",
    "--resume": "--continue",
    "--format": "--output-format --sub-format --type --write-subs",
    "--save": "--save-to",
    "--batch-file": "--file-list --files-from",
    "--jobs": "--batch-size --parallel --threads --workers",
    "--fail-fast": "--abort-on-error --exit-on-error",
    "--start": "--from --ss --start-time -s",
    "--end": "--end-time --to --until --duration -t",
    "--minutes": "--duration",
    "--max-cps": "--cps",
    "--max-line-width": "--max-chars",
    "--max-lines": "--max-line-count",
    "--encoding": "--charset",
    "--language": "--lang",
    "--mux": "--embed-subs --softsub",
    "--burn-in": "--burn-subtitles --hardsub",
    "--report": "--html",
    "--credentials": "--login --netrc --password --user --username",
    "--max-reconnects": "--retries",
    "--tries": "--retries",
    "--stall-timeout": "--timeout",
    "--answer-timeout": "--timeout",
    "--rtsp-transport": "--transport",
    "--follow": "--tail",
    "--every": "--interval",
    "--live": "--tui",
    "--progress": "--no-progress",
    "--quiet": "--no-progress --silent",
}
OPTIONS: Final = {
    name: [ours for ours, theirs in _THEIRS.items() if name in theirs.split()]
    for listed in _THEIRS.values()
    for name in listed.split()
}

_ADVICE: Final = {  # where the answer is not an option of the command
    "Name it without an option.": "--file --input -i",
    "A folder stands for all that is below it.": "--recursive -r",
    "--query and --context say what the model speaks of.": "--task --translate",
    "`svlm --debug` shows the traceback of an error.": "--log-level --traceback --verbose -v",
}
ADVICE: Final = {name: advice for advice, names in _ADVICE.items() for name in names.split()}

_COMMANDS: Final = {  # our command: what other programs call it
    "bench": "benchmark",
    "caption": "describe live run stream subtitle transcribe watch",
    "doctor": "check diagnose",
    "eval": "evaluate",
    "train": "finetune fit",
    "models pull": "download pull",
    "models list": "list",
    "--install-completion": "completion",
    "--help": "help",
    "man": "manual",
    "config": "settings",
    "--version": "version",
}
COMMANDS: Final = {name: ours for ours, names in _COMMANDS.items() for name in names.split()}
