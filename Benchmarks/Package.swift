// swift-tools-version: 6.2
import PackageDescription

// The targets under measurement are the root package's own sources, by symbolic links: so they are built with this package's name, and
// their package-level declarations can be called.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableExperimentalFeature("Lifetimes"),
    .unsafeFlags(["-cross-module-optimization", "-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

func sansIO(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings + [.strictMemorySafety()])
}

let package = Package(
    name: "benchmarks",
    targets: [
        .systemLibrary(name: "CISAL", path: "Sources/System/CISAL", pkgConfig: "libisal"),
        .systemLibrary(name: "CXXHash", path: "Sources/System/CXXHash", pkgConfig: "libxxhash"),
        .systemLibrary(name: "CZlib", path: "Sources/System/CZlib", pkgConfig: "zlib"),
        .systemLibrary(name: "CSnappy", path: "Sources/System/CSnappy", pkgConfig: "snappy"),
        .systemLibrary(name: "CLZ4", path: "Sources/System/CLZ4", pkgConfig: "liblz4"),
        .systemLibrary(name: "CZstd", path: "Sources/System/CZstd", pkgConfig: "libzstd"),
        .systemLibrary(name: "CCBOR", path: "Sources/System/CCBOR", pkgConfig: "libcbor"),
        .target(
            name: "CSimdJSON", path: "Sources/System/CSimdJSON", cxxSettings: [.define("SIMDJSON_EXCEPTIONS", to: "0")],
            linkerSettings: [.linkedLibrary("simdjson")]),
        .target(
            name: "CPayloadBound", cxxSettings: [.define("SIMDJSON_EXCEPTIONS", to: "0"), .unsafeFlags(["-O2"])],
            linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "CAllocationCount"),
        .target(name: "CLogBound", dependencies: ["CISAL"], cSettings: [.unsafeFlags(["-O2"])]),
        sansIO("Checksums", ["CISAL", "CXXHash"]),
        sansIO("Compression", ["CZlib", "CSnappy", "CLZ4", "CZstd"]),
        sansIO("SluiceCore", []),
        sansIO("PayloadFormats", ["SluiceCore", "CSimdJSON", "CCBOR"]),
        sansIO("Speaking", ["SluiceCore"]),
        sansIO("RecordFormat", ["SluiceCore", "Checksums", "Compression"]),
        sansIO("MQTTWire", ["SluiceCore"]),
        sansIO("TopicRouting", ["SluiceCore", "Checksums"]),
        sansIO("DeviceProfiles", ["SluiceCore", "Checksums", "PayloadFormats", "TopicRouting"]),
        sansIO("MQTTSession", ["SluiceCore", "MQTTWire"]),
        sansIO("Administration", ["SluiceCore"]),
        sansIO("AccessControl", ["Administration", "SluiceCore", "Checksums", "Speaking", "TopicRouting"]),
        sansIO("LogInterface", ["SluiceCore", "Checksums", "Compression", "RecordFormat"]),
        sansIO("CommitLog", ["SluiceCore", "Checksums", "Compression", "RecordFormat", "LogInterface"]),
        sansIO("GroupCoordination", ["SluiceCore", "RecordFormat"]),
        sansIO("Bridging", ["SluiceCore", "TopicRouting", "Checksums"]),
        sansIO(
            "SluiceBroker",
            [
                "AccessControl", "Administration", "DeviceProfiles", "PayloadFormats",
                "SluiceCore", "Checksums", "RecordFormat", "MQTTWire", "TopicRouting", "MQTTSession", "LogInterface",
                "GroupCoordination", "Bridging", "Speaking",
            ]),
        .target(name: "CLinux", path: "Sources/System/CLinux"),
        .target(
            name: "CommitLogPosix",
            dependencies: ["SluiceCore", "RecordFormat", "LogInterface", "CommitLog", "CLinux"],
            swiftSettings: settings),
        .executableTarget(
            name: "TopicIndexBenchmark",
            dependencies: [
                "SluiceCore", "RecordFormat", "LogInterface", "CommitLog", "CommitLogPosix", "TopicRouting",
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "EngineBenchmark",
            dependencies: [
                "CLogBound", "Compression", "SluiceCore", "RecordFormat", "LogInterface", "CommitLog", "CommitLogPosix",
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "Microbenchmarks",
            dependencies: [
                "AccessControl", "CAllocationCount", "CPayloadBound", "DeviceProfiles", "PayloadFormats", "SluiceCore",
                "Checksums",
                "RecordFormat", "MQTTWire",
                "TopicRouting", "MQTTSession",
                "LogInterface", "CommitLog", "GroupCoordination", "SluiceBroker", "Speaking",
            ], swiftSettings: settings),
        .executableTarget(
            name: "BatchCompression", dependencies: ["SluiceCore", "Compression", "RecordFormat"],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
