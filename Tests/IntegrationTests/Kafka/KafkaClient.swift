import CLinux
import Foundation
import Glibc
import KafkaWire
import RecordFormat
import SluiceCore

/// A client of our own for Kafka's protocol, which does what a test dictates and nothing by itself.
///
/// Isolation: one thread's.
final class KafkaClient {
    /// The connection is gone: nothing is known of what was asked.
    struct Gone: Error {}
    /// An answer that a test does not expect.
    struct Unexpected: Error { let text: String }

    private let socket: Int32
    private var received: [UInt8] = []
    private var number: Int32 = 0

    init(port: Int) throws {
        socket = sluice_connect_tcp("127.0.0.1", String(port))
        guard socket >= 0 else { throw Gone() }
    }

    deinit { close(socket) }

    /// Sends a request.
    func send(_ request: some KafkaRequest, _ version: Int16) throws {
        number += 1
        var writer = KafkaWriter()
        try writer.writeFrame(request, correlationID: number, clientID: "crash", version: version)
        let span = writer.buffer.bytes
        let bytes = span.copy(ByteRange(start: 0, byteCount: span.count))
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { view in
                Glibc.send(socket, view.baseAddress.map { $0 + done }, bytes.count - done, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Gone() }
            done += count
        }
    }

    /// Takes the next answer, and gives its frame along.
    func take<Response: KafkaResponse>(
        _ version: Int16, within seconds: Double = 60
    ) throws -> (response: Response, frame: [UInt8]) {
        let frame = try takeFrame(Deadline(seconds))
        guard let api = KafkaAPI(rawValue: Response.key) else { throw Unexpected(text: "no such API") }
        var reader = KafkaReader(frame.span)
        _ = try reader.readResponseHeader(api, version: version)
        return (try Response(from: &reader, version: version), frame)
    }

    private func takeFrame(_ deadline: Deadline) throws -> [UInt8] {
        while true {
            if received.count >= 4 {
                let count = received[..<4].reduce(0) { $0 << 8 | Int($1) }
                if received.count >= 4 + count {
                    defer { received.removeFirst(4 + count) }
                    return Array(received[4..<4 + count])
                }
            }
            var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, deadline.milliseconds) > 0 else {
                if deadline.isOver { throw Unexpected(text: "no answer in time") }
                continue
            }
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            let count = recv(socket, &chunk, chunk.count, 0)
            guard count > 0 else { throw Gone() }
            received += chunk.prefix(count)
        }
    }

    /// Asks, and takes the answer.
    func ask<Response: KafkaResponse>(_ request: some KafkaRequest, _ version: Int16) throws -> Response {
        try send(request, version)
        return try take(version).response
    }

    // MARK: What tests ask

    /// A producer's number and epoch.
    func initProducer(_ name: String?) throws -> (id: Int64, epoch: Int16) {
        let request = InitProducerIDRequest(transactionalID: name, transactionTimeoutMs: 600_000)
        let response: InitProducerIDResponse = try ask(request, 4)
        guard response.errorCode == .none else { throw Unexpected(text: "InitProducerId: \(response.errorCode)") }
        return (response.producerID, response.producerEpoch)
    }

    func create(_ topic: String, partitions: Int32) throws {
        let wanted = CreateTopicsRequest.CreatableTopic(name: topic, numPartitions: partitions, replicationFactor: 1)
        let response: CreateTopicsResponse = try ask(CreateTopicsRequest(topics: [wanted], timeoutMs: 60_000), 5)
        guard response.topics.first?.errorCode == KafkaErrorCode.none else {
            throw Unexpected(text: "CreateTopics: \(response)")
        }
    }

    /// The request that appends one batch.
    static func production(_ topic: String, _ partition: Int32, _ batch: [UInt8], name: String?) -> ProduceRequest {
        ProduceRequest(
            transactionalID: name, acks: -1, timeoutMs: 60_000,
            topicData: [.init(name: topic, partitionData: [.init(index: partition, records: .bytes(batch))])])
    }

    /// A batch of values.
    static func batch(
        _ values: [String], _ producer: (id: Int64, epoch: Int16), sequence: Int32, isTransactional: Bool
    ) -> [UInt8] {
        var builder = RecordBatchBuilder()
        let headers = RecordFields.headers([])
        let now = Timestamp(rawValue: Int64(Date().timeIntervalSince1970 * 1000))
        for value in values {
            let (key, content) = (RecordFields.nullKey, Array(value.utf8))
            builder.append(at: now, keyField: key.span, value: content.span, headersField: headers.span)
        }
        let batch = builder.finish().with(
            producer: ProducerID(rawValue: producer.id), epoch: producer.epoch, baseSequence: sequence,
            isTransactional: isTransactional)
        let bytes = batch.bytes
        return bytes.copy(ByteRange(start: 0, byteCount: bytes.count))
    }

    /// What a reader of committed records sees in a partition.
    /// - Parameter isOpen: whether others still write, maybe in a transaction: then it ends where nothing more is had.
    func readCommitted(_ topic: String, _ partition: Int32, isOpen: Bool = false) throws -> [String] {
        var offset: Int64 = 0
        var values: [String] = []
        while true {
            let request = FetchRequest(
                maxWaitMs: 0, minBytes: 0, maxBytes: 8 << 20, isolationLevel: 1,
                topics: [
                    .init(
                        topic: topic,
                        partitions: [.init(partition: partition, fetchOffset: offset, partitionMaxBytes: 4 << 20)])
                ])
            try send(request, 11)
            let (response, frame): (FetchResponse, [UInt8]) = try take(11)
            guard let part = response.responses.first?.partitions.first, part.errorCode == .none else {
                throw Unexpected(text: "Fetch: \(response)")
            }
            let next = try Self.append(part, frame, to: &values, from: offset)
            guard next > offset else {
                guard isOpen || offset >= part.highWatermark else {
                    throw Unexpected(text: "\(topic)-\(partition) stops at \(offset) of \(part.highWatermark)")
                }
                return values
            }
            offset = next
        }
    }

    private static func append(
        _ part: FetchResponse.PartitionData, _ frame: [UInt8], to values: inout [String], from offset: Int64
    ) throws -> Int64 {
        var (position, next) = (offset, part.records.range.map { Array(frame[$0.indices]) } ?? [])
        var aborted = (part.abortedTransactions ?? []).sorted { $0.firstOffset < $1.firstOffset }
        var skipped: Set<Int64> = []
        while !next.isEmpty {
            guard let header = try RecordBatch.verify(next.span) else { break }
            let whole = Array(next[..<header.byteCount])
            let batch = RecordBatch(copying: whole.span, header)
            next.removeFirst(header.byteCount)
            while let first = aborted.first, first.firstOffset <= batch.lastOffset.rawValue {
                skipped.insert(first.producerID)
                aborted.removeFirst()
            }
            position = batch.nextOffset.rawValue
            if let endsWell = batch.endsWell {
                if !endsWell { skipped.remove(batch.producerID.rawValue) }
                continue
            }
            guard !(batch.isTransactional && skipped.contains(batch.producerID.rawValue)) else { continue }
            try append(batch, to: &values, from: offset)
        }
        return position
    }

    private static func append(_ batch: RecordBatch, to values: inout [String], from offset: Int64) throws {
        let bytes = batch.bytes
        var reader = RecordReader(batch)
        while let record = try reader.next(bytes) {
            guard let value = record.value, batch.baseOffset.rawValue + Int64(record.offsetDelta) >= offset else {
                continue
            }
            let content = bytes.extracting(value.indices)
            values.append(
                String(decoding: content.copy(ByteRange(start: 0, byteCount: content.count)), as: UTF8.self))
        }
    }
}
