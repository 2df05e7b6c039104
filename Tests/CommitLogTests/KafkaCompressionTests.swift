import Compression
import Foundation
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@Suite("Kafka's own tool on compressed and merged batches", .serialized)
struct KafkaCompressionTests {
    @Test(
        "kafka-dump-log reads merged, sparse batches of every codec, record for record",
        .enabled(if: Kafka.isPresent, "needs ../shared/kafka or SLUICE_KAFKA_HOME, and java"),
        arguments: Codec.allCases)
    func dumps(_ codec: Codec) throws {
        let directory = try TemporaryDirectory()
        let history = Self.history()
        var merger = BatchMerger(recordByteCountMax: 4096, codec: codec)
        var merged: [RecordBatch] = []
        for batch in history {
            merged += try merger.append(batch) { record, _ in
                (batch.baseOffset.rawValue + Int64(record.offsetDelta)) % 3 != 1
            }
        }
        // A run of which nothing is kept ends the segment.
        let tail = Self.batch(from: 4000, count: 30)
        merged += try merger.append(tail) { _, _ in false }
        merged += merger.finish()
        // The batch that was removed whole keeps the span up to its end.
        #expect(merged.last?.nextOffset.rawValue == 4030)

        let file = "\(directory.path)/00000000000000000100.log"
        try Data(merged.flatMap { batch in batch.withUnsafeBytes { Array($0) } }).write(to: URL(fileURLWithPath: file))
        let dump = try Kafka.run(["dump-log", "--files", file, "--deep-iteration", "--print-data-log"])
        #expect(dump.status == 0)
        // The tool names each hole that compaction leaves, and nothing else.
        #expect(Self.complaints(dump.errors) == (try Self.holes(merged)))
        for complaint in ["Mismatches", "timestamp mismatch", "out of order", "Found invalid", "trailing"] {
            #expect(!dump.output.contains(complaint))
        }
        let lines = dump.output.split(separator: "\n")
        let batches = lines.filter { $0.hasPrefix("baseOffset:") }
        #expect(batches.count == merged.count)
        for (line, batch) in zip(batches, merged) {
            #expect(line.contains("isvalid: true"))
            #expect(line.contains("baseOffset: \(batch.baseOffset.rawValue) lastOffset: \(batch.lastOffset.rawValue) "))
            #expect(line.contains("count: \(batch.recordCount) "))
            #expect(line.contains("compresscodec: \(try batch.codec) "))
        }
        #expect(batches.contains { $0.contains("compresscodec: \(codec) ") })
        let records = lines.filter { $0.hasPrefix("| offset:") }
        let expected = try Self.lines(merged)
        #expect(records.count == expected.count)
        for (line, record) in zip(records, expected) {
            #expect(line.contains(record.position), "\(line)")
            #expect(line.hasSuffix(record.content), "\(line)")
        }
    }

    /// What the tool says of each record.
    private static func lines(_ batches: [RecordBatch]) throws -> [(position: String, content: String)] {
        var lines: [(String, String)] = []
        for batch in batches {
            let plain = try batch.decompressed(byteCountMax: 1 << 20)
            let bytes = plain.bytes
            var reader = RecordReader(plain)
            while let record = try reader.next(bytes) {
                let offset = plain.baseOffset.rawValue + Int64(record.offsetDelta)
                let timestamp = plain.header.baseTimestamp.rawValue + Int64(record.timestampDelta)
                let key = record.key.map { text(bytes, $0) }
                let value = record.value.map { text(bytes, $0) }
                lines.append(
                    (
                        "offset: \(offset) CreateTime: \(timestamp) ",
                        (key.map { " key: \($0)" } ?? "") + (value.map { " payload: \($0)" } ?? "")
                    ))
            }
        }
        return lines
    }

    private static func complaints(_ errors: String) -> [String] {
        errors.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private static func holes(_ batches: [RecordBatch]) throws -> [String] {
        var offsets: [Int64] = []
        for batch in batches {
            let plain = try batch.decompressed(byteCountMax: 1 << 20)
            var reader = RecordReader(plain)
            while let record = try reader.next(plain.bytes) {
                offsets.append(plain.baseOffset.rawValue + Int64(record.offsetDelta))
            }
        }
        return zip(offsets, offsets.dropFirst()).filter { $0 + 1 != $1 }.map { "\($0) is followed by \($1)" }
    }

    private static func text(_ bytes: Span<UInt8>, _ range: FieldRange) -> String {
        String(decoding: range.indices.map { bytes[$0] }, as: UTF8.self)
    }

    private static func history() -> [RecordBatch] {
        var random = SeededGenerator(seed: 12)
        var offset: Int64 = 100
        return (0..<150).map { _ in
            let batch = batch(from: offset, count: 1 + random.below(20))
            offset = batch.nextOffset.rawValue + (random.once(in: 10) ? Int64(random.below(50)) : 0)
            return batch
        }
    }

    /// Readings with tombstones, null keys and times that go back.
    private static func batch(from offset: Int64, count: Int) -> RecordBatch {
        var builder = RecordBatchBuilder()
        for number in Int(offset)..<Int(offset) + count {
            let key = number % 11 == 0 ? RecordFields.nullKey : RecordFields.key(Array("dev-\(number % 7)".utf8))
            let topic = Array("sensors/plant3/dev-\(number % 7)/telemetry".utf8)
            let headers = RecordFields.headers([RecordHeader(name: "mqtt.topic", value: topic)])
            let timestamp = Timestamp(rawValue: 1_767_225_600_000 + Int64(number * 7919 % 1000))
            if number % 13 == 0 {
                builder.appendTombstone(at: timestamp, keyField: key.span, headersField: headers.span)
            } else {
                let value = Array("{\"device\":\"dev-\(number % 7)\",\"seq\":\(number),\"status\":\"ok\"}".utf8)
                builder.append(at: timestamp, keyField: key.span, value: value.span, headersField: headers.span)
            }
        }
        let batch = builder.finish()
        batch.assign(Offset(rawValue: offset))
        return batch
    }
}
