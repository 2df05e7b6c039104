import KafkaWire
import SluiceCore

/// From an API's number to what is done about it.
extension KafkaShard {
    /// Reads a request and begins it.
    /// - Parameter frame: all of it; records of it are within.
    func dispatch(
        _ call: KafkaCall, _ reader: inout KafkaReader, _ frame: Span<UInt8>
    ) throws(KafkaWireError) {
        switch call.api {
        case .produce: produce(try read(&reader, call), frame, call)
        case .fetch:
            let start = reader.position
            fetch(try read(&reader, call), frame, from: start, call)
        case .listOffsets: listOffsets(try read(&reader, call), call)
        case .offsetForLeaderEpoch: answerEpochs(try read(&reader, call), call)
        case .initProducerID: initProducer(try read(&reader, call), call)
        case .apiVersions: answerVersions(try read(&reader, call), call)
        case .metadata: metadata(try read(&reader, call), call)
        case .describeCluster: describeCluster(try read(&reader, call), call)
        case .describeTopicPartitions: describeTopicPartitions(try read(&reader, call), call)
        case .findCoordinator: findCoordinator(try read(&reader, call), call)
        case .joinGroup, .syncGroup, .heartbeat, .leaveGroup, .offsetCommit, .offsetFetch, .describeGroups,
            .listGroups, .deleteGroups, .offsetDelete, .consumerGroupHeartbeat, .consumerGroupDescribe:
            try dispatchGroup(call, &reader)
        case .shareGroupHeartbeat, .shareGroupDescribe, .shareFetch, .shareAcknowledge, .describeShareGroupOffsets,
            .alterShareGroupOffsets, .deleteShareGroupOffsets:
            try dispatchShare(call, &reader)
        case .saslHandshake: shakeHands(try read(&reader, call), call)
        case .saslAuthenticate: authenticate(try read(&reader, call), call)
        case .addPartitionsToTxn: addPartitions(try read(&reader, call), call)
        case .addOffsetsToTxn: addOffsets(try read(&reader, call), call)
        case .txnOffsetCommit: commitInTransaction(try read(&reader, call), call)
        case .endTxn: endTransaction(try read(&reader, call), call)
        case _: try dispatchAdministration(call, &reader)
        }
    }

    private func dispatchGroup(_ call: KafkaCall, _ reader: inout KafkaReader) throws(KafkaWireError) {
        switch call.api {
        case .consumerGroupHeartbeat: consumerHeartbeat(try read(&reader, call), call)
        case .consumerGroupDescribe: describeConsumers(try read(&reader, call), call)
        case .joinGroup: joinGroup(try read(&reader, call), call)
        case .syncGroup: syncGroup(try read(&reader, call), call)
        case .heartbeat: heartbeat(try read(&reader, call), call)
        case .leaveGroup: leaveGroup(try read(&reader, call), call)
        case .offsetCommit: commitOffsets(try read(&reader, call), call)
        case .offsetFetch: fetchOffsets(try read(&reader, call), call)
        case .describeGroups: describeGroups(try read(&reader, call), call)
        case .listGroups: listGroups(try read(&reader, call), call)
        case .deleteGroups: deleteGroups(try read(&reader, call), call)
        case .offsetDelete: deleteOffsets(try read(&reader, call), call)
        case _: preconditionFailure("Cannot serve \(call.api.name), which is no API of groups")
        }
    }

    private func dispatchShare(_ call: KafkaCall, _ reader: inout KafkaReader) throws(KafkaWireError) {
        switch call.api {
        case .shareGroupHeartbeat: shareHeartbeat(try read(&reader, call), call)
        case .shareGroupDescribe: describeShares(try read(&reader, call), call)
        case .shareFetch: shareFetch(try read(&reader, call), call)
        case .shareAcknowledge: shareAcknowledge(try read(&reader, call), call)
        case .describeShareGroupOffsets: describeShareOffsets(try read(&reader, call), call)
        case .alterShareGroupOffsets: alterShareOffsets(try read(&reader, call), call)
        case .deleteShareGroupOffsets: deleteShareOffsets(try read(&reader, call), call)
        case _: preconditionFailure("Cannot serve \(call.api.name), which is no API of share groups")
        }
    }

    private func dispatchAdministration(_ call: KafkaCall, _ reader: inout KafkaReader) throws(KafkaWireError) {
        switch call.api {
        case .createTopics: createTopics(try read(&reader, call), call)
        case .deleteTopics: deleteTopics(try read(&reader, call), call)
        case .createPartitions: createPartitions(try read(&reader, call), call)
        case .deleteRecords: deleteRecords(try read(&reader, call), call)
        case .describeConfigs: describeConfigs(try read(&reader, call), call)
        case .alterConfigs: replaceConfigs(try read(&reader, call), call)
        case .incrementalAlterConfigs: alterConfigs(try read(&reader, call), call)
        case .listConfigResources: listConfigResources(try read(&reader, call), call)
        case .describeLogDirs: describeDirectories(try read(&reader, call), call)
        case .describeProducers: describeProducers(try read(&reader, call), call)
        case .listTransactions: listTransactions(try read(&reader, call), call)
        case .describeTransactions: describeTransactions(try read(&reader, call), call)
        case .describeAcls: describeAcls(try read(&reader, call), call)
        case .createAcls: createAcls(try read(&reader, call), call)
        case .deleteAcls: deleteAcls(try read(&reader, call), call)
        case .describeUserScramCredentials: describeCredentials(try read(&reader, call), call)
        case .alterUserScramCredentials: alterCredentials(try read(&reader, call), call)
        case .electLeaders: electLeaders(try read(&reader, call), call)
        case .listPartitionReassignments: listReassignments(try read(&reader, call), call)
        case .describeClientQuotas: describeQuotas(try read(&reader, call), call)
        case _: preconditionFailure("Cannot serve \(call.api.name), whose versions are not listed")
        }
    }

    /// The request that is all of what the reader has left.
    private func read<Request: KafkaRequest>(
        _ reader: inout KafkaReader, _ call: KafkaCall
    ) throws(KafkaWireError) -> Request {
        let request = try Request(from: &reader, version: call.version)
        // librdkafka 2.16 asks for all topics with four bytes of zeros where a null array has one, and so has three
        // bytes too many. Kafka looks at no request's end.
        if call.api != .metadata { try reader.finish() }
        return request
    }
}
