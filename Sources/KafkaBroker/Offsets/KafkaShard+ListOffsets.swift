import Compression
import GroupCoordination
import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore

/// Where in a partition a time is, or an end.
extension KafkaShard {
    /// Kafka's names of places, in the field of the time.
    private enum Place {
        static let latest: Int64 = -1
        static let earliest: Int64 = -2
        static let newestTime: Int64 = -3
        static let earliestLocal: Int64 = -4
        static let latestTiered: Int64 = -5
    }

    /// A request whose partitions are looked up one beside the other.
    private final class PendingList {
        let call: KafkaCall
        var response: ListOffsetsResponse
        var awaitedCount = 1

        init(_ call: KafkaCall, _ response: ListOffsetsResponse) {
            self.call = call
            self.response = response
        }
    }

    func listOffsets(_ request: ListOffsetsRequest, _ call: KafkaCall) {
        followTopics()
        var response = ListOffsetsResponse()
        response.topics = request.topics.map { topic in
            ListOffsetsResponse.ListOffsetsTopicResponse(
                name: topic.name,
                partitions: topic.partitions.map {
                    ListOffsetsResponse.ListOffsetsPartitionResponse(
                        partitionIndex: $0.partitionIndex, timestamp: -1, offset: -1, leaderEpoch: -1)
                })
        }
        let pending = PendingList(call, response)
        for (topicIndex, wanted) in request.topics.enumerated() {
            let topic = topic(wanted.name, .describe, call)
            let missing = missing(wanted.name, .describe, call)
            for (index, part) in wanted.partitions.enumerated() {
                pending.awaitedCount += 1
                locate(part, topic, missing, readsCommitted: request.isolationLevel != 0) { [unowned self] found in
                    fill(&pending.response.topics[topicIndex].partitions[index], found, call)
                    finish(pending)
                }
            }
        }
        finish(pending)
    }

    private func finish(_ pending: PendingList) {
        pending.awaitedCount -= 1
        if pending.awaitedCount == 0 { answer(pending.call, pending.response) }
    }

    /// What a look-up gives: an offset and the time of its record, -1 for none.
    typealias Located = Result<(offset: Int64, time: Int64), LookupFault>

    struct LookupFault: Error {
        var code: KafkaErrorCode
    }

    private func fill(
        _ answer: inout ListOffsetsResponse.ListOffsetsPartitionResponse, _ found: Located, _ call: KafkaCall
    ) {
        switch found {
        case .success(let found):
            answer.offset = found.offset
            answer.timestamp = found.time
            if call.version >= 4 { answer.leaderEpoch = found.offset < 0 ? -1 : Self.leaderEpoch }
        case .failure(let fault): answer.errorCode = fault.code
        }
    }

    private func locate(
        _ part: ListOffsetsRequest.ListOffsetsPartition, _ topic: Topic?, _ missing: KafkaErrorCode,
        readsCommitted: Bool,
        _ body: @escaping (Located) -> Void
    ) {
        guard let topic, let partition = topic.partition(part.partitionIndex) else {
            return body(.failure(LookupFault(code: missing)))
        }
        guard part.currentLeaderEpoch <= Self.leaderEpoch else {
            return body(.failure(LookupFault(code: .unknownLeaderEpoch)))
        }
        let bounds = log.bounds(partition)
        let place = StreamPartition(stream: topic.name, number: part.partitionIndex)
        let stable = readsCommitted ? peers.withTransactions { $0.firstOpen(in: place) } : nil
        // A record that such a client cannot have yet is none.
        let decided = { (found: Located) in
            guard let stable, case .success(let place) = found, place.offset >= stable.rawValue else {
                return body(found)
            }
            body(.success((-1, -1)))
        }
        switch part.timestamp {
        case Place.latest:
            body(.success((min(stable ?? bounds.highWatermark, bounds.highWatermark).rawValue, -1)))
        case Place.earliest, Place.earliestLocal: body(.success((bounds.start.rawValue, -1)))
        case Place.latestTiered: body(.success((-1, -1)))
        case Place.newestTime:
            guard let newest = log.newestTime(partition) else { return body(.success((-1, -1))) }
            look(for: newest, in: partition, decided)
        case 0...: look(for: Timestamp(rawValue: part.timestamp), in: partition, decided)
        case _: body(.failure(LookupFault(code: .unsupportedVersion)))
        }
    }

    /// Finds the first record of a time or later; nil when there is none, or it cannot be found.
    func first(since time: Timestamp, in partition: PartitionID, _ body: @escaping (Offset?) -> Void) {
        look(for: time, in: partition) { found in
            guard case .success(let found) = found, found.offset >= 0 else { return body(nil) }
            body(Offset(rawValue: found.offset))
        }
    }

    /// Finds the first record of a time or later.
    private func look(for time: Timestamp, in partition: PartitionID, _ body: @escaping (Located) -> Void) {
        find(partition, at: time) { [unowned self] read in
            if let fault = Self.fault(of: read) { return body(.failure(fault)) }
            look(for: time, in: partition, from: max(read.nextOffset, log.bounds(partition).start), body)
        }
    }

    private static func fault(of read: PartitionRead) -> LookupFault? {
        if read.isGone { return LookupFault(code: .unknownTopicOrPartition) }
        return read.isFailed ? LookupFault(code: .kafkaStorageError) : nil
    }

    private func look(
        for time: Timestamp, in partition: PartitionID, from start: Offset, _ body: @escaping (Located) -> Void
    ) {
        var offset = start
        while offset < log.bounds(partition).highWatermark {
            let tail = log.readTail(partition, from: offset, visibility: .durable, loop: loop, byteCountMax: 256 << 10)
            guard let tail else {
                return read(partition, from: offset, form: .plain, byteCountMax: 256 << 10) { [unowned self] read in
                    if let fault = Self.fault(of: read) { return body(.failure(fault)) }
                    if let found = Self.first(in: read.batches, since: time) { return body(.success(found)) }
                    guard read.nextOffset > offset else { return body(.success((-1, -1))) }
                    look(for: time, in: partition, from: read.nextOffset, body)
                }
            }
            if let found = Self.first(in: tail.batches, since: time) { return body(.success(found)) }
            guard tail.nextOffset > offset else { break }
            offset = tail.nextOffset
        }
        body(.success((-1, -1)))
    }

    /// The first record of a time or later, also within compressed batches.
    private static func first(in batches: [RecordBatch], since time: Timestamp) -> (offset: Int64, time: Int64)? {
        for batch in batches where batch.maxTimestamp >= time {
            do throws(BatchError) {
                let plain = try batch.decompressed(byteCountMax: KafkaBounds.plainBytesMax)
                let bytes = plain.bytes
                let base = BatchLayout.baseTimestamp(bytes).rawValue
                var records = RecordReader(plain)
                while let record = try records.next(bytes) {
                    let found = base &+ Int64(record.timestampDelta)
                    guard found >= time.rawValue else { continue }
                    return (batch.baseOffset.advanced(by: record.offsetDelta).rawValue, found)
                }
            } catch {
                // Damage is passed over here as it is when records are read.
                continue
            }
        }
        return nil
    }

    // MARK: Leader epochs

    /// There is one leader and one epoch: it ends where the log does.
    func answerEpochs(_ request: OffsetForLeaderEpochRequest, _ call: KafkaCall) {
        typealias End = OffsetForLeaderEpochResponse.EpochEndOffset
        var response = OffsetForLeaderEpochResponse()
        response.topics = request.topics.map { wanted in
            let topic = topic(wanted.topic, .describe, call)
            return OffsetForLeaderEpochResponse.OffsetForLeaderTopicResult(
                topic: wanted.topic,
                partitions: wanted.partitions.map { part in
                    guard let partition = topic?.partition(part.partition) else {
                        return End(
                            errorCode: missing(wanted.topic, .describe, call), partition: part.partition,
                            leaderEpoch: -1, endOffset: -1)
                    }
                    if part.currentLeaderEpoch > Self.leaderEpoch {
                        return End(
                            errorCode: .unknownLeaderEpoch, partition: part.partition, leaderEpoch: -1, endOffset: -1)
                    }
                    guard part.leaderEpoch >= Self.leaderEpoch else {
                        return End(partition: part.partition, leaderEpoch: -1, endOffset: -1)
                    }
                    guard part.leaderEpoch == Self.leaderEpoch else {
                        return End(partition: part.partition, leaderEpoch: -1, endOffset: -1)
                    }
                    return End(
                        partition: part.partition, leaderEpoch: Self.leaderEpoch,
                        endOffset: log.bounds(partition).highWatermark.rawValue)
                })
        }
        answer(call, response)
    }
}
