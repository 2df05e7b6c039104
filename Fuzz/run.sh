#!/bin/sh
# Builds and runs the fuzzer of the packet decoder: Fuzz/run.sh [seconds]. A finding is written to Fuzz/FailCases, where
# the unit tests replay it. The corpus in Fuzz/.build starts from the recorded vectors and grows from run to run.
set -eu
seconds=${1:-60}
cd "$(dirname "$0")/.."
Fuzz/build.sh
corpus=Fuzz/.build/Corpus
mkdir -p "$corpus"
# The first byte of an input chooses side and version: bit 0 is the client's side, the next three the version.
for file in Tests/MQTTWireTests/Vectors/*.hex; do
    case $(sed -n 's/^# version: //p' "$file") in 3) version=0 ;; 4) version=1 ;; *) version=2 ;; esac
    name=$(basename "$file" .hex)
    { printf '%02x' $((version * 2 + 16)); sed -n 's/^> //p' "$file"; } | xxd -r -p >"$corpus/$name-server"
    { printf '%02x' $((version * 2 + 17)); sed -n 's/^< //p' "$file"; } | xxd -r -p >"$corpus/$name-client"
done
exec Fuzz/.build/PacketDecoderFuzz -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=2048 \
    -artifact_prefix=Fuzz/FailCases/ "$corpus"
