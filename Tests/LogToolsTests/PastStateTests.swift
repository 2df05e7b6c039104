import CommitLog
import CommitLogPosix
import Compression
import Foundation
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@testable import LogTools

@Suite("The state at a moment")
struct PastStateTests {
    /// A record as it was published.
    private struct Published {
        var topic: String
        var timestamp: Int64
        var offset: Int64
    }

    /// A data directory with readings of forty devices in small segments, in the order in which they arrived.
    private final class World {
        let root = NSTemporaryDirectory() + "sluice-state-\(UUID().uuidString)"
        private(set) var published: [Published] = []
        private var byteCount = 0
        static let batchCount = 700

        init(isIndexed: Bool) throws {
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            var stream = StreamSettings(name: "mqtt")
            stream.policy.granuleBytesMax = 40_000
            stream.policy.sealing = .none
            let log = try LogRuntime(
                storage: PosixStorage(root: root), streams: [stream], settings: LogRuntimeSettings(),
                report: { _, _ in })
            let loop = TestLoop(log)
            var random = SeededGenerator(seed: 3)
            for number in 0..<Self.batchCount {
                let made = batch(number, &random)
                byteCount += made.byteCount
                let append = Append(
                    partition: log.streams[0].partitions[0], batch: made, isAwaited: true,
                    topicHashes: nil)
                #expect(loop.settle(log.append([append], from: loop.id)) == .stored)
            }
            if isIndexed { #expect(try waitUntilIndexed()) }
            log.stop()
            if !isIndexed { for name in try names(".topics") { try FileManager.default.removeItem(atPath: name) } }
        }

        deinit {
            do { try FileManager.default.removeItem(atPath: root) } catch { Issue.record("\(error)") }
        }

        /// Three readings of different devices; the last device sends only at the beginning.
        private func batch(_ number: Int, _ random: inout SeededGenerator) -> RecordBatch {
            var builder = RecordBatchBuilder()
            for part in 0..<3 {
                let device = number < 10 ? 39 : random.below(39)
                let topic = "plant\(device % 2)/dev\(device)/t"
                let time = Int64(number * 10 + part)
                let key = RecordFields.nullKey
                let headers = RecordFields.headers([RecordHeader(name: TopicHeader.name, value: Array(topic.utf8))])
                let value = Array("\(number * 3 + part)".utf8) + [UInt8](repeating: 0x2E, count: 100)
                builder.append(
                    at: Timestamp(rawValue: time), keyField: key.span, value: value.span,
                    headersField: headers.span)
                published.append(Published(topic: topic, timestamp: time, offset: Int64(published.count)))
            }
            return builder.finish()
        }

        func names(_ suffix: String) throws -> [String] {
            let folder = root + "/streams/mqtt-0"
            return try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(suffix) }.sorted()
                .map { folder + "/" + $0 }
        }

        /// Whether everything is in segments, and the index covers all of every one that is complete.
        private func waitUntilIndexed() throws -> Bool {
            let end = Date.now.addingTimeInterval(120)
            while Date.now < end {
                let storage = PosixStorage(inspecting: root)
                let sealed = try names(".log").dropLast().compactMap { path in
                    SegmentPaths.baseOffset(String(path.suffix(24)), suffix: ".log")
                }
                let isIndexed = try sealed.allSatisfy { base in
                    var batches = try LatestBatches(
                        storage, SegmentPaths(stream: "mqtt", number: 0), segment: base,
                        TopicSelection(topics: [Array("none".utf8)]), before: Offset(rawValue: .max))
                    defer { batches.close() }
                    return batches.next { _ in false } == nil
                }
                let written = try names(".log").reduce(0) { sum, name in
                    sum + (try FileManager.default.attributesOfItem(atPath: name)[.size] as? Int ?? 0)
                }
                if written == byteCount, sealed.count > 3, isIndexed { return true }
                // The indexer says nothing when it is done.
                _ = poll(nil, 0, 20)
            }
            return false
        }

        /// What the state must be: the last record of each topic before the first later one.
        func expected(_ time: Int64, _ matches: (String) -> Bool) -> [String] {
            var last: [String: Int64] = [:]
            for record in published {
                if record.timestamp > time { break }
                if matches(record.topic) { last[record.topic] = record.offset }
            }
            return last.sorted { $0.key < $1.key }.map { "\($0.key)@\($0.value)" }
        }

        func state(_ time: Int64, _ filter: String) throws -> PastState {
            var state = PastState(try InspectedPlace(root), stream: nil, filter: Array(filter.utf8), at: time)
            try state.read()
            #expect(state.findings.isEmpty, "\(state.findings)")
            return state
        }

        func found(_ time: Int64, _ filter: String) throws -> [String] {
            try state(time, filter).values.map { "\(String(decoding: $0.topic, as: UTF8.self))@\($0.offset)" }
        }
    }

    private func compare(_ world: World) throws {
        // Before everything, within a batch, between batches, the last record, behind everything.
        for time: Int64 in [-1, 0, 1, 9, 95, 1234, 3001, 5777, 6988, 6991, 6992, 99_999] {
            #expect(try world.found(time, "#") == world.expected(time) { _ in true }, "at \(time)")
            #expect(try world.found(time, "plant1/#") == world.expected(time) { $0.hasPrefix("plant1/") }, "at \(time)")
            #expect(try world.found(time, "+/dev7/t") == world.expected(time) { $0.contains("/dev7/") }, "at \(time)")
            #expect(
                try world.found(time, "plant1/dev39/t") == world.expected(time) { $0 == "plant1/dev39/t" }, "at \(time)"
            )
        }
    }

    @Test("The last value of each topic is the one that reading everything finds, with topic indexes")
    func indexed() throws {
        try compare(World(isIndexed: true))
    }

    @Test("It is without topic indexes, too, and where they are damaged")
    func notIndexed() throws {
        try compare(World(isIndexed: false))
        let damaged = try World(isIndexed: true)
        for (number, path) in try damaged.names(".topics").enumerated() {
            var bytes = try Data(contentsOf: URL(filePath: path))
            guard !bytes.isEmpty else { continue }
            bytes[bytes.count * (number % 10) / 10] ^= 0xFF
            try bytes.write(to: URL(filePath: path))
        }
        try compare(damaged)
    }

    @Test("What came before the last values is not read where the index can tell")
    func reads() throws {
        let world = try World(isIndexed: true)
        let everything = try world.names(".log").reduce(Int64(0)) { sum, name in
            sum + Int64(try FileManager.default.attributesOfItem(atPath: name)[.size] as? Int ?? 0)
        }
        // The device that fell silent: one batch at the very beginning, and the indexes on the way to it.
        let silent = try world.state(6000, "plant1/dev39/t")
        #expect(silent.values.map(\.offset) == [29])
        #expect(silent.byteCount < everything / 10, "\(silent.byteCount) of \(everything)")
        // Everybody's last values; the silent one's is looked for to the end by the dictionaries alone.
        let all = try world.state(6000, "#")
        #expect(all.values.count == 40)
        #expect(all.byteCount < everything / 4, "\(all.byteCount) of \(everything)")
    }
}
