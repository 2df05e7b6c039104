import Administration
import CommitLogPosix
import DeviceProfiles
import EventLoop
import Glibc
import HTTPBroker
import LogTools
import PayloadFormats
import SluiceConfiguration
import SluiceCore
import SluiceNode
import Synchronization

/// What the process knows beside its loops, for whoever asks over HTTP.
///
/// Isolation: any thread.
final class HTTPDesk: HTTPNode {
    private let configurationInForce: Mutex<Configuration>
    private let memory = ProcessMemory()

    private let log = Mutex<LogRuntime?>(nil)
    private let found = Mutex<[(number: UInt64, answer: PastStateAnswer)]>([])
    private let readers = WorkQueue(name: "sluice-state", threadCount: 1, capacity: 32, sourceCapacity: 32)

    init(_ configuration: Configuration) { configurationInForce = Mutex(configuration) }

    /// Tells of an engine, too.
    func follow(_ log: LogRuntime) { self.log.withLock { $0 = log } }

    /// Puts another configuration in force.
    func follow(_ configuration: Configuration) { configurationInForce.withLock { $0 = configuration } }

    /// Free bytes below which a data directory is about to fill up.
    private static let scarceBytes: UInt64 = 256 << 20

    var unready: [String] {
        guard let free = freeBytes, free < Self.scarceBytes else { return [] }
        return ["the data directory's file system has \(free >> 20) MiB left"]
    }

    var diskFreeBytes: Int64? { freeBytes.map { Int64(clamping: $0) } }

    func explain(topic: String) -> JSON {
        let configuration = configurationInForce.withLock { $0 }
        do {
            return try ExplainCommand.document(of: topic, configuration)
        } catch {
            return .members(["error": .string("\(error)")])
        }
    }

    /// Reads the data directory, on a thread of its own: the indexes lead to the last record of each topic.
    func findState(
        _ filter: [UInt8], at time: Int64, number: UInt64, wake: @escaping @Sendable () -> Void
    ) -> Bool {
        let directory = configurationInForce.withLock { $0.dataDirectory }
        return readers.submit(from: "") { [self] in
            let answer: PastStateAnswer
            do {
                var state = PastState(try InspectedPlace(directory), stream: nil, filter: filter, at: time)
                try state.read()
                answer = .found(state.values.map { ($0.topic, StateCommand.json($0)) })
            } catch {
                answer = .failed("the state cannot be read: \(error)")
            }
            found.withLock { $0.append((number, answer)) }
            wake()
        }
    }

    func takeStates() -> [(number: UInt64, answer: PastStateAnswer)] {
        found.withLock { found in
            defer { found = [] }
            return found
        }
    }

    var configuration: JSON {
        let configuration = configurationInForce.withLock { $0 }
        return ConfigurationDocument.json(configuration)
    }

    var figures: [MetricFamily] {
        var families: [MetricFamily] = []
        if let commits = log.withLock({ $0?.commits }) {
            families += [
                .histogram(
                    "sluice_commit_seconds", "What a commit takes: the write, and the wait for the device.",
                    commits.time),
                .counter("sluice_commits", "Groups of appends that were written to the journal.", commits.groupCount),
                .counter("sluice_commit_bytes", "Bytes of records in them.", commits.byteCount),
            ]
        }
        if let free = freeBytes {
            families.append(
                .gauge("sluice_disk_free_bytes", "Free bytes where the data directory is.", free))
        }
        var usage = rusage()
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            let seconds = { (time: timeval) in Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000 }
            families.append(
                MetricFamily(
                    "process_cpu_seconds", .counter, "Processor time of the process.",
                    [.init(seconds(usage.ru_utime) + seconds(usage.ru_stime), suffix: "_total")]))
        }
        if let bytes = memory.residentBytes {
            families.append(
                .gauge("process_resident_memory_bytes", "Memory of the process that is resident.", bytes))
        }
        return families
    }

    var logMemoryBytes: Int { log.withLock { $0 }?.tailByteCount ?? 0 }

    var heapBytes: UInt64? { memory.ownBytes }

    private var freeBytes: UInt64? {
        var space = statvfs()
        guard statvfs(configurationInForce.withLock { $0.dataDirectory }, &space) == 0 else { return nil }
        return UInt64(space.f_bavail) * UInt64(space.f_frsize)
    }
}

/// A configuration as it was understood, as a document: what holds, defaults included; no secrets, which are in files
/// of their own.
enum ConfigurationDocument {
    static func json(_ configuration: Configuration) -> JSON {
        let listeners = configuration.listeners.addresses.map { kind, address in
            JSON.members(["kind": .string(kind.rawValue), "address": .string("\(address)")])
        }
        let bridges = configuration.bridges.map { JSON.string($0.name) }
        return .members([
            "data": .string(configuration.dataDirectory),
            "loops": .integer(Int64(configuration.loopCount)),
            "listeners": .array(listeners),
            "streams": .array(configuration.streams.map(stream)),
            "rules": .array(configuration.rules.map(rule)),
            "profiles": .array(configuration.profiles.map(profile)),
            "bridges": .array(bridges),
        ])
    }

    private static func rule(_ rule: RuleSettings) -> JSON {
        .members([
            "from": .string(rule.from), "stream": .string(rule.stream), "key": text(rule.key),
            "line": .integer(Int64(rule.fromLocation.line)),
        ])
    }

    private static func text(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }

    private static func stream(_ stream: StreamSettings) -> JSON {
        .members([
            "name": .string(stream.name), "partitions": .integer(Int64(stream.partitionCount)),
            "durability": .string(stream.durability.text), "retention": .string(stream.retention.text),
            "downlink": text(stream.downlink),
        ])
    }

    private static func profile(_ profile: DeviceProfile) -> JSON {
        let messages = profile.messages.map { message in
            let fields = message.schema.fields.map { field in
                JSON.members([
                    "name": .string(field.name), "type": .string(field.type.word), "unit": text(field.unit),
                ])
            }
            return JSON.members([
                "format": .string(message.schema.format.rawValue), "fields": .array(fields),
            ])
        }
        return .members([
            "name": .string(profile.name), "stream": .string(profile.stream),
            "badPayload": .string(profile.badPayload.rawValue), "messages": .array(messages),
        ])
    }
}
