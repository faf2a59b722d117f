#!/usr/bin/env bash
# How docs/performance.md is measured: one row after the other, the most important first. On an H200 all of them take
# about 22 minutes; the longest part takes 6.
#
#   docs/performance/measure.sh OUT                    all rows
#   docs/performance/measure.sh OUT latency decode-48  those whose names begin so
#
# A row is what a command prints with --json, OUT/NAME.json; what it said meanwhile is in OUT/NAME.log. A row that is there
# already is not measured again. A row that fails is told, and the others go on.
#
# Variables: SVLM, the program; MODEL, instead of --random-weights 7b; COMMIT, where this is no git checkout; WEIGHTS, a
# checkpoint of a 7B, for the rows `startup`, which are left out without it; QUICK=1, a few small rounds, to try it.
set -u

svlm=${SVLM:-svlm}
model=${MODEL:---random-weights 7b}
quick=${QUICK:-}
out=${1:?Name a folder for the results.}
shift
parts=("${@:-}")
mkdir -p "$out"
sample=$out/sample.mp4
failed=()

wanted() { # NAME
    local part
    for part in "${parts[@]}"; do
        [[ $1 == "$part"* ]] && return
    done
    return 1
}

row() { # NAME BENCH ARGUMENTS...
    local name=$1 bench=$2 began=$SECONDS
    shift 2
    wanted "$name" || return 0
    if [[ -s $out/$name.json ]]; then
        echo "== $name: there already"
        return
    fi
    local small=()
    [[ -n $quick ]] && small=(--rounds 2 --tokens 4 --pair-tokens 16)
    [[ -n $quick && $bench != playback && " $* " != *" --decode "* ]] && small+=(--size 160x120)
    [[ $bench == startup ]] && small=()
    # shellcheck disable=SC2086  # both are several words
    if $svlm bench "$bench" $model "$@" "${small[@]}" --json >"$out/$name.part" 2>"$out/$name.log"; then
        mv "$out/$name.part" "$out/$name.json"
        echo "== $name: $((SECONDS - began)) s"
    else
        rm -f "$out/$name.part"
        failed+=("$name")
        echo "== $name: failed: $(tail -n 1 "$out/$name.log")"
    fi
}

side_by_side() { # NUMBER: with QUICK few
    if [[ -n $quick ]]; then echo 2; else echo "$1"; fi
}

make_sample() {
    [[ -s $sample ]] && return
    local size=1280x720
    [[ -n $quick ]] && size=320x180
    $svlm bench video "$sample" --seconds 60 --size "$size"
}

commit=${COMMIT:-$(git -C "$(dirname "$0")" rev-parse --short HEAD 2>/dev/null || echo unknown)}
printf '{"commit":"%s","date":"%s","cpus":%s}\n' "$commit" "$(date -u +%F)" "$(nproc)" >"$out/about.json"

videos=("2 256" "8 256" "2 768" "8 768") # frames a second, visual tokens of a frame pair

# A second of video: 2.5 minutes
for video in "${videos[@]}"; do
    read -r fps tokens <<<"$video"
    row "latency-$fps-$tokens" latency --fps "$fps" --pair-tokens "$tokens" --rounds 150
done

# Live streams from video to words: 1.5 minutes each
for streams in 48 56 64 32; do
    wanted "decode-$streams" && make_sample
    count=$(side_by_side "$streams")
    row "decode-$streams" streams "$sample" --decode --pair-tokens 256 --most "$count" --step "$count" --rounds 40
done

# Live streams of pictures in memory: 1 minute
count=$(side_by_side 64)
row streams-64 streams --pair-tokens 256 --most "$count" --step "$count" --rounds 40

# Where the time goes: 1.5 minutes
for video in "${videos[@]}"; do
    read -r fps tokens <<<"$video"
    row "stages-$fps-$tokens" stages --fps "$fps" --pair-tokens "$tokens" --rounds 20
done

# From a file: 1.5 minutes
for video in "${videos[@]}"; do
    read -r fps tokens <<<"$video"
    wanted "playback-$fps-$tokens" && make_sample
    row "playback-$fps-$tokens" playback "$sample" --fps "$fps" --pair-tokens "$tokens" --rounds 40
done

# A step: 1.5 minutes
row step-1 stages --pair-tokens 320 --rounds 10
row step-1-fp8 stages --pair-tokens 320 --rounds 10 --dtype fp8
count=$(side_by_side 32)
row step-32 stages --pair-tokens 320 --streams "$count" --rounds 5
row step-32-fp8 stages --pair-tokens 320 --streams "$count" --rounds 5 --dtype fp8

# High frame rates: 1 minute
row fps-56 stages --fps 56 --pair-tokens 256 --tokens 5 --rounds 5
row fps-120-capped stages --fps 120 --pair-tokens 256 --tokens 5 --rounds 5 --vision-tokens 16384

# The paper's figure: 4.5 minutes
row modes latency --pair-tokens 256 --tokens 5 --rounds 1000 --mode streaming --mode full --mode window
row modes-overlap latency --pair-tokens 256 --tokens 5 --rounds 1000 --mode window-overlap

# An hour: 2 minutes
row hour latency --pair-tokens 256 --tokens 5 --rounds 3600

# From the start of the process to the first word
if [[ -n ${WEIGHTS:-} ]]; then
    model="--model $WEIGHTS"
    cache=$(mktemp -d)
    TRITON_CACHE_DIR=$cache row startup-cold startup
    TRITON_CACHE_DIR=$cache row startup-warm startup
fi

if ((${#failed[@]})); then
    echo "Failed: ${failed[*]}"
    exit 1
fi
