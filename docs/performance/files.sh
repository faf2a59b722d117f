#!/usr/bin/env bash
# How fast many files are commented on in one batch, as docs/performance.md tells it.
#
#   docs/performance/files.sh MODEL FILES SECONDS FOLDER [OPTIONS of svlm eval commentary generate]
#
# The files are links to one made-up video. The previous text is so long that it fills its window from the first round.
# What the last command prints, a JSON document, tells how many seconds of video were commented on in a second: "speed".
set -eu

svlm=${SVLM:-svlm}
model=${1:?Name a model.} files=${2:?Say how many files.} seconds=${3:?Say how long each is.} folder=${4:?Name a folder.}
shift 4
mkdir -p "$folder/videos"
[[ -s $folder/clip.mp4 ]] || $svlm bench video "$folder/clip.mp4" --seconds "$seconds"
words=$(printf 'word %.0s' {1..1200})
for ((file = 0; file < files; file++)); do
    ln -f "$folder/clip.mp4" "$folder/videos/$file.mp4"
    printf '{"video": "%s.mp4", "content": [[0, 1, "begin"], [%s, %s, "end"]], "title": "", "preasr": "%s"}\n' \
        "$file" $((seconds - 1)) "$seconds" "$words"
done > "$folder/annotations.jsonl"
$svlm eval commentary generate --annotations "$folder/annotations.jsonl" --videos "$folder/videos" --start 0 \
    --output "$folder/predictions.jsonl" --overwrite --jobs "$files" --model "$model" --set vision.max_pixels=200704 --json "$@"
