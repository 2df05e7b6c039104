import GroupCoordination
import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore

/// What producers send.
extension KafkaShard {
    /// Appends what is in `frame`; the answer goes out when it is as durable as its stream promises.
    func produce(_ request: ProduceRequest, _ frame: Span<UInt8>, _ call: KafkaCall) {
        let pending = PendingProduce(call, acks: request.acks)
        // Whoever waits is answered when it is durable, be it with 1 or -1.
        guard (-1...1).contains(request.acks) else {
            refuseAll(request, pending, .invalidRequiredAcks)
            return finish(pending)
        }
        followTopics()
        // Two milliseconds more are nothing to a connection that has had nothing to send for twenty.
        pending.isPatient = now - call.connection.lastProduceTime >= 20_000_000
        call.connection.lastProduceTime = now
        call.connection.hold(frame.count, for: call)
        var batches: [Append] = []
        var places: [PendingProduce.Part] = []
        for (topicIndex, data) in request.topicData.enumerated() {
            let (topic, name) = topic(data.name, data.topicID, isByID: call.version >= 13)
            var answer = ProduceResponse.TopicProduceResponse(name: data.name, topicID: data.topicID)
            answer.partitionResponses = data.partitionData.map {
                ProduceResponse.PartitionProduceResponse(
                    index: $0.index, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1)
            }
            pending.response.responses.append(answer)
            for (index, part) in data.partitionData.enumerated() {
                let place = PendingProduce.Place(topic: topicIndex, partition: index)
                do throws(BatchFault) {
                    let produced = try batch(part, name, topic, frame, pending)
                    let settling = PendingProduce.Part(place: place, produced)
                    if produced.append.batch.producerID == .none {
                        batches.append(produced.append)
                        batches += produced.companions
                        places.append(settling)
                        continue
                    }
                    let ticket = try append(numbered: produced, to: name, part.index, request.transactionalID, call)
                    pending.awaitedCount += 1
                    appends.add(ticket, .produced(pending, [settling]))
                } catch {
                    pending.set(place) { answer in
                        answer.errorCode = error.code
                        guard call.version >= 8 else { return }
                        answer.errorMessage = error.words
                        answer.recordErrors = error.records
                    }
                }
            }
        }
        if !batches.isEmpty {
            pending.awaitedCount += 1
            appends.add(log.append(batches, from: loop), .produced(pending, places))
        }
        if pending.awaitedCount == 0 { finish(pending) }
    }

    /// Appends a batch of a producer that has a number.
    private func append(
        numbered produced: ProducedBatch, to topic: String, _ number: Int32, _ transactionalID: String?,
        _ call: KafkaCall
    ) throws(BatchFault) -> AppendTicket {
        guard produced.append.batch.isTransactional else {
            return log.append(sequenced: produced.append, with: produced.companions, from: loop)
        }
        do throws(BatchFault) {
            try judgeTransaction(of: produced.append.batch.producerID, transactionalID, call)
            return try append(
                transactional: produced, to: StreamPartition(stream: topic, number: number), version: call.version)
        } catch {
            produced.takeBack?()
            throw error
        }
    }

    /// Judges the transactional identifiers of a batch: that of its request, and that which its producer's number
    /// belongs to.
    private func judgeTransaction(
        of producer: ProducerID, _ named: String?, _ call: KafkaCall
    ) throws(BatchFault) {
        guard call.connection.identity.rights != nil else { return }
        let owner = peers.withTransactions { $0.name(of: producer.rawValue) }
        for name in Set([named, owner].compactMap(\.self)).sorted() where !may(.transact, name, call) {
            throw BatchFault(
                .transactionalIDAuthorizationFailed, "Not authorized to use the producer's transactional identifier.")
        }
    }

    /// The batch that a partition's records are.
    private func batch(
        _ part: ProduceRequest.PartitionProduceData, _ name: String, _ topic: Topic?, _ frame: Span<UInt8>,
        _ pending: PendingProduce
    ) throws(BatchFault) -> ProducedBatch {
        if topic == nil, pending.call.version >= 13 {
            throw BatchFault(.unknownTopicID, "There is no topic of this identifier.")
        }
        guard may(.write, name, pending.call) else {
            throw BatchFault(.topicAuthorizationFailed, "Not authorized to write to the topic.")
        }
        guard let topic, let partition = topic.partition(part.index) else {
            throw BatchFault(.unknownTopicOrPartition, "There is no such partition.")
        }
        guard !topic.isInternal else {
            throw BatchFault(.invalidTopicException, "The topic is the node's own.")
        }
        guard let range = part.records.range, range.count > 0 else {
            throw BatchFault(.invalidRecord, "A batch is expected, there is none.")
        }
        var rules = BatchRules(now: wallClock)
        rules.takesZstd = pending.call.version >= 7
        rules.isScanned = log.isScanned
        topic.settings.apply(to: &rules)
        let checked = try validator.batch(frame.extracting(range.indices), rules)
        var append = Append(
            partition: partition, batch: checked.batch, isAwaited: pending.acks != 0, topicHashes: checked.topicHashes)
        append.isPatient = pending.isPatient
        var produced = ProducedBatch(append: append)
        if examiner != nil { try examined(&produced, plain: checked.plain, into: name, rules, pending.call) }
        return produced
    }

    private func refuseAll(_ request: ProduceRequest, _ pending: PendingProduce, _ code: KafkaErrorCode) {
        pending.response.responses = request.topicData.map { data in
            ProduceResponse.TopicProduceResponse(
                name: data.name, topicID: data.topicID,
                partitionResponses: data.partitionData.map {
                    ProduceResponse.PartitionProduceResponse(
                        index: $0.index, errorCode: code, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1)
                })
        }
    }

    private func finish(_ pending: PendingProduce) {
        guard pending.acks == 0 else { return answer(pending.call, pending.response) }
        if pending.hasFault {
            let part = pending.response.responses.lazy.flatMap(\.partitionResponses).first { $0.errorCode != .none }
            let name = part?.errorCode.name ?? "error"
            return pending.call.connection.fail("a batch without acknowledgement is not stored: \(name)")
        }
        finish(pending.call)
    }

    // MARK: Settlements

    /// Answers what has settled since the last tick.
    func settleAppends() {
        for (goal, outcome) in appends.take(from: log, loop) {
            switch goal {
            case .then(let body): body(outcome)
            case .produced(let pending, let parts):
                for part in parts {
                    pending.set(part.place) { settle(&$0, part.batch, outcome, pending) }
                    if outcome != .stored { part.takeBack?() }
                }
                pending.awaitedCount -= 1
                if pending.awaitedCount == 0 { finish(pending) }
            }
        }
    }

    private func settle(
        _ answer: inout ProduceResponse.PartitionProduceResponse, _ batch: RecordBatch, _ outcome: Settlement.Outcome,
        _ pending: PendingProduce
    ) {
        switch outcome {
        case .stored: answer.baseOffset = batch.baseOffset.rawValue
        case .duplicate(let offset): answer.baseOffset = offset.rawValue
        case .refused(let refusal):
            answer.errorCode = refusal.code
            if pending.call.version >= 8 { answer.errorMessage = refusal.words }
        }
        if answer.errorCode == .none, pending.call.version >= 5 { answer.logStartOffset = 0 }
    }

    // MARK: Producers' numbers

    func initProducer(_ request: InitProducerIDRequest, _ call: KafkaCall) {
        if let name = request.transactionalID {
            guard !name.isEmpty else {
                let refused = InitProducerIDResponse(
                    errorCode: .invalidRequest, producerID: -1, producerEpoch: -1)
                return answer(call, refused)
            }
            guard may(.transact, name, call) else { return refuseInit(call, .transactionalIDAuthorizationFailed) }
            return initTransactions(name, request, call)
        }
        giveNumber { [unowned self] number in
            guard let number else {
                let refused = InitProducerIDResponse(
                    errorCode: .coordinatorNotAvailable, producerID: -1, producerEpoch: -1)
                return answer(call, refused)
            }
            answer(call, InitProducerIDResponse(producerID: number, producerEpoch: 0))
        }
    }

    /// Gives a number that nobody has had; nil when the log takes no record of it.
    func giveNumber(_ body: @escaping (Int64?) -> Void) {
        producers.waiting.append(body)
        giveNumbers()
    }

    /// Gives numbers to who waits for one, and asks for a block when they are used up.
    private func giveNumbers() {
        while !producers.waiting.isEmpty, let number = producers.numbers.popFirst() {
            producers.waiting.removeFirst()(number)
        }
        guard !producers.waiting.isEmpty, !producers.isAsking else { return }
        guard let partition = internalPartition(ProducerNumbers.stream) else { return refuseNumbers() }
        producers.isAsking = true
        // Appended within the lock, so that the last record is that of the last block.
        let (block, ticket) = peers.withProducerNumbers { numbers in
            let (block, value) = numbers.takeBlock()
            var builder = RecordBatchBuilder()
            let headers = RecordFields.headers([])
            builder.append(
                at: wallClock, keyField: RecordFields.key(ProducerNumbers.key).span, value: value.span,
                headersField: headers.span)
            let append = Append(partition: partition, batch: builder.finish(), isAwaited: true, topicHashes: nil)
            return (block, log.append([append], from: loop))
        }
        appends.add(
            ticket,
            .then { [unowned self] outcome in
                producers.isAsking = false
                guard outcome == .stored else { return refuseNumbers() }
                producers.numbers = block[...]
                giveNumbers()
            })
    }

    private func refuseNumbers() {
        let waiting = producers.waiting
        producers.waiting = []
        for body in waiting { body(nil) }
    }
}

/// The producers' numbers that a shard has, and who waits for one.
struct ProducerDesk {
    var numbers: Range<Int64>.SubSequence = (0..<0)[...]
    var waiting: [(Int64?) -> Void] = []
    /// Whether a block is on its way to the log.
    var isAsking = false
}

extension AppendRefusal {
    /// Kafka's code.
    var code: KafkaErrorCode {
        switch self {
        case .full, .failed: .kafkaStorageError
        case .outOfOrder: .outOfOrderSequenceNumber
        case .fenced: .invalidProducerEpoch
        case .unknownStream: .unknownTopicOrPartition
        }
    }

    /// It in words.
    var words: String {
        switch self {
        case .full: "The disk is full."
        case .failed: "A write to the disk has failed; the node takes nothing any more."
        case .outOfOrder(let due): "The producer's next record is number \(due)."
        case .fenced(let epoch): "A producer of the same number has epoch \(epoch)."
        case .unknownStream: "The topic was deleted."
        }
    }
}
