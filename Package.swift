// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
    .enableUpcomingFeature("ExistentialAny"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
    .enableUpcomingFeature("InternalImportsByDefault"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
    .enableUpcomingFeature("MemberImportVisibility"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0461-async-function-isolation.md
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0470-isolated-conformances.md
    .enableUpcomingFeature("InferIsolatedConformances"),
    // Spans that a property returns; the feature behind the standard library's own.
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0456-stdlib-span-properties.md
    .enableExperimentalFeature("Lifetimes"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0443-warning-control-flags.md
    .treatAllWarnings(as: .error),
    // Lets the optimiser see through the small modules on the publish path; a package that is only a root may ask for it.
    // Exclusive access is checked at compile time everywhere and at run time in debug builds, where all tests run; in release
    // builds the run-time checks of class properties took a tenth of a publish.
    .unsafeFlags(["-cross-module-optimization", "-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// Sans-IO targets name each use of unsafe memory.
/// https://github.com/swiftlang/swift-evolution/blob/main/proposals/0458-strict-memory-safety.md
let sansIO = settings + [.strictMemorySafety()]

func system(_ name: String, _ pkgConfig: String?, _ package: String) -> Target {
    .systemLibrary(name: name, path: "Sources/System/\(name)", pkgConfig: pkgConfig, providers: [.apt([package])])
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

let package = Package(
    name: "sluice",
    products: [
        .executable(name: "sluice", targets: ["sluice"]),
        // Not shipped: makes Sources/KafkaWire/Generated.
        .executable(name: "kafka-wire-generator", targets: ["KafkaWireGenerator"]),
    ],
    targets: [
        system("CUv", "libuv", "libuv1-dev"),
        system("CISAL", "libisal", "libisal-dev"),
        system("CXXHash", "libxxhash", "libxxhash-dev"),
        system("CZlib", "zlib", "zlib1g-dev"),
        system("CSnappy", "snappy", "libsnappy-dev"),
        system("CLZ4", "liblz4", "liblz4-dev"),
        system("CZstd", "libzstd", "libzstd-dev"),
        system("CYAML", "yaml-0.1", "libyaml-dev"),
        system("COpenSSL", "openssl", "libssl-dev"),
        system("CArgon2", "libargon2", "libargon2-dev"),
        system("CWslay", nil, "libwslay-dev"),
        system("CCBOR", "libcbor", "libcbor-dev"),
        system("CMosquitto", "libmosquitto", "libmosquitto-dev"),
        .target(name: "CLinux", path: "Sources/System/CLinux"),
        // simdjson is C++: compiled here behind functions of C, with the library's own checks instead of exceptions.
        .target(
            name: "CSimdJSON", path: "Sources/System/CSimdJSON", cxxSettings: [.define("SIMDJSON_EXCEPTIONS", to: "0")],
            linkerSettings: [.linkedLibrary("simdjson")]),
        // RE2 is C++ as well.
        .target(name: "CRE2", path: "Sources/System/CRE2", linkerSettings: [.linkedLibrary("re2")]),

        .target(name: "Checksums", dependencies: ["CISAL", "CXXHash"], swiftSettings: sansIO),
        .target(
            name: "Compression", dependencies: ["CZlib", "CSnappy", "CLZ4", "CZstd"], swiftSettings: sansIO),
        .target(name: "SluiceCore", swiftSettings: sansIO),
        .target(name: "PayloadFormats", dependencies: ["SluiceCore", "CSimdJSON", "CCBOR"], swiftSettings: sansIO),
        .target(name: "RegularExpressions", dependencies: ["CRE2"], swiftSettings: sansIO),
        .target(name: "Speaking", dependencies: ["SluiceCore"], swiftSettings: sansIO),
        .target(name: "Cryptography", dependencies: ["SluiceCore", "COpenSSL", "CArgon2"], swiftSettings: sansIO),
        .target(
            name: "RecordFormat", dependencies: ["SluiceCore", "Checksums", "Compression"], swiftSettings: sansIO),
        .target(name: "MQTTWire", dependencies: ["SluiceCore"], swiftSettings: sansIO),
        .target(name: "KafkaWire", dependencies: ["SluiceCore"], swiftSettings: sansIO),
        .target(name: "HTTPWire", dependencies: ["SluiceCore"], swiftSettings: sansIO),
        .executableTarget(name: "KafkaWireGenerator", swiftSettings: settings),
        .target(name: "TopicRouting", dependencies: ["SluiceCore", "Checksums"], swiftSettings: sansIO),
        .target(
            name: "AccessControl",
            dependencies: ["Administration", "SluiceCore", "Checksums", "Speaking", "TopicRouting"],
            swiftSettings: sansIO),
        .target(
            name: "DeviceProfiles", dependencies: ["SluiceCore", "Checksums", "PayloadFormats", "TopicRouting"],
            swiftSettings: sansIO),
        .target(name: "MQTTSession", dependencies: ["SluiceCore", "MQTTWire"], swiftSettings: sansIO),
        .target(name: "Administration", dependencies: ["SluiceCore"], swiftSettings: sansIO),
        .target(
            name: "LogInterface", dependencies: ["SluiceCore", "Checksums", "Compression", "RecordFormat"],
            swiftSettings: sansIO),
        .target(
            name: "CommitLog",
            dependencies: ["SluiceCore", "Checksums", "Compression", "RecordFormat", "LogInterface"],
            swiftSettings: sansIO),
        .target(
            name: "GroupCoordination", dependencies: ["SluiceCore", "RecordFormat"], swiftSettings: sansIO),
        .target(
            name: "Bridging", dependencies: ["SluiceCore", "Checksums", "TopicRouting"], swiftSettings: sansIO),
        .target(
            name: "SluiceBroker",
            dependencies: [
                "AccessControl", "Administration", "DeviceProfiles", "PayloadFormats",
                "GroupCoordination", "Speaking",
                "SluiceCore", "Checksums", "RecordFormat", "MQTTWire", "TopicRouting", "MQTTSession", "LogInterface",
                "Bridging",
            ],
            swiftSettings: sansIO),
        .target(
            name: "KafkaBroker",
            dependencies: [
                "AccessControl",
                "SluiceCore", "Checksums", "Compression", "RecordFormat", "LogInterface", "GroupCoordination",
                "KafkaWire", "RegularExpressions",
                "Speaking",
            ],
            swiftSettings: sansIO),
        .target(
            name: "Dashboard", resources: [.embedInCode("Assets")], swiftSettings: settings),
        .target(
            name: "HTTPBroker",
            dependencies: [
                "AccessControl", "Administration", "Checksums", "Dashboard", "DeviceProfiles", "HTTPWire",
                "LogInterface",
                "MQTTWire",
                "RecordFormat", "SluiceBroker", "SluiceCore", "Speaking", "TopicRouting",
            ],
            swiftSettings: sansIO),
        .target(
            name: "CommitLogPosix",
            dependencies: ["SluiceCore", "RecordFormat", "LogInterface", "CommitLog", "CLinux"],
            swiftSettings: settings),
        .target(
            name: "BridgeClients", dependencies: ["Cryptography", "Bridging", "CMosquitto"],
            swiftSettings: settings),
        .target(name: "EventLoop", dependencies: ["SluiceCore", "CUv", "CLinux"], swiftSettings: settings),
        .target(
            name: "SluiceTransport",
            dependencies: ["SluiceCore", "HTTPWire", "Speaking", "Cryptography", "EventLoop", "CLinux", "CWslay"],
            swiftSettings: settings),
        .target(
            name: "SluiceNode",
            dependencies: [
                "AccessControl", "EventLoop",
                "SluiceCore", "Speaking", "Cryptography", "TopicRouting", "RecordFormat", "LogInterface",
                "GroupCoordination",
                "SluiceBroker", "KafkaBroker", "HTTPBroker", "HTTPWire", "SluiceTransport",
            ],
            swiftSettings: settings),
        .target(
            name: "SluiceConfiguration",
            dependencies: [
                "SluiceCore", "AccessControl", "DeviceProfiles", "PayloadFormats", "TopicRouting", "CYAML",
            ],
            swiftSettings: settings),
        .target(
            name: "LogTools",
            dependencies: [
                "Administration", "Checksums", "SluiceCore", "RecordFormat", "TopicRouting", "LogInterface",
                "CommitLog",
                "CommitLogPosix", "DeviceProfiles", "PayloadFormats", "SluiceBroker",
            ],
            swiftSettings: settings),
        .target(
            name: "SluiceTesting",
            dependencies: ["SluiceCore", "Compression", "RecordFormat", "LogInterface", "CommitLog"],
            swiftSettings: settings),
        .executableTarget(
            name: "sluice",
            dependencies: [
                "LogTools", "AccessControl", "DeviceProfiles", "PayloadFormats", "Speaking",
                "Administration",
                "Checksums", "Compression", "SluiceCore", "RecordFormat", "MQTTWire", "TopicRouting", "MQTTSession",
                "LogInterface", "CommitLog", "GroupCoordination",
                "SluiceBroker",
                "Cryptography", "CommitLogPosix", "EventLoop", "SluiceTransport", "SluiceNode", "SluiceConfiguration",
                "CLinux",
                "Bridging", "BridgeClients", "KafkaBroker", "KafkaWire", "HTTPBroker", "HTTPWire",
            ],
            swiftSettings: settings),

        tests("CompressionTests", ["Compression", "SluiceTesting"], resources: [.copy("Vectors")]),
        tests(
            "PayloadFormatsTests", ["PayloadFormats", "SluiceCore", "SluiceTesting"], resources: [.copy("Vectors")]),
        tests("RegularExpressionsTests", ["RegularExpressions"]),
        tests("MQTTWireTests", ["MQTTWire", "SluiceCore"], resources: [.copy("Vectors")]),
        tests(
            "KafkaWireTests",
            ["KafkaWire", "KafkaWireGenerator", "Administration", "SluiceCore", "SluiceTesting"],
            resources: [.copy("Vectors")]),
        tests("HTTPWireTests", ["HTTPWire", "SluiceCore", "SluiceTesting"]),
        tests("MQTTSessionTests", ["MQTTSession", "MQTTWire", "SluiceCore"]),
        tests("TopicRoutingTests", ["TopicRouting", "SluiceCore"]),
        tests(
            "AccessControlTests",
            [
                "AccessControl", "Administration", "Speaking", "SluiceCore", "SluiceNode", "SluiceTesting",
                "TopicRouting",
            ]),
        tests("RecordFormatTests", ["RecordFormat", "SluiceCore", "Checksums", "Compression", "SluiceTesting"]),
        tests(
            "LogInterfaceTests",
            [
                "LogInterface", "CommitLog", "CommitLogPosix", "RecordFormat", "Compression", "SluiceCore",
                "SluiceTesting",
            ]),
        tests(
            "CommitLogTests",
            [
                "LogInterface", "CommitLog", "CommitLogPosix", "RecordFormat", "Compression", "SluiceCore",
                "SluiceTesting", "TopicRouting", "GroupCoordination",
            ], resources: [.copy("Vectors")]),
        tests(
            "SluiceBrokerTests",
            [
                "AccessControl", "SluiceBroker", "Administration", "Compression", "GroupCoordination", "LogInterface",
                "CommitLog", "DeviceProfiles", "PayloadFormats",
                "RecordFormat", "MQTTWire",
                "TopicRouting",
                "SluiceCore", "Speaking", "SluiceTesting",
            ]),
        tests(
            "KafkaBrokerTests",
            [
                "AccessControl", "KafkaBroker", "KafkaWire", "GroupCoordination", "LogInterface", "RecordFormat",
                "Checksums",
                "Compression", "SluiceCore", "Speaking", "SluiceTesting",
            ]),
        tests(
            "HTTPBrokerTests",
            [
                "Administration", "HTTPBroker", "HTTPWire", "GroupCoordination", "LogInterface", "SluiceBroker",
                "SluiceCore", "Speaking", "SluiceTesting", "TopicRouting",
            ]),
        tests("AdministrationTests", ["Administration", "SluiceCore", "SluiceTesting"]),
        tests(
            "LogToolsTests",
            [
                "DeviceProfiles", "LogTools", "PayloadFormats", "SluiceBroker", "TopicRouting", "CommitLog",
                "CommitLogPosix", "LogInterface", "RecordFormat", "SluiceCore",
                "SluiceTesting",
            ]),
        tests(
            "BrokerSimulationTests",
            [
                "SluiceBroker", "GroupCoordination", "Bridging", "LogInterface", "CommitLog", "RecordFormat",
                "MQTTWire",
                "TopicRouting", "SluiceCore", "Speaking", "SluiceTesting",
            ]),
        tests("BridgingTests", ["Bridging", "SluiceCore", "SluiceTesting"]),
        tests("CryptographyTests", ["Cryptography", "SluiceCore"]),
        tests(
            "SluiceTransportTests",
            [
                "SluiceTransport", "HTTPWire", "SluiceTesting", "SluiceCore", "Speaking", "Cryptography", "EventLoop",
                "CLinux",
            ]),
        tests("SluiceCoreTests", ["SluiceCore", "SluiceTesting"]),
        tests("SpeakingTests", ["Speaking", "SluiceCore"]),
        tests(
            "SluiceNodeTests",
            [
                "SluiceNode", "SluiceTransport", "SluiceBroker", "LogInterface", "CommitLogPosix", "TopicRouting",
                "SluiceCore", "Speaking", "EventLoop", "CLinux",
            ]),
        tests("GroupCoordinationTests", ["GroupCoordination", "SluiceCore", "SluiceTesting"]),
        tests("DeviceProfilesTests", ["DeviceProfiles", "PayloadFormats", "TopicRouting", "SluiceCore"]),
        tests(
            "SluiceConfigurationTests",
            ["SluiceConfiguration", "AccessControl", "DeviceProfiles", "PayloadFormats", "Speaking", "SluiceCore"]),
        tests("RepositoryTests", ["SluiceCore"]),
        tests(
            "IntegrationTests",
            [
                "AccessControl", "Speaking", "SluiceNode",
                "CMosquitto", "CLinux", "LogInterface", "CommitLog", "CommitLogPosix", "Compression", "RecordFormat",
                "KafkaWire", "SluiceCore", "SluiceConfiguration",
            ],
            resources: [.copy("Scripts")]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
