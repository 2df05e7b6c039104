import GroupCoordination
import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore

/// What members of share groups ask for.
extension KafkaShard {
    /// Bytes of one partition that are read for a member at once: what it leaves is read again.
    private static let readBytesMax = 512 << 10

    func shareFetch(_ request: ShareFetchRequest, _ call: KafkaCall) {
        followTopics()
        func refuse(_ code: KafkaErrorCode, _ words: String) {
            answer(call, ShareFetchResponse(errorCode: code, errorMessage: words))
        }
        guard let id = shareSession(request.groupID, request.memberID) else {
            return refuse(.invalidRequest, "A group and a member have names.")
        }
        guard may(.useGroup, id.group, call) else {
            return refuse(.groupAuthorizationFailed, "Not authorized to use the group.")
        }
        if let fault = faultOfKind(id.group) { return refuse(.invalidRequest, fault) }
        let said = request.topics.flatMap { topic in
            topic.partitions.map { part in
                ShareWords(
                    SharePlace(topicID: topic.topicID.rawValue, number: part.partitionIndex),
                    part.acknowledgementBatches.map { ($0.firstOffset, $0.lastOffset, $0.acknowledgeTypes) },
                    renews: request.isRenewAck)
            }
        }
        let hasWords = said.contains { $0.words?.isEmpty != true }
        guard request.shareSessionEpoch != 0 || !hasWords else {
            return refuse(.invalidRequest, "Nothing is acknowledged by the request that opens a session.")
        }
        let forgotten = request.forgottenTopicsData.flatMap { topic in
            topic.partitions.map { SharePlace(topicID: topic.topicID.rawValue, number: $0) }
        }
        let places: [SharePlace]
        switch course(
            id, epoch: request.shareSessionEpoch, adding: said.map(\.place), forgetting: Set(forgotten), call)
        {
        case .failure(let fault): return refuse(fault.code, fault.words)
        case .success(let found): places = found
        }
        let settings = peers.withOffsets { $0.settings[id.group] }
        let fetch = PendingShareFetch(
            call, request, id, parts(places, said, call, isFinal: request.shareSessionEpoch < 0), settings: settings,
            now: now)
        call.connection.hold(fetch.heldByteCount, for: call)
        // Not answered before it is looked at.
        fetch.awaitedCount += 1
        acknowledge(fetch, isFinal: request.shareSessionEpoch < 0)
        if fetch.isFetching { lookIntoParts(of: fetch) }
        fetch.awaitedCount -= 1
        decide(fetch)
    }

    /// The partitions of a session and those that a request acknowledges something of.
    private func parts(
        _ places: [SharePlace], _ said: [ShareWords], _ call: KafkaCall, isFinal: Bool
    ) -> [PendingShareFetch.Part] {
        var parts = places.map { part($0, call, isFetched: !isFinal) }
        guard said.contains(where: { $0.words?.isEmpty != true }) else { return parts }
        var indices = Dictionary(parts.enumerated().map { ($1.place, $0) }) { first, _ in first }
        for one in said where one.words?.isEmpty != true {
            let index = indices[one.place] ?? parts.count
            if index == parts.count {
                indices[one.place] = index
                parts.append(part(one.place, call, isFetched: false))
            }
            parts[index].isAcknowledging = true
            if let words = one.words {
                parts[index].words += words
            } else {
                parts[index].acknowledgeCode = .invalidRequest
            }
        }
        return parts
    }

    private func part(_ place: SharePlace, _ call: KafkaCall, isFetched: Bool) -> PendingShareFetch.Part {
        let topic = topics[KafkaUUID(rawValue: place.topicID)]
        let partition = topic?.partition(place.number)
        var part = PendingShareFetch.Part(place: place, topic: topic, partition: partition, isFetched: isFetched)
        if partition == nil { part.code = topic == nil ? .unknownTopicID : .unknownTopicOrPartition }
        if let topic, !may(.read, topic.name, call) { part.code = .topicAuthorizationFailed }
        return part
    }

    /// Does what a request says of records, and ends the session if it is its last one.
    private func acknowledge(_ fetch: PendingShareFetch, isFinal: Bool) {
        fetch.isRecording = true
        changeShares(
            stored: { [unowned self] isStored in
                fetch.isRecording = false
                if !isStored { fetch.failAcknowledgements() }
                decide(fetch)
            },
            { table, records in
                for (index, part) in fetch.parts.enumerated() {
                    guard !part.words.isEmpty, part.acknowledgeCode == .none else { continue }
                    guard part.code != .topicAuthorizationFailed else {
                        fetch.parts[index].acknowledgeCode = .topicAuthorizationFailed
                        continue
                    }
                    let fault = acknowledge(
                        part.words, ShareKey(fetch.id.group, part.place), by: fetch.id.member,
                        for: fetch.lockDuration, &table, &records)
                    if let fault { fetch.parts[index].acknowledgeCode = fault }
                    fetch.parts[index].words = []
                }
                if isFinal { records += table.close(fetch.id, link: nil, now: wallClock) }
            })
    }

    // MARK: Looking

    /// Looks for what a member may get, and answers it, waits for history, or waits for more.
    func look(_ fetch: PendingShareFetch) {
        waiting.shares.remove(fetch)
        fetch.call.connection.shares.fetches.removeAll { $0 === fetch }
        guard !fetch.call.isAbandoned, fetch.call.answer == nil else { return }
        fetch.awaitedCount += 1
        lookIntoParts(of: fetch)
        fetch.awaitedCount -= 1
        decide(fetch)
    }

    private func lookIntoParts(of fetch: PendingShareFetch) {
        for index in fetch.parts.indices where fetch.parts[index].isFetched {
            fetch.parts[index].lookedAt = nil
            look(fetch, index)
        }
    }

    /// Looks into one partition: what others have taken meanwhile, and what is nobody's, is passed over.
    private func look(_ fetch: PendingShareFetch, _ index: Int) {
        let part = fetch.parts[index]
        guard part.code == .none, part.acquired.isEmpty, fetch.recordRoom > 0, fetch.byteRoom > 0 else { return }
        guard let topic = part.topic, let partition = part.partition, topics.place(of: partition) != nil else {
            return fetch.parts[index].code = .unknownTopicID
        }
        let key = ShareKey(fetch.id.group, part.place)
        while fetch.parts[index].acquired.isEmpty {
            let bounds = log.bounds(partition)
            let next = changeShares { table, _ in
                table.next(key, start: bounds.start, end: bounds.end, for: settings.index)
            }
            guard let next else { return begin(fetch, index, key, partition) }
            let end = stableEnd(topic, part.place.number, fetch) ?? bounds.highWatermark
            guard next.hasRoom, next.offset < end, next.offset != fetch.parts[index].lookedAt else { return }
            fetch.parts[index].lookedAt = next.offset
            let tail = log.readTail(
                partition, from: next.offset, visibility: .durable, loop: loop,
                byteCountMax: min(Self.readBytesMax, fetch.byteRoom))
            guard let tail else { return readHistory(fetch, index, partition, from: next.offset) }
            guard !tail.isGone else { return fetch.parts[index].code = .unknownTopicID }
            acquire(fetch, index, tail.batches, from: next.offset)
        }
    }

    /// The group has not been in the partition: it begins, and its record is durable before anything is delivered.
    private func begin(_ fetch: PendingShareFetch, _ index: Int, _ key: ShareKey, _ partition: PartitionID) {
        fetch.awaitedCount += 1
        begin([SharedPartition(key: key, partition: partition)], of: key.group) { [unowned self] isStored in
            fetch.awaitedCount -= 1
            guard !fetch.call.isAbandoned else { return }
            if isStored { look(fetch, index) } else { fetch.parts[index].code = .kafkaStorageError }
            decide(fetch)
        }
    }

    private func readHistory(_ fetch: PendingShareFetch, _ index: Int, _ partition: PartitionID, from offset: Offset) {
        fetch.awaitedCount += 1
        let byteCountMax = min(Self.readBytesMax, fetch.byteRoom)
        read(partition, from: offset, form: .stored, byteCountMax: byteCountMax) { [unowned self] read in
            fetch.awaitedCount -= 1
            // Whoever is gone gets nothing: nobody would give it back.
            guard !fetch.call.isAbandoned else { return }
            if read.isGone {
                fetch.parts[index].code = .unknownTopicID
            } else if read.isFailed {
                fetch.parts[index].code = .kafkaStorageError
            } else {
                let isHole = read.batches.isEmpty && read.nextOffset > offset
                acquire(fetch, index, read.batches, from: offset, hole: isHole ? offset..<read.nextOffset : nil)
                if fetch.parts[index].acquired.isEmpty { look(fetch, index) }
            }
            decide(fetch)
        }
    }

    /// Before which offset everything is decided, for a group that gets no more; nil when that is the high watermark.
    private func stableEnd(_ topic: Topic, _ number: Int32, _ fetch: PendingShareFetch) -> Offset? {
        guard fetch.readsCommitted else { return nil }
        return peers.withTransactions { $0.firstOpen(in: StreamPartition(stream: topic.name, number: number)) }
    }

    /// Gives a member what it may have of batches.
    /// - Parameter hole: offsets of which compaction has left nothing.
    private func acquire(
        _ fetch: PendingShareFetch, _ index: Int, _ batches: [RecordBatch], from offset: Offset,
        hole: Range<Offset>? = nil
    ) {
        let part = fetch.parts[index]
        guard let topic = part.topic else { return }
        let end = stableEnd(topic, part.place.number, fetch)
        let batches = batches.prefix { batch in end.map { batch.nextOffset <= $0 } ?? true }
        var looked = batches.map {
            ShareBatch($0.baseOffset..<$0.nextOffset, isDelivered: isDelivered($0, topic, part.place.number, fetch))
        }
        if let hole { looked.append(ShareBatch(hole, isDelivered: false)) }
        let wish = ShareWish(
            member: fetch.id.member, recordCountMax: fetch.recordRoom, isStrict: fetch.isStrict,
            batchSize: fetch.batchSize, deadline: now + fetch.lockDuration)
        let acquired = changeShares { table, _ in
            table.acquire(ShareKey(fetch.id.group, part.place), looked, from: offset, for: wish)
        }
        guard !acquired.isEmpty else { return }
        var ranges = acquired[...]
        let found = batches.filter { batch in
            while let first = ranges.first, first.range.upperBound <= batch.baseOffset { ranges.removeFirst() }
            return ranges.first.map { $0.range.lowerBound < batch.nextOffset } ?? false
        }
        fetch.parts[index].acquired = acquired
        fetch.parts[index].batches = Array(found)
        fetch.recordRoom -= acquired.reduce(0) {
            $0 + Int($1.range.upperBound.rawValue - $1.range.lowerBound.rawValue)
        }
        fetch.byteRoom -= fetch.parts[index].byteCount
    }

    /// Whether members get a batch: marks of transactions, and for some what was given up, they do not.
    private func isDelivered(
        _ batch: RecordBatch, _ topic: Topic, _ number: Int32, _ fetch: PendingShareFetch
    ) -> Bool {
        if batch.isControl { return false }
        guard fetch.readsCommitted, batch.isTransactional else { return true }
        let place = StreamPartition(stream: topic.name, number: number)
        let aborted = peers.withTransactions { $0.aborted(in: place, batch.baseOffset..<batch.nextOffset) }
        return !aborted.contains {
            $0.producerID == batch.producerID.rawValue && $0.first <= batch.baseOffset && $0.last >= batch.baseOffset
        }
    }

    // MARK: Answering

    /// Answers a member, or lets it wait.
    private func decide(_ fetch: PendingShareFetch) {
        guard !fetch.call.isAbandoned, fetch.call.answer == nil, fetch.awaitedCount == 0, fetch.parkedNumber == 0
        else { return }
        if fetch.isSatisfied(now: now) {
            // What it acknowledges is durable before it is answered.
            return fetch.isRecording ? () : answer(fetch)
        }
        if beginWakes() { return look(fetch) }
        waiting.shares.park(fetch)
        fetch.call.connection.shares.fetches.append(fetch)
    }

    /// A member's fetch waits no longer: its connection is gone.
    func forget(_ fetch: PendingShareFetch) { waiting.shares.remove(fetch) }

    private func answer(_ fetch: PendingShareFetch) {
        guard !fetch.call.isAbandoned, fetch.call.answer == nil else { return }
        var response = ShareFetchResponse()
        response.acquisitionLockTimeoutMs = Int32(fetch.lockDuration / 1_000_000)
        var records: [AnswerRecords] = []
        // A topic stands there once, with the partitions whose turn it is first.
        let told = fetch.parts.filter { $0.isNews || fetch.tellsAll }
        let byTopic = Dictionary(grouping: told, by: \.place.topicID)
        var topicIDs: Set<UInt128> = []
        let order = told.map(\.place.topicID).filter { topicIDs.insert($0).inserted }
        response.responses = order.map { .init(topicID: KafkaUUID(rawValue: $0)) }
        for (index, part) in order.enumerated().flatMap({ index, id in (byTopic[id] ?? []).map { (index, $0) } }) {
            var data = ShareFetchResponse.PartitionData(
                partitionIndex: part.place.number, errorCode: part.code,
                acknowledgeErrorCode: part.acknowledgeCode)
            data.acquiredRecords = part.acquired.map {
                ShareFetchResponse.AcquiredRecords(
                    firstOffset: $0.range.lowerBound.rawValue, lastOffset: $0.range.upperBound.rawValue - 1,
                    deliveryCount: $0.deliveryCount)
            }
            data.records = .bytes([])
            if !part.batches.isEmpty {
                data.records = .external(byteCount: part.byteCount)
                records.append(.batches(part.batches))
            }
            response.responses[index].partitions.append(data)
        }
        answer(fetch.call, response, records: records)
    }
}
