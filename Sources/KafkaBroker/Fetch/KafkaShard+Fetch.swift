import GroupCoordination
import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore
import Speaking

/// What consumers ask for.
extension KafkaShard {
    /// - Parameters:
    ///   - frame: the request as it came.
    ///   - start: where in it the header ends.
    func fetch(_ request: FetchRequest, _ frame: Span<UInt8>, from start: Int, _ call: KafkaCall) {
        followTopics()
        // What a session's next request means depends on this one.
        call.connection.idlePoll = nil
        let fetch: PendingFetch
        switch course(of: request, call) {
        case .refused(let code): return answer(call, FetchResponse(errorCode: code))
        case .without(let request): fetch = pending(call, request)
        case .begins(let session):
            fetch = pending(call, request)
            fetch.session = session
        case .goesOn(let session):
            fetch = pending(call, session.whole(request))
            fetch.session = session
            fetch.tellsNewsOnly = true
        }
        look(fetch)
        guard fetch.isParked, frame.count <= IdlePoll.requestBytesMax else { return }
        switch (fetch.session, request.sessionEpoch) {
        case (nil, ...(-1)): fetch.keptRequest = (frame.copied, nil)
        case (_?, 1...) where request.topics.isEmpty && request.forgottenTopicsData.isEmpty:
            fetch.keptRequest = (frame.copied, start + FetchSession.epochOffset(call.version))
        case _: break
        }
    }

    private func pending(_ call: KafkaCall, _ request: FetchRequest) -> PendingFetch {
        PendingFetch(call, request, now: now, topics: topics) { may(.read, $0, call) }
    }

    /// Looks for what a fetch wants, and answers it, waits for history, or waits for more.
    func look(_ fetch: PendingFetch) {
        waiting.fetches.remove(fetch)
        fetch.call.connection.fetches.removeAll { $0 === fetch }
        guard !fetch.call.isAbandoned else { return }
        assert(fetch.awaitedCount == 0)
        var room = Room(fetch)
        for index in fetch.parts.indices { look(fetch, index, &room) }
        if fetch.awaitedCount == 0 { decide(fetch) }
    }

    /// Bytes that still fit into a response.
    private struct Room {
        var byteCount: Int
        /// Of them, those that are copied from memory.
        var copiedByteCount = KafkaBounds.copiedBytesMax
        /// Whether nothing was found so far: the first batch comes, however large it is.
        var isFirst = true

        init(_ fetch: PendingFetch) { byteCount = max(0, Int(fetch.request.maxBytes)) }

        mutating func take(_ count: Int) {
            byteCount -= count
            isFirst = false
        }
    }

    private func look(_ fetch: PendingFetch, _ index: Int, _ room: inout Room) {
        fetch.parts[index].found = .nothing
        fetch.parts[index].hasMoved = false
        let part = fetch.parts[index]
        guard part.code == .none else { return }
        guard let partition = part.partition, topics.place(of: partition) != nil else {
            return fetch.parts[index].code = fetch.missingCode(part.partition == nil ? part.topic : nil)
        }
        let bounds = log.bounds(partition)
        guard part.offset >= bounds.start, part.offset <= bounds.end else {
            return fetch.parts[index].code = .offsetOutOfRange
        }
        let stable = stableEnd(part, fetch)
        fetch.parts[index].end = stable
        guard part.offset < stable ?? bounds.highWatermark, room.isFirst || room.byteCount > 0 else { return }
        let most = max(1, min(part.byteCountMax, room.byteCount))
        let tail = log.readTail(
            partition, from: part.offset, visibility: .durable, loop: loop,
            byteCountMax: max(1, min(most, room.copiedByteCount)))
        guard let tail else { return readHistory(fetch, index, partition, most, &room) }
        guard !tail.isGone else { return fetch.parts[index].code = fetch.missingCode(nil) }
        let batches = fitting(Self.visible(tail.batches, before: stable), most, room)
        guard !batches.isEmpty else { return }
        fetch.parts[index].found = .batches(batches)
        let byteCount = batches.reduce(0) { $0 + $1.byteCount }
        room.take(byteCount)
        room.copiedByteCount -= byteCount
    }

    /// Before which offset everything is decided, for a client that asks for no more; nil when that is the high
    /// watermark.
    private func stableEnd(_ part: PendingFetch.Part, _ fetch: PendingFetch) -> Offset? {
        guard fetch.readsCommitted, let topic = part.topic else { return nil }
        let place = StreamPartition(stream: topic.name, number: part.number)
        return peers.withTransactions { $0.firstOpen(in: place) }
    }

    private static func visible(_ batches: [RecordBatch], before end: Offset?) -> [RecordBatch] {
        guard let end else { return batches }
        return Array(batches.prefix { $0.nextOffset <= end })
    }

    /// The batches that fit; the very first comes in any case.
    private func fitting(_ batches: [RecordBatch], _ byteCountMax: Int, _ room: Room) -> [RecordBatch] {
        var left = byteCountMax
        var fitting: [RecordBatch] = []
        for batch in batches {
            guard batch.byteCount <= left || room.isFirst && fitting.isEmpty else { break }
            fitting.append(batch)
            left -= batch.byteCount
        }
        return fitting
    }

    private func readHistory(
        _ fetch: PendingFetch, _ index: Int, _ partition: PartitionID, _ byteCountMax: Int, _ room: inout Room
    ) {
        let most = room.isFirst ? Int.max : byteCountMax
        room.take(byteCountMax)
        readHistory(fetch, index, partition, byteCountMax, most: most)
    }

    /// Reads again what has turned out to be no region.
    private func readHistory(_ fetch: PendingFetch, _ index: Int, _ byteCountMax: Int) {
        guard let partition = fetch.parts[index].partition else { return }
        fetch.parts[index].end = stableEnd(fetch.parts[index], fetch) ?? fetch.parts[index].offset
        readHistory(fetch, index, partition, min(byteCountMax, KafkaBounds.copiedBytesMax), most: byteCountMax)
    }

    private func readHistory(
        _ fetch: PendingFetch, _ index: Int, _ partition: PartitionID, _ byteCountMax: Int, most: Int
    ) {
        fetch.awaitedCount += 1
        fetch.parts[index].isAwaited = true
        // A client that asks in a version without zstd cannot read what sealed segments are compressed with.
        // Nor may one that wants decided records only have a region that goes beyond them.
        let form: ReadForm =
            fetch.call.version < 10 ? .plain : fetch.parts[index].end == nil ? .region : .stored
        read(partition, from: fetch.parts[index].offset, form: form, byteCountMax: byteCountMax) {
            [unowned self] read in
            fetch.awaitedCount -= 1
            fetch.parts[index].isAwaited = false
            received(read, fetch, index, byteCountMax: most)
            if fetch.awaitedCount == 0 { decide(fetch) }
        }
    }

    private func received(_ read: PartitionRead, _ fetch: PendingFetch, _ index: Int, byteCountMax: Int) {
        if read.isGone { return fetch.parts[index].code = fetch.missingCode(nil) }
        if read.isFailed { return fetch.parts[index].code = .kafkaStorageError }
        let end = stableEnd(fetch.parts[index], fetch)
        if read.region != nil, let end, read.nextOffset > end {
            // A transaction has begun since: what lies in the file is not all decided.
            return readHistory(fetch, index, byteCountMax)
        }
        if let region = read.region {
            // A batch that is larger than what is left comes with the next response, in which it is the first.
            if region.range.count <= byteCountMax {
                fetch.parts[index].found = .region(region)
                fetch.parts[index].readEnd = read.nextOffset
            }
        } else if !read.batches.isEmpty {
            var batches = Self.visible(read.batches, before: end)
            guard !batches.isEmpty else { return }
            while batches.count > 1, batches.reduce(0, { $0 + $1.byteCount }) > byteCountMax { batches.removeLast() }
            if batches[0].byteCount <= byteCountMax { fetch.parts[index].found = .batches(batches) }
        } else if read.nextOffset > fetch.parts[index].offset {
            // Compaction has left nothing there: the next batch is further on.
            fetch.parts[index].offset = read.nextOffset
            fetch.parts[index].hasMoved = true
        }
    }

    /// Answers a fetch, or lets it wait.
    private func decide(_ fetch: PendingFetch) {
        guard !fetch.call.isAbandoned else { return }
        // A client that hears of nothing asks again from where it was: what compaction has left out is passed over now.
        if fetch.parts.contains(where: \.hasMoved) { return look(fetch) }
        if fetch.isSatisfied(now: now) { return answer(fetch) }
        // What came before the loop was to be woken is seen by a second look.
        if beginWakes() { return look(fetch) }
        wait(fetch)
    }

    /// Has the loop woken by new records from now on.
    /// - Returns: whether it was not before.
    func beginWakes() -> Bool {
        guard !waiting.isInterested else { return false }
        waiting.isInterested = true
        log.setInterest(loop, appended: false, durable: true)
        return true
    }

    /// Lets a fetch wait for records.
    func wait(_ fetch: PendingFetch) {
        waiting.fetches.park(fetch)
        fetch.call.connection.fetches.append(fetch)
    }

    /// A fetch waits no longer: its connection is gone.
    func forget(_ fetch: PendingFetch) { waiting.fetches.remove(fetch) }

    // MARK: Waiting

    /// Looks again for those whose partitions have new records.
    func wakeFetches() {
        guard waiting.isInterested else { return }
        var woken: [PendingFetch] = []
        var shared: Set<PartitionID> = []
        while true {
            waiting.entries.removeAll(keepingCapacity: true)
            log.scan(loop, .durable, countMax: 1024, into: &waiting.entries)
            let entries = waiting.entries
            for entry in entries {
                for fetch in waiting.fetches.waiting(for: entry.partition) {
                    waiting.fetches.remove(fetch)
                    woken.append(fetch)
                }
                if !waiting.shares.isEmpty { shared.insert(entry.partition) }
            }
            if entries.count < 1024 { break }
        }
        for fetch in woken { look(fetch) }
        for partition in shared { wakeShares(of: partition) }
    }

    /// Transactions have ended in some partitions: more may be read there than before.
    func decided(_ partitions: [PartitionID]) {
        for partition in partitions {
            for fetch in waiting.fetches.waiting(for: partition) where fetch.readsCommitted { look(fetch) }
            wakeShares(of: partition)
        }
    }

    /// Answers those that have waited for as long as they wanted to, and lets the loop sleep when none waits.
    func expireFetches() {
        for fetch in waiting.fetches.takeExpired(at: now) where !answerAgain(fetch) { look(fetch) }
        for fetch in waiting.shares.takeExpired(at: now) { look(fetch) }
        if waiting.isEmpty, waiting.isInterested {
            waiting.isInterested = false
            log.setInterest(loop, appended: false, durable: false)
        }
    }

    // MARK: Answering

    private func answer(_ fetch: PendingFetch) {
        fetch.call.connection.fetches.removeAll { $0 === fetch }
        var response = FetchResponse()
        response.sessionID = fetch.session?.id ?? 0
        response.responses = fetch.request.topics.map {
            FetchResponse.FetchableTopicResponse(topic: $0.topic, topicID: $0.topicID)
        }
        var records: [AnswerRecords] = []
        for part in fetch.parts {
            let data = answer(part, fetch, &records)
            let isNews = fetch.session?.tells(fetch.request.topics[part.topicIndex], data) ?? true
            guard isNews || !fetch.tellsNewsOnly else { continue }
            response.responses[part.topicIndex].partitions.append(data)
        }
        if fetch.tellsNewsOnly { response.responses.removeAll { $0.partitions.isEmpty } }
        answer(fetch.call, response, records: records)
        if fetch.byteCount == 0, !fetch.hasFault { keepPoll(fetch, response) }
    }

    private func answer(
        _ part: PendingFetch.Part, _ fetch: PendingFetch, _ records: inout [AnswerRecords]
    ) -> FetchResponse.PartitionData {
        var data = FetchResponse.PartitionData(partitionIndex: part.number, errorCode: part.code)
        data.records = .bytes([])
        data.abortedTransactions = fetch.readsCommitted ? [] : nil
        data.highWatermark = -1
        guard let partition = part.partition, part.code != .unknownTopicOrPartition, part.code != .unknownTopicID,
            part.code != .topicAuthorizationFailed
        else { return data }
        let bounds = log.bounds(partition)
        data.highWatermark = bounds.highWatermark.rawValue
        data.lastStableOffset = min(bounds.highWatermark, openStart(part) ?? bounds.highWatermark).rawValue
        data.logStartOffset = bounds.start.rawValue
        // A client that asks in a version without zstd cannot read it.
        if fetch.call.version < 10, hasZstd(part) {
            data.errorCode = .unsupportedCompressionType
            return data
        }
        switch part.found {
        case .nothing: break
        case .batches(let batches):
            data.records = .external(byteCount: part.byteCount)
            records.append(.batches(batches))
            if fetch.readsCommitted, let last = batches.last {
                data.abortedTransactions = aborted(part, before: last.nextOffset)
            }
        case .region(let region):
            data.records = .external(byteCount: part.byteCount)
            if fetch.readsCommitted { data.abortedTransactions = aborted(part, before: part.readEnd) }
            records.append(
                .region(FileRegion(region.file, offset: region.range.lowerBound, count: part.byteCount)))
        }
        return data
    }

    func openStart(_ part: PendingFetch.Part) -> Offset? {
        guard let topic = part.topic else { return nil }
        let place = StreamPartition(stream: topic.name, number: part.number)
        return peers.withTransactions { $0.firstOpen(in: place) }
    }

    /// The transactions that were given up and have records in what a client gets of a partition.
    private func aborted(_ part: PendingFetch.Part, before end: Offset) -> [FetchResponse.AbortedTransaction] {
        guard let topic = part.topic, part.offset < end else { return [] }
        let place = StreamPartition(stream: topic.name, number: part.number)
        return peers.withTransactions { $0.aborted(in: place, part.offset..<end) }.map {
            FetchResponse.AbortedTransaction(producerID: $0.producerID, firstOffset: $0.first.rawValue)
        }
    }

    private func hasZstd(_ part: PendingFetch.Part) -> Bool {
        guard case .batches(let batches) = part.found else { return false }
        return batches.contains { $0.attributes & 7 == 4 }
    }
}
