#!/bin/sh
# Builds the fuzzers into Fuzz/.build; run them with `Fuzz/run.sh [seconds]`.
#
# A script rather than a package, because the modules under test are `package` inside and only the compiler's own
# -package-name lets another build see them.
set -eu
cd "$(dirname "$0")/.."
out=Fuzz/.build
mkdir -p "$out"
module() {
    name=$1
    shift
    swiftc -parse-as-library -O -g -wmo -enforce-exclusivity=checked -swift-version 6 -package-name sluice \
        -enable-experimental-feature Lifetimes -enable-upcoming-feature InternalImportsByDefault \
        -enable-upcoming-feature MemberImportVisibility -enable-upcoming-feature ExistentialAny \
        -assert-config Debug -sanitize=fuzzer,address -module-name "$name" -I "$out" \
        -I Sources/System/CISAL -I Sources/System/CXXHash -I Sources/System/CZlib -I Sources/System/CSnappy \
        -I Sources/System/CLZ4 -I Sources/System/CZstd -I Sources/System/COpenSSL -I Sources/System/CWslay \
        -I Sources/System/CArgon2 -I Sources/System/CCBOR -I "$out/CSimdJSON" "$@"
}
for name in SluiceCore MQTTWire HTTPWire Checksums Compression RecordFormat Cryptography; do
    module "$name" -emit-module -emit-module-path "$out/$name.swiftmodule" -emit-object -o "$out/$name.o" \
        Sources/"$name"/*.swift
done
module PacketDecoderFuzz -use-ld=lld -emit-executable -o "$out/PacketDecoderFuzz" Fuzz/PacketDecoderFuzz.swift \
    "$out/SluiceCore.o" "$out/MQTTWire.o"
module KafkaWire -emit-module -emit-module-path "$out/KafkaWire.swiftmodule" -emit-object -o "$out/KafkaWire.o" \
    Sources/KafkaWire/*.swift Sources/KafkaWire/Generated/*.swift
module KafkaWireFuzz -use-ld=lld -emit-executable -o "$out/KafkaWireFuzz" Fuzz/KafkaWireFuzz.swift \
    "$out/SluiceCore.o" "$out/KafkaWire.o"
module CompressionFuzz -use-ld=lld -emit-executable -o "$out/CompressionFuzz" Fuzz/CompressionFuzz.swift \
    "$out/SluiceCore.o" "$out/Checksums.o" "$out/Compression.o" "$out/RecordFormat.o"
# Of SluiceTransport what is sans-IO; the rest needs the event loop.
module SluiceTransport -emit-module -emit-module-path "$out/SluiceTransport.swiftmodule" -emit-object \
    -o "$out/SluiceTransport.o" Sources/SluiceTransport/WebSocket/*.swift
module WebSocketFuzz -use-ld=lld -emit-executable -o "$out/WebSocketFuzz" Fuzz/WebSocketFuzz.swift \
    "$out/SluiceCore.o" "$out/HTTPWire.o" "$out/Cryptography.o" "$out/SluiceTransport.o"
module HTTPFuzz -use-ld=lld -emit-executable -o "$out/HTTPFuzz" Fuzz/HTTPFuzz.swift \
    "$out/SluiceCore.o" "$out/HTTPWire.o"
for name in Administration Speaking TopicRouting; do
    module "$name" -emit-module -emit-module-path "$out/$name.swiftmodule" -emit-object -o "$out/$name.o" \
        Sources/"$name"/*.swift
done
module AccessControl -emit-module -emit-module-path "$out/AccessControl.swiftmodule" -emit-object \
    -o "$out/AccessControl.o" Sources/AccessControl/*/*.swift
module AccessFuzz -use-ld=lld -emit-executable -o "$out/AccessFuzz" Fuzz/AccessFuzz.swift \
    "$out/SluiceCore.o" "$out/Checksums.o" "$out/Cryptography.o" "$out/Administration.o" "$out/Speaking.o" \
    "$out/TopicRouting.o" "$out/AccessControl.o"
# simdjson's face is C++, and SwiftPM makes its module map.
mkdir -p "$out/CSimdJSON"
echo "module CSimdJSON { header \"$PWD/Sources/System/CSimdJSON/include/CSimdJSON.h\" export * }" \
    >"$out/CSimdJSON/module.modulemap"
clang++ -O2 -g -std=c++17 -DSIMDJSON_EXCEPTIONS=0 -fsanitize=address,fuzzer-no-link -c Sources/System/CSimdJSON/json.cpp \
    -o "$out/CSimdJSON/json.o"
module PayloadFormats -enable-testing -emit-module -emit-module-path "$out/PayloadFormats.swiftmodule" -emit-object \
    -o "$out/PayloadFormats.o" Sources/PayloadFormats/*.swift Sources/PayloadFormats/*/*.swift
module PayloadFuzz -use-ld=lld -emit-executable -o "$out/PayloadFuzz" Fuzz/PayloadFuzz.swift \
    "$out/SluiceCore.o" "$out/PayloadFormats.o" "$out/CSimdJSON/json.o" -lsimdjson -lstdc++ -lm
