import GroupCoordination
import KafkaWire
import LogInterface
import SluiceCore

/// How far share groups have come, and moving them.
extension KafkaShard {
    /// Whether a share group may be changed by hand: why not, if it may not.
    private func faultOfMoving(_ group: String, _ call: KafkaCall) -> (code: KafkaErrorCode, words: String)? {
        guard mayDescribe(group: group, call) else {
            return (.groupAuthorizationFailed, "Not authorized to use the group.")
        }
        guard let description = shareDescription(of: group) else {
            return (.groupIDNotFound, "There is no share group '\(group.shortened)'.")
        }
        return description.members.isEmpty ? nil : (.nonEmptyGroup, "The group has members.")
    }

    func describeShareOffsets(_ request: DescribeShareGroupOffsetsRequest, _ call: KafkaCall) {
        followTopics()
        typealias Described = DescribeShareGroupOffsetsResponse.DescribeShareGroupOffsetsResponseGroup
        var response = DescribeShareGroupOffsetsResponse()
        response.groups = request.groups.map { wanted in
            var described = Described(groupID: wanted.groupID)
            guard mayDescribe(group: wanted.groupID, call) else {
                described.errorCode = .groupAuthorizationFailed
                described.errorMessage = "Not authorized to use the group."
                return described
            }
            guard shareDescription(of: wanted.groupID) != nil else {
                described.errorCode = .groupIDNotFound
                described.errorMessage = "There is no share group '\(wanted.groupID.shortened)'."
                return described
            }
            let positions = peers.withShares { $0.positions(of: wanted.groupID) }
            if let topics = wanted.topics {
                described.topics = topics.map { describe($0.topicName, $0.partitions, positions, call) }
            } else {
                let found = Dictionary(grouping: positions) { topics[KafkaUUID(rawValue: $0.place.topicID)]?.name }
                described.topics = found.compactMap { name, positions in
                    name.map { describe($0, positions.map(\.place.number), positions, call) }
                }.sorted { $0.topicName < $1.topicName }
            }
            return described
        }
        answer(call, response)
    }

    private func describe(
        _ name: String, _ numbers: [Int32], _ positions: [ShareTable.Position], _ call: KafkaCall
    ) -> DescribeShareGroupOffsetsResponse.DescribeShareGroupOffsetsResponseTopic {
        typealias Part = DescribeShareGroupOffsetsResponse.DescribeShareGroupOffsetsResponsePartition
        let topic = topic(name, .describe, call)
        return .init(
            topicName: name, topicID: topic?.id ?? .zero,
            partitions: numbers.map { number in
                guard let topic, let partition = topic.partition(number) else {
                    return Part(
                        partitionIndex: number, errorCode: missing(name, .describe, call),
                        errorMessage: "There is no such partition for this client.")
                }
                let place = SharePlace(topicID: topic.id.rawValue, number: number)
                guard let position = positions.first(where: { $0.place == place }) else {
                    return Part(partitionIndex: number, startOffset: -1, leaderEpoch: Self.leaderEpoch)
                }
                let bounds = log.bounds(partition)
                let start = max(position.start, bounds.start).rawValue
                let lag = bounds.highWatermark.rawValue - start - Int64(position.doneCount)
                return Part(
                    partitionIndex: number, startOffset: start, leaderEpoch: Self.leaderEpoch, lag: max(0, lag))
            })
    }

    func alterShareOffsets(_ request: AlterShareGroupOffsetsRequest, _ call: KafkaCall) {
        followTopics()
        typealias Part = AlterShareGroupOffsetsResponse.AlterShareGroupOffsetsResponsePartition
        var response = AlterShareGroupOffsetsResponse()
        if let fault = faultOfMoving(request.groupID, call) {
            (response.errorCode, response.errorMessage) = (fault.code, fault.words)
            return answer(call, response)
        }
        var moves: [(key: ShareKey, start: Offset)] = []
        response.responses = request.topics.map { wanted in
            let topic = topic(wanted.topicName, .read, call)
            return .init(
                topicName: wanted.topicName, topicID: topic?.id ?? .zero,
                partitions: wanted.partitions.map { part in
                    guard let topic, let found = shared(request.groupID, topic, part.partitionIndex) else {
                        return Part(
                            partitionIndex: part.partitionIndex, errorCode: missing(wanted.topicName, .read, call),
                            errorMessage: "There is no such partition for this client.")
                    }
                    guard part.startOffset >= 0 else {
                        return Part(
                            partitionIndex: part.partitionIndex, errorCode: .invalidRequest,
                            errorMessage: "There is no offset below 0.")
                    }
                    moves.append((found.key, Offset(rawValue: part.startOffset)))
                    return Part(partitionIndex: part.partitionIndex)
                })
        }
        changeShares(
            stored: { [unowned self] isStored in
                if !isStored { response.errorCode = .kafkaStorageError }
                answer(call, response)
            },
            { table, records in
                for (key, start) in moves {
                    if let record = table.reset(key, to: start, now: wallClock) { records.append(record) }
                }
            })
    }

    func deleteShareOffsets(_ request: DeleteShareGroupOffsetsRequest, _ call: KafkaCall) {
        followTopics()
        var response = DeleteShareGroupOffsetsResponse()
        if let fault = faultOfMoving(request.groupID, call) {
            (response.errorCode, response.errorMessage) = (fault.code, fault.words)
            return answer(call, response)
        }
        var gone: Set<UInt128> = []
        response.responses = request.topics.map { wanted in
            guard let topic = topic(wanted.topicName, .read, call) else {
                return .init(
                    topicName: wanted.topicName, errorCode: missing(wanted.topicName, .read, call),
                    errorMessage: "There is no such topic for this client.")
            }
            gone.insert(topic.id.rawValue)
            return .init(topicName: wanted.topicName, topicID: topic.id)
        }
        changeShares(
            stored: { [unowned self] isStored in
                if !isStored { response.errorCode = .kafkaStorageError }
                answer(call, response)
            },
            { table, records in records += table.remove(request.groupID, topics: gone) })
    }
}
