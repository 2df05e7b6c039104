import Administration
import HTTPWire
import LogInterface
import RecordFormat
import SluiceBroker
import SluiceCore

/// One request for records of a stream: a cursor in each partition, one after the other, up to an end.
///
/// Isolation: its loop's thread.
final class RecordRead {
    let exchange: Exchange
    let stream: String
    var filter: RecordFilter
    let form: Form
    /// How many records are still wanted.
    var left: Int
    var lanes: [Lane]
    /// The partition that is read.
    var current = 0
    /// Records that were told of.
    private(set) var count = 0
    /// When a request that has found nothing is answered, by the loop's clock; nil when it does not wait.
    let deadline: Int64?
    /// The times that it starts and ends at, where it was given times.
    var startTime: Timestamp?
    var endTime: Timestamp?
    /// Whether it waits for records to come.
    var isParked = false
    /// What was written of the answer's documents.
    var text = ByteBuffer()
    /// The only record of `raw`.
    var only: RecordSight?
    /// What is done with the records instead of answering with them.
    var completion: ((RecordRead) -> Void)?

    /// A partition's part of it.
    struct Lane {
        let number: Int
        var offset: Offset
        /// Nil until it is known.
        var end: Offset?
        var cursor: PartitionCursor
        /// The look-up of the start, while that is under way.
        var startLookup: UInt64?
        /// Whether a record of the start's time or later was seen: all that follow are wanted.
        var hasStarted = false
        /// Whether its end is where the partition ends, and moves with it.
        var isOpen: Bool

        var isResolved: Bool { startLookup == nil }
        var isOver: Bool { end.map { offset >= $0 } ?? false }
    }

    /// How records are told of.
    enum Form: String, CaseIterable {
        /// One document with an array, and where to go on.
        case json
        /// A document for each record, a line each.
        case ndjson
        /// The payload of one record.
        case raw
    }

    /// Bytes of a document with an array at most; what is left comes with the next request.
    static let documentByteCountMax = 16 << 20

    init(
        _ exchange: Exchange, _ stream: String, _ filter: RecordFilter, _ form: Form, limit: Int, lanes: [Lane],
        deadline: Int64?
    ) {
        self.exchange = exchange
        self.stream = stream
        self.filter = filter
        self.form = form
        left = limit
        self.lanes = lanes
        self.deadline = deadline
    }

    /// Where to go on.
    var next: String { PositionVector.text(lanes.map { (number: $0.number, offset: $0.offset) }) }

    /// Whether every partition was read to its end.
    var isAtEnd: Bool { lanes.allSatisfy(\.isOver) }

    /// Whether there is room for more in memory and in the socket.
    var hasRoom: Bool { form == .json ? text.count < Self.documentByteCountMax : exchange.hasRoom }

    /// Whether a record lies at the end's time or later, as the first of its partition: then its partition ends there.
    func isBeyond(_ time: Timestamp, _ lane: Int, _ offset: Offset) -> Bool {
        guard let endTime, time >= endTime else { return false }
        lanes[lane].end = offset
        return true
    }

    /// Whether a record is not before the start: what the log's index leads to may lie a little before it.
    func hasStarted(_ time: Timestamp, _ lane: Int) -> Bool {
        if let startTime, !lanes[lane].hasStarted, time < startTime { return false }
        lanes[lane].hasStarted = true
        return true
    }

    /// Takes a record.
    func take(_ sight: RecordSight) {
        assert(left > 0)
        left -= 1
        count += 1
        switch form {
        case .raw: only = sight
        case .json, .ndjson:
            if form == .json, count > 1 { text.append(UInt8(ascii: ",")) }
            sight.appendJSON(to: &text)
            if form == .ndjson { text.append(UInt8(ascii: "\n")) }
        }
    }

    /// Sends what has gathered of an answer in pieces.
    func flush() {
        guard form == .ndjson, !text.isEmpty else { return }
        if exchange.phase == .waiting { exchange.begin("application/x-ndjson", isEndless: false) }
        exchange.write(text.bytes)
        text.removeAll()
    }

    /// Answers, or ends the answer.
    func finish() {
        if let completion {
            self.completion = nil
            return completion(self)
        }
        switch form {
        case .json:
            var document = ByteBuffer()
            document.append(utf8: "{\"records\":[")
            document.append(text.bytes)
            document.append(utf8: "],\"next\":")
            JSONText.append(next, to: &document)
            document.append(utf8: ",\"isAtEnd\":\(isAtEnd)}\n")
            let bytes = Array(copying: document.bytes)
            exchange.respond(.ok, "application/json", bytes, fields: [("Sluice-Next", next)])
        case .ndjson:
            flush()
            if exchange.phase == .waiting { exchange.begin("application/x-ndjson", isEndless: false) }
            exchange.end(trailers: [("Sluice-Next", next)])
        case .raw: finishRaw()
        }
    }

    /// Hands out the records as documents; of a read with `completion`, whose form is `json`.
    func takeDocuments() -> [JSON] {
        var list = ByteBuffer()
        var taken = ByteBuffer()
        swap(&taken, &text)
        list.append(UInt8(ascii: "["))
        list.append(taken.bytes)
        list.append(UInt8(ascii: "]"))
        return JSONReader.read(Array(copying: list.bytes))?.elements ?? []
    }

    private func finishRaw() {
        guard let only else {
            return exchange.fail(
                HTTPFault(.notFound, "there is no such record"), fields: [("Sluice-Next", next)])
        }
        let bytes = only.batch.bytes
        let payload = only.view.value.map { Array(copying: bytes.extracting($0.indices)) } ?? []
        var fields = [
            ("Sluice-Offset", "\(only.partitionNumber):\(only.offset.rawValue)"),
            ("Sluice-Timestamp", String(only.time.rawValue * 1000)), ("Sluice-Next", next),
        ]
        if let topic = only.topic {
            fields.append(("Sluice-Topic", RequestTarget.encoded(String(decoding: topic, as: UTF8.self))))
        }
        if let key = only.view.key {
            let text = String(decoding: Array(copying: bytes.extracting(key.indices)), as: UTF8.self)
            fields.append(("Sluice-Key", RequestTarget.encoded(text)))
        }
        exchange.respond(.ok, "application/octet-stream", payload, fields: fields)
    }
}

/// The reads of one endpoint.
struct RecordReads {
    var all: [ObjectIdentifier: RecordRead] = [:]
    /// Who waits for an answer of the log, by its number.
    var waiting: [UInt64: Waiter] = [:]
    /// The parked ones with a time at which they are answered.
    var parked: [ObjectIdentifier: RecordRead] = [:]

    /// Who waits for an answer of the log.
    enum Waiter {
        case start(RecordRead, lane: Int)
        case records(RecordRead, lane: Int)
        case tail(Tail, lane: Int)
        case age(LagWatch.Place, Offset)
    }

    var earliestDeadline: Int64? { parked.values.compactMap(\.deadline).min() }
}
