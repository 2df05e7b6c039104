import CommitLog
import CommitLogPosix
import LogInterface
import RecordFormat
import SluiceCore

/// A stream of one partition to which a fleet has published.
struct Fleet {
    var recordCount = 10_000_000
    var deviceCount = 10_000
    var recordsPerBatch = 32
    var payloadBytes = 490

    static let partition = PartitionID(rawValue: 0)

    static func topic(_ device: Int) -> [UInt8] {
        let digits = String(device)
        return Array("fleet/dev-\(String(repeating: "0", count: 5 - digits.utf8.count))\(digits)/telemetry".utf8)
    }

    static func open(_ path: String, indexed: Bool) throws -> LogRuntime {
        var stream = StreamSettings(name: "fleet")
        // Nothing is measured while it is filled; with `memory` the segments alone are written.
        stream.durability = .memory
        var settings = LogRuntimeSettings()
        if !indexed { settings.topicSectionBytes = 1 << 30 }
        return try LogRuntime(
            storage: PosixStorage(root: path), streams: [stream], settings: settings, report: { print($1) })
    }

    /// Publishes as devices do that report in turn, some early and some late.
    func fill(_ log: LogRuntime) throws {
        let reader = log.register(wake: {})
        var builder = RecordBatchBuilder()
        var state: UInt64 = 42
        var sent = 0
        let key = RecordFields.nullKey
        let headers = (0..<deviceCount).map {
            RecordFields.headers([RecordHeader(name: TopicHeader.name, value: Self.topic($0))])
        }
        var settlements: [Settlement] = []
        var payload = [UInt8](repeating: 0x20, count: payloadBytes)
        while sent < recordCount {
            for _ in 0..<recordsPerBatch {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let device = (sent + Int(state >> 40) % 2000) % deviceCount
                payload[sent % payloadBytes] = UInt8(truncatingIfNeeded: state >> 33)
                let field = headers[device]
                builder.append(
                    at: Timestamp(rawValue: Int64(sent)), keyField: key.span, value: payload.span,
                    headersField: field.span)
                sent += 1
            }
            let append = Append(
                partition: Self.partition, batch: builder.finish(), isAwaited: false, topicHashes: nil)
            _ = log.append([append], from: reader)
            log.takeSettlements(of: reader, into: &settlements)
            guard settlements.allSatisfy({ $0.outcome == .stored }) else { throw FillError() }
            settlements.removeAll(keepingCapacity: true)
            while log.isUnderPressure { MonotonicClock.pause() }
        }
    }

    struct FillError: Error {}
}

extension MonotonicClock {
    /// Gives way to the log's threads.
    static func pause() {
        let end = nanoseconds() + 1_000_000
        while nanoseconds() < end {}
    }
}

/// The log's state of a directory that is only read.
final class Snapshot: LogStateAccess {
    private var state: LogState

    init(_ segments: [SegmentInfo]) {
        let partition = PartitionState(
            id: Fleet.partition, streamIndex: 0, durability: .memory, segments: segments,
            end: segments.last?.nextOffset ?? .zero)
        state = LogState(partitions: [partition], nextLSN: LSN(rawValue: 1), limits: LogLimits())
    }

    func withState<Result>(_ body: (inout LogState) -> Result) -> Result { body(&state) }

    /// Nobody else works on the directory.
    func pause() {}
}
