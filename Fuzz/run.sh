#!/bin/sh
# Builds and runs the fuzzers, the packet decoder's, Kafka's messages', the codecs', WebSocket's, HTTP's, those of payloads, and that of users and rights, each for Fuzz/run.sh [seconds].
# A finding is written to Fuzz/FailCases, Fuzz/KafkaWireFailCases, Fuzz/CompressionFailCases, Fuzz/WebSocketFailCases,
# Fuzz/HTTPFailCases, Fuzz/PayloadFailCases or Fuzz/AccessFailCases,
# where the unit tests replay it. The corpora in Fuzz/.build
# start from the recorded vectors and grow from run to run.
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
Fuzz/.build/PacketDecoderFuzz -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=2048 \
    -artifact_prefix=Fuzz/FailCases/ "$corpus"

corpus=Fuzz/.build/KafkaWireCorpus
mkdir -p "$corpus" Fuzz/KafkaWireFailCases
# The first byte of an input chooses the message by its place in the list of all, the second the version from the lowest.
sed -n 's/^ *\([A-Za-z]*\)\.self,$/\1/p' Sources/KafkaWire/Generated/KafkaMessages.swift | while read -r message; do
    number=$((${number:--1} + 1))
    lowest=$(sed -n 's/.*versions: ClosedRange<Int16> = \([0-9]*\).*/\1/p' "Sources/KafkaWire/Generated/$message.swift")
    grep -ihE "^${message#Kafka} " Tests/KafkaWireTests/Vectors/*.txt | while read -r _ version bytes _; do
        seed=$((${seed:-0} + 1))
        printf '%02x%02x%s' $number $((version - lowest)) "$bytes" | xxd -r -p >"$corpus/$message-$seed"
    done
done
Fuzz/.build/KafkaWireFuzz -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=2048 \
    -artifact_prefix=Fuzz/KafkaWireFailCases/ "$corpus"

corpus=Fuzz/.build/CompressionCorpus
mkdir -p "$corpus"
# The first byte chooses the codec by Kafka's number.
for file in Tests/CompressionTests/Vectors/*.hex; do
    case $(sed -n 's/^# codec: //p' "$file") in gzip) codec=1 ;; snappy) codec=2 ;; lz4) codec=3 ;; *) codec=4 ;; esac
    { printf '%02x' "$codec"; sed -n 's/^> //p' "$file"; } | xxd -r -p >"$corpus/$(basename "$file" .hex)"
done
Fuzz/.build/CompressionFuzz -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=2048 \
    -artifact_prefix=Fuzz/CompressionFailCases/ "$corpus"

corpus=Fuzz/.build/WebSocketCorpus
mkdir -p "$corpus"
# The first byte chooses pieces and whether an upgrade comes first: here frames, then a request.
printf '\007\202\203\001\002\003\004\020\014\000\211\200\000\000\000\000\210\202\000\000\000\000\003\350' >"$corpus/frames"
printf '\006GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n' \
    >"$corpus/upgrade"
Fuzz/.build/WebSocketFuzz -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=2048 \
    -artifact_prefix=Fuzz/WebSocketFailCases/ "$corpus"

corpus=Fuzz/.build/HTTPCorpus
mkdir -p "$corpus" Fuzz/HTTPFailCases
# The first byte chooses the size of the pieces in which the rest comes.
printf '\003POST /v1/publish/a?retain=true HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\n21.5\r\n0\r\n\r\nGET /v1/streams/s/records?filter=a/%%2B/%%23&from=-1h HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nConnection: close\r\n\r\nxx' \
    >"$corpus/requests"
Fuzz/.build/HTTPFuzz -max_total_time="$seconds" -max_len=2048 -timeout=5 -rss_limit_mb=2048 \
    -artifact_prefix=Fuzz/HTTPFailCases/ "$corpus"

mkdir -p Fuzz/PayloadFailCases
for format in json cbor sparkplug-b delimited number text; do
    corpus=Fuzz/.build/PayloadCorpus/$format
    mkdir -p "$corpus"
    case $format in
    json)
        printf '{"a":21.5,"b":-7,"c":"on","d":true,"e":[1.5,{"x":2}],"f":"2026-01-01T00:00:00Z","g":{"h":{"i":"\\u00e9"}}}' \
            >"$corpus/reading"
        printf '[1e400,-0,"\\ud83d\\ude00",null,{"a":1,"a":2}]' >"$corpus/odd"
        ;;
    delimited) printf '21.5,7,"o""n",true,1,2,2026-01-01T00:00:00Z,x\r\n' >"$corpus/line" ;;
    number) printf ' -12.5e-3\n' >"$corpus/number" ;;
    text) printf 'on \303\251' >"$corpus/text" ;;
    *)
        grep -v '^#' "Tests/PayloadFormatsTests/Vectors/${format%-b}.txt" | while read -r name bytes; do
            printf '%s' "$bytes" | xxd -r -p >"$corpus/$name"
        done
        ;;
    esac
    PAYLOAD_FORMAT=$format Fuzz/.build/PayloadFuzz -max_total_time="$seconds" -max_len=1024 -timeout=5 \
        -rss_limit_mb=2048 -artifact_prefix="Fuzz/PayloadFailCases/$format-" "$corpus"
done

corpus=Fuzz/.build/AccessCorpus
mkdir -p "$corpus" Fuzz/AccessFailCases
# The first byte chooses what the rest is.
printf '\000user u\ntopic read a/#\ntopic deny a/b\npattern %%u/%%c/+\n' >"$corpus/rules"
printf '\001u:$7$1$AQID$%s==\nu:SCRAM-SHA-256$4096:AQ==$%s=:%s=\n' "$(printf 'A%.0s' $(seq 86))" \
    "$(printf 'A%.0s' $(seq 43))" "$(printf 'A%.0s' $(seq 43))" >"$corpus/passwords"
printf '\002id:00ff\n' >"$corpus/keys"
printf '\003n,,n=u,r=c\nc=biws,r=cs,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' >"$corpus/scram"
printf '\004\000u\000p' >"$corpus/plain"
printf '\005{"sub":"u","exp":1,"roles":["a"],"pub":["a/#"]}' >"$corpus/token"
printf '\006{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}' \
    >"$corpus/set"
printf '\007{"a":[1,-2.5e3,"\\ud83d\\ude00",null,true]}' >"$corpus/json"
exec Fuzz/.build/AccessFuzz -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=2048 \
    -artifact_prefix=Fuzz/AccessFailCases/ "$corpus"
