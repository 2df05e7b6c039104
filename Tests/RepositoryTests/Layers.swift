import Foundation

/// The arrows of style §1: which modules each target may import. A change here needs an ADR.
enum Layers {
    /// Direct arrows. A target may import what its arrows reach, except for C modules beyond its own arrows.
    static let arrows: [String: [String]] = [
        "Checksums": ["CISAL", "CXXHash"],
        "Compression": ["CZlib", "CSnappy", "CLZ4", "CZstd"],
        "Cryptography": ["SluiceCore", "COpenSSL", "CArgon2"],
        "SluiceCore": [],
        "PayloadFormats": ["SluiceCore", "CSimdJSON", "CCBOR"],
        "RegularExpressions": ["CRE2"],
        "Speaking": ["SluiceCore"],
        "RecordFormat": ["SluiceCore", "Checksums", "Compression"],
        "MQTTWire": ["SluiceCore"],
        "KafkaWire": ["RecordFormat"],
        "KafkaWireGenerator": [],
        "HTTPWire": ["SluiceCore"],
        "TopicRouting": ["SluiceCore", "Checksums"],
        "DeviceProfiles": ["TopicRouting", "PayloadFormats"],
        "AccessControl": ["TopicRouting", "Speaking", "Administration"],
        "MQTTSession": ["MQTTWire"],
        "Administration": ["SluiceCore"],
        "LogInterface": ["RecordFormat"],
        "CommitLog": ["LogInterface"],
        "GroupCoordination": ["RecordFormat"],
        "Bridging": ["TopicRouting", "RecordFormat"],
        "SluiceBroker": [
            "Checksums", "Compression", "Cryptography", "SluiceCore", "RecordFormat", "MQTTWire",
            "TopicRouting",
            "DeviceProfiles", "AccessControl", "MQTTSession", "LogInterface", "GroupCoordination", "Bridging",
            "Speaking", "Administration",
        ],
        "KafkaBroker": [
            "KafkaWire", "AccessControl", "LogInterface", "GroupCoordination", "Speaking", "RegularExpressions",
        ],
        "Dashboard": [],
        "HTTPBroker": ["HTTPWire", "SluiceBroker", "Dashboard"],
        "CommitLogPosix": ["CommitLog", "CLinux"],
        "BridgeClients": ["Bridging", "Cryptography", "CMosquitto", "CRdKafka"],
        "EventLoop": ["SluiceCore", "CUv", "CLinux"],
        "SluiceTransport": ["Speaking", "EventLoop", "Cryptography", "HTTPWire", "CWslay"],
        "SluiceNode": ["SluiceBroker", "KafkaBroker", "HTTPBroker", "SluiceTransport", "AccessControl"],
        "LogTools": ["CommitLogPosix", "SluiceBroker"],
        "SluiceConfiguration": ["SluiceCore", "AccessControl", "DeviceProfiles", "CYAML"],
        "SluiceTesting": sansIO.filter { $0 != "SluiceTesting" },
        "sluice": [
            "SluiceBroker", "KafkaBroker", "HTTPBroker", "CommitLogPosix", "LogTools", "BridgeClients", "EventLoop",
            "SluiceTransport", "SluiceNode",
            "SluiceConfiguration",
        ],
    ]

    /// Targets that touch nothing outside the process.
    static let sansIO = [
        "Checksums", "Compression", "Cryptography", "SluiceCore", "PayloadFormats", "Speaking", "Administration",
        "RecordFormat", "RegularExpressions",
        "MQTTWire", "KafkaWire", "HTTPWire",
        "TopicRouting",
        "DeviceProfiles", "AccessControl", "MQTTSession", "LogInterface", "CommitLog", "GroupCoordination", "Bridging",
        "SluiceBroker", "KafkaBroker", "HTTPBroker",
    ]

    /// The C target that fills gaps in Glibc's overlay; everybody may see what an arrow reaches.
    static let sharedC = "CLinux"

    /// What comes with the toolchain.
    private static let standard: Set<String> = ["Swift"]
    private static let system: Set<String> = [
        "Swift", "Glibc", "Synchronization", "Foundation", "FoundationEssentials",
    ]

    static func isC(_ module: String) -> Bool {
        let letters = Array(module)
        return letters.count > 1 && letters[0] == "C" && letters[1].isUppercase
    }

    /// Our modules that `target` may import.
    static func reachable(from target: String) -> Set<String> {
        let direct = arrows[target] ?? []
        var reached = Set(direct)
        var pending = direct
        while let module = pending.popLast() {
            for next in arrows[module] ?? [] where !reached.contains(next) && (!isC(next) || next == sharedC) {
                reached.insert(next)
                pending.append(next)
            }
        }
        return reached
    }

    /// The modules that `file` imports, with their lines.
    static func imports(of file: Repository.File) throws -> [(module: String, line: Int)] {
        let pattern = try Regex(
            #"^\s*(?:@[\w\(\)]+ )*(?:(?:public|package|internal|fileprivate|private) )?import "#
                + #"(?:(?:struct|class|enum|protocol|typealias|func|let|var) )?(\w+)"#,
            as: (Substring, Substring).self)
        return SourceText(file.text).codeLines.enumerated().compactMap { index, line in
            line.firstMatch(of: pattern).map { (String($0.output.1), index + 1) }
        }
    }

    /// Imports against the arrows.
    static func violations(of file: Repository.File) throws -> [Violation] {
        guard arrows[file.target] != nil else {
            return [Violation(file, "'\(file.target)' has no place in the layers")]
        }
        let ours = reachable(from: file.target)
        let toolchain = sansIO.contains(file.target) ? standard : system
        return try imports(of: file).compactMap { module, line in
            if ours.contains(module) || toolchain.contains(module) { return nil }
            let allowed = ours.union(toolchain).sorted().joined(separator: ", ")
            return Violation(file, line: line, "\(file.target) may not import \(module); it may import \(allowed)")
        }
    }

    /// C modules that more than one Swift target imports.
    static func sharedCModules(in files: [Repository.File]) throws -> [Violation] {
        var owners: [String: String] = [:]
        var violations: [Violation] = []
        for file in files {
            for (module, line) in try imports(of: file) where isC(module) && module != sharedC {
                if let owner = owners[module], owner != file.target {
                    violations.append(Violation(file, line: line, "\(module) is \(owner)'s; use its Swift face"))
                } else {
                    owners[module] = file.target
                }
            }
        }
        return violations
    }

    /// Imports that the manifest does not declare, and declarations that the arrows do not allow.
    static func undeclared(in files: [Repository.File], declared: [String: Set<String>]) throws -> [Violation] {
        var violations: [Violation] = []
        for file in files {
            guard let dependencies = declared[file.target] else {
                violations.append(Violation(file, "'\(file.target)' is no target of Package.swift"))
                continue
            }
            for (module, line) in try imports(of: file) where !system.contains(module) && !dependencies.contains(module)
            {
                violations.append(
                    Violation(file, line: line, "Package.swift does not declare \(module) for \(file.target)"))
            }
        }
        let manifest = Repository.File(path: "Package.swift", text: "")
        for (target, dependencies) in declared.sorted(by: { $0.key < $1.key }) {
            for dependency in dependencies.subtracting(reachable(from: target)).sorted() {
                violations.append(Violation(manifest, "\(target) may not depend on \(dependency)"))
            }
        }
        return violations
    }
}

/// What `swift package describe` says about the targets.
struct PackageDescription: Decodable {
    var targets: [Target]

    struct Target: Decodable {
        var name: String
        var type: String
        var path: String
        // The coding keys of SwiftPM's JSON.
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var module_type: String
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var target_dependencies: [String]?
    }

    /// The dependencies of each Swift target in Sources.
    var declared: [String: Set<String>] {
        var declared: [String: Set<String>] = [:]
        for target in targets where target.module_type == "SwiftTarget" && target.path.hasPrefix("Sources/") {
            declared[target.name] = Set(target.target_dependencies ?? [])
        }
        return declared
    }

    /// Asks SwiftPM, in a scratch directory of its own, since the build that runs the tests holds the other.
    static func read() throws -> PackageDescription {
        let scratch = FileManager.default.temporaryDirectory.appending(path: "sluice-describe-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: scratch) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "swift", "package", "--package-path", Repository.root.path, "--scratch-path", scratch.path, "describe",
            "--type",
            "json",
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let json = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return try JSONDecoder().decode(PackageDescription.self, from: json)
    }
}
