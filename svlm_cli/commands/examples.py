"""Calls that are worth copying, by command: ``--help`` and the manual show them. Data alone; a test parses each."""

from typing import Final, NamedTuple


class Example(NamedTuple):
    """A call, and what it is for."""

    line: str
    what: str


EXAMPLES: Final[dict[str, tuple[Example, ...]]] = {
    "": (
        Example("svlm simulate -o match.mp4", "A match to try it on, and match.context.txt, which says who plays:"),
        Example("svlm caption match.mp4 --context @match.context.txt", "Write match.srt beside the video:"),
        Example("svlm doctor", "Is all there that captions need?"),
    ),
    "caption": (
        Example(
            'svlm caption match.mp4 --context "Match: orange Valbin against purple Callek."',
            "A match of `svlm simulate`, by the model that comes with svlm:",
        ),
        Example(
            'svlm caption final.mp4 -m streamingvlm-7b --context "The final: reds against blues."',
            "Tell the model what it will see:",
        ),
        Example(
            "svlm caption final.mp4 -m streamingvlm-7b --start 45:00 --end 60:00 -f srt,vtt",
            "A quarter of an hour, in two formats:",
        ),
        Example(
            "svlm caption season -m streamingvlm-7b --output-dir captions --skip-existing",
            "A folder of videos; called again, it does those that are missing:",
        ),
        Example(
            "svlm caption rtsp://10.0.0.5/a -m streamingvlm-7b --name front --segment 1h",
            "A camera, a new file every hour:",
        ),
        Example(
            "svlm caption final.mp4 -m streamingvlm-7b --burn-in shareable.mp4",
            "A copy of the video that shows the words:",
        ),
    ),
    "ask": (
        Example('svlm ask final.mp4 "What is the score?" --at 12:30 -m streamingvlm-7b', "What it knew then:"),
        Example(
            'svlm ask final.mp4 "Who attacks?" --choice "the reds" --choice "the blues" --at 1:00 --at 2:00 '
            "-m streamingvlm-7b --json",
            "One of two, at two moments, with the chances of each:",
        ),
    ),
    "data words": (
        Example("svlm data words season -o words.jsonl", "From transcripts beside the videos, else by faster-whisper:"),
        Example(
            "svlm data words season --from json --about about.csv -o words.jsonl",
            "What WhisperX wrote, with titles and teams:",
        ),
    ),
    "data clean": (
        Example(
            "svlm data clean words.jsonl -o clean.jsonl --server http://localhost:8000/v1 --model qwen3-32b "
            "--diff clean.diff",
            "By a model of your own; clean.diff shows what it changed:",
        ),
        Example("svlm data clean --show-prompts > own.toml", "Ask in other words: edit, then --prompts own.toml:"),
    ),
    "data windows": (
        Example(
            "svlm data windows words.jsonl -o train.jsonl --language en --held-out 0.02",
            "Windows of 24 s; those of about one video in fifty go to held-out.jsonl:",
        ),
        Example(
            "svlm data windows clean.jsonl -o annealing.jsonl --annealing --plot annealing.png",
            "Clips for the second stage, and a picture of what was left out:",
        ),
    ),
    "data check": (
        Example("svlm data check train.jsonl held-out.jsonl", "Can all of it be learned from?"),
        Example(
            "svlm data check train.jsonl -o bad.jsonl --write good.jsonl",
            "Keep the rows that are good; with --overwrite, later only changed videos are opened:",
        ),
    ),
    "train": (
        Example("svlm train recipe.toml --dry-run", "What will it take?"),
        Example("svlm train recipe.toml --output my-model", "my-model is a checkpoint afterwards:"),
        Example("svlm train recipe.toml --output my-model --resume", "Go on where that stopped:"),
        Example("svlm train recipe.toml --output my-model --plot curves.svg", "Look at curves.svg meanwhile:"),
    ),
    "train export": (Example("svlm train export my-model -o so-far", "so-far is a checkpoint of its newest state:"),),
    "train plot": (
        Example("svlm train plot first second/log.jsonl -o both.png", "Two runs, by their folders or their logs:"),
    ),
    "bench latency": (
        Example("svlm bench latency --model streamingvlm-7b --rounds 1000", "Is the last minute as fast as the first?"),
        Example(
            "svlm bench latency --random-weights 3b --mode streaming --mode full", "Two modes, without a download:"
        ),
    ),
    "bench stages": (Example("svlm bench stages --random-weights 7b --fps 8", "Where a round's time goes:"),),
    "bench memory": (
        Example("svlm bench memory --random-weights 7b --dtype bfloat16 --fps 8 --streams 4", "Will four streams fit?"),
    ),
    "bench playback": (Example("svlm bench playback match.mp4 --fps 8", "Does decoding hold up the model?"),),
    "bench startup": (Example("svlm bench startup --model my-model", "How long until the first word?"),),
    "bench streams": (
        Example("svlm bench streams --random-weights 7b --most 16", "How many streams fit, up to 16?"),
        Example("svlm bench streams --decode --most 4 --step 4", "Do four of them fit, with their decoding?"),
    ),
    "bench video": (Example("svlm bench video sample.mp4 --seconds 60", "A minute to measure with:"),),
    "bench renderer": (Example("svlm bench renderer --device cpu", "How fast is the simulator drawn?"),),
    "eval match": (
        Example("svlm eval match --matches 4 --minutes 10", "Four matches, by the model that comes with svlm:"),
        Example("svlm eval match --seed 7 --predictions match.jsonl", "What was said of the match of seed 7:"),
    ),
    "eval footage": (
        Example("svlm eval footage --model my-model --photos photos --matches 4", "Everyday footage, of your photos:"),
    ),
    "eval claims": (
        Example("svlm eval claims results", "What has been measured so far:"),
        Example("svlm eval claims results --model my-model --row streaming", "Measure one row:"),
    ),
    "eval commentary generate": (
        Example(
            "svlm eval commentary generate --annotations eval_all_metadata.jsonl --videos games -o a.jsonl "
            "-m streamingvlm-7b --jobs 20",
            "Comment on all games of the benchmark, 20 in one batch; called again, it goes on where it was:",
        ),
        Example(
            "svlm eval commentary generate --annotations eval_all_metadata.jsonl --videos games -o chunks.jsonl "
            "-m streamingvlm-7b --jobs 20 --chunk 100",
            "A new stream every 100 s, with what people said before:",
        ),
        Example(
            "svlm eval commentary generate --backend openai --model gpt-4o-mini --annotations score_all_clips.jsonl "
            "--videos games -o baseline.jsonl",
            "The baseline of the paper, a request a clip:",
        ),
    ),
    "eval commentary judge": (
        Example(
            "svlm eval commentary judge a.jsonl b.jsonl --clips clips.jsonl --judge gpt-5 -o votes.jsonl",
            "Which of two commentaries of the same games is better?",
        ),
        Example(
            "svlm eval commentary judge a.jsonl --control empty --clips clips.jsonl --judge gpt-5 -o empty.jsonl",
            "Does the judge read?",
        ),
        Example(
            "svlm eval commentary judge --show-prompts > own.toml", "Ask in other words: edit, then --prompts own.toml:"
        ),
    ),
    "eval commentary report": (
        Example("svlm eval commentary report votes.jsonl empty.jsonl --plot rates.png", "Count them, with a control:"),
    ),
    "eval commentary timeliness": (
        Example(
            "svlm eval commentary timeliness a.jsonl --annotations eval_all_metadata.jsonl",
            "Does it say what people said when they said it?",
        ),
    ),
    "eval livesports generate": (
        Example(
            "svlm eval livesports generate --events events.jsonl --videos videos -o a.jsonl -m streamingvlm-7b -j 32",
            "Comment on all events, 32 in one batch:",
        ),
    ),
    "eval livesports judge": (
        Example(
            "svlm eval livesports judge a.jsonl b.jsonl --events events.jsonl --judge gpt-5 -o votes.jsonl",
            "Which of two commentaries is closer to a person's words?",
        ),
    ),
    "eval livesports report": (Example("svlm eval livesports report votes.jsonl", "Count the votes:"),),
    "eval vqa ovo-bench": (
        Example(
            "svlm eval vqa ovo-bench OVO-Bench -o ovo.jsonl -m streamingvlm-7b --way streaming --way full -j 8",
            "Two ways of looking, eight streams in one batch; called again, it goes on where it was:",
        ),
        Example(
            "svlm eval vqa ovo-bench OVO-Bench -o both -m qwen2.5-vl-7b -m streamingvlm-7b --way full",
            "Two models, whose answers are both/qwen2.5-vl-7b.jsonl and both/streamingvlm-7b.jsonl:",
        ),
        Example(
            "svlm eval vqa ovo-bench --show-prompts > own.toml", "Ask in other words: edit, then --prompts own.toml:"
        ),
    ),
    "eval vqa streamingbench": (
        Example(
            "svlm eval vqa streamingbench StreamingBench -o all.jsonl -m streamingvlm-7b --seen all -j 8",
            "The stream has seen all that came before a question:",
        ),
    ),
    "eval vqa videomme": (
        Example(
            "svlm eval vqa videomme Video-MME -o mme.jsonl -m qwen2.5-vl-7b --way full --subtitles",
            "With what is said in the videos:",
        ),
    ),
    "eval vqa longvideobench": (
        Example(
            "svlm eval vqa longvideobench LongVideoBench -o long.jsonl -m streamingvlm-7b --way full --frames 128",
            "More frames of each video:",
        ),
    ),
    "eval vqa mvbench": (
        Example(
            "svlm eval vqa mvbench MVBench -o mv.jsonl -m streamingvlm-7b --way full --only action_count --limit 20",
            "A quick look at one task:",
        ),
    ),
    "eval vqa report": (
        Example("svlm eval vqa report ovo.jsonl", "Ways of looking side by side:"),
        Example(
            "svlm eval vqa report both/qwen2.5-vl-7b.jsonl both/streamingvlm-7b.jsonl", "How much better is the second?"
        ),
    ),
    "simulate": (
        Example(
            "svlm simulate --seed 7 --minutes 5 -o match.mp4",
            "Five minutes, with events, and the truth in match.truth.srt:",
        ),
        Example(
            "svlm simulate --benchmark endless --seed 1000",
            "20 matches of two hours in the files of Inf-Streams-Eval; called again, it goes on:",
        ),
        Example(
            "svlm simulate --questions asked --seed 2000 --minutes 30",
            "20 matches of half an hour, and questions about them in the files of OVO-Bench:",
        ),
    ),
    "models list": (Example("svlm models list --json", "For scripts:"),),
    "models recommend": (
        Example("svlm models recommend", "What suits this machine, and how to get it:"),
        Example("svlm models recommend --live --fps 8", "For cameras that are looked at eight times a second:"),
    ),
    "models show": (Example("svlm models show svlm-mini", "A model's card and policy:"),),
    "models pull": (Example("svlm models pull streamingvlm-7b", "Fetch 16.6 GB:"),),
    "models merge": (Example("svlm models merge my-adapter -o my-model", "my-model needs no adapter any more:"),),
    "doctor": (Example("svlm doctor --json", "For scripts; the exit code says whether captions can be made:"),),
    "config": (
        Example("svlm config", "Every setting, its value, and where that comes from:"),
        Example("svlm config --init", "Write a configuration file to edit:"),
    ),
    "man": (Example("svlm man > svlm.1", "The manual as a file:"),),
}
