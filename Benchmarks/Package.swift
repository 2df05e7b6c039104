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
        .target(name: "CAllocationCount"),
        sansIO("Checksums", ["CISAL", "CXXHash"]),
        sansIO("SluiceCore", []),
        sansIO("RecordFormat", ["SluiceCore", "Checksums"]),
        sansIO("MQTTWire", ["SluiceCore"]),
        sansIO("TopicRouting", ["SluiceCore", "Checksums"]),
        sansIO("MQTTSession", ["SluiceCore", "MQTTWire"]),
        sansIO("CommitLog", ["SluiceCore", "Checksums", "RecordFormat"]),
        sansIO(
            "SluiceBroker",
            ["SluiceCore", "Checksums", "RecordFormat", "MQTTWire", "TopicRouting", "MQTTSession", "CommitLog"]),
        .target(name: "CLinux", path: "Sources/System/CLinux"),
        .target(
            name: "CommitLogPosix", dependencies: ["SluiceCore", "RecordFormat", "CommitLog", "CLinux"],
            swiftSettings: settings),
        .executableTarget(
            name: "TopicIndexBenchmark",
            dependencies: ["SluiceCore", "RecordFormat", "CommitLog", "CommitLogPosix", "TopicRouting"],
            swiftSettings: settings),
        .executableTarget(
            name: "Microbenchmarks",
            dependencies: [
                "CAllocationCount", "SluiceCore", "Checksums", "RecordFormat", "MQTTWire", "TopicRouting",
                "MQTTSession",
                "CommitLog", "SluiceBroker",
            ], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
