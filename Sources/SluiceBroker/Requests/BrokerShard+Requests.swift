import Administration
import LogInterface
import MQTTSession
import MQTTWire
import SluiceCore

/// Requests to the broker itself, over MQTT 5 request and response: a PUBLISH to `$sluice/` and a request's name, with
/// a response topic, is answered to that topic on the same connection, at QoS 0, with a JSON document. Nothing is
/// stored.
extension BrokerShard {
    /// Answers a request.
    /// - Returns: false when it is none that the broker knows.
    func answerRequest(
        _ topic: String, _ publish: PublishAction, _ client: Client, _ bytes: Span<UInt8>
    ) -> Bool {
        var response: ByteRange?
        var correlation: ByteRange?
        var properties = PropertyReader(bytes, publish.properties)
        while let property = properties.next() {
            if property.id == .responseTopic { response = property.bytes }
            if property.id == .correlationData { correlation = property.bytes }
        }
        guard let response, topic.hasPrefix(AdministrationRequest.topicPrefix) else { return false }
        let place = ReplyPlace(
            client: client, topic: bytes.copy(response), correlation: correlation.map { bytes.copy($0) })
        let name = String(topic.dropFirst(AdministrationRequest.topicPrefix.count))
        do throws(AdministrationRequest.Fault) {
            let request = try AdministrationRequest(name: name, payload: bytes.copy(publish.payload))
            perform(request, for: place)
        } catch {
            guard case .malformed(let expected) = error else { return false }
            respond(.failed(expected), to: place)
        }
        return true
    }

    /// Where an answer goes.
    struct ReplyPlace {
        let client: Client
        let topic: [UInt8]
        let correlation: [UInt8]?
    }

    /// Does what a request says, and answers; some answers come when the log has answered.
    func perform(_ request: AdministrationRequest, for place: ReplyPlace) {
        auditChange(request, place.client)
        switch request {
        case .streams: respond(.streams(streamReports()), to: place)
        case .createStream(let order): change(order.name, isNew: true, order, for: place)
        case .alterStream(let order): change(order.name, isNew: false, order, for: place)
        case .deleteStream(let name): deleteStream(name, for: place)
        case .sessions: respond(.sessions(sessionReports()), to: place)
        case .deleteSession(let clientID): respond(.deleted(deleteSession(clientID)), to: place)
        case .refusals: respond(refusals(), to: place)
        case .groups: respond(.groups(groupReports()), to: place)
        case .deleteGroup(let name): respond(deleteGroup(name), to: place)
        case .resetGroup(let name, let stream, let offsets):
            respond(resetGroup(name, stream, offsets), to: place)
        case .offsets(let stream, let time): lookUpOffsets(stream, Timestamp(rawValue: time), for: place)
        case .devices(let query): tellDevices(query, to: place)
        case .forgetDevice(let key): respond(.deleted(forgetDevice(key)), to: place)
        case .letters(let order): respond(orderLetters(order), to: place)
        case .letterJob(let number): respond(letterJob(number), to: place)
        case .letterRuns(let stream): respond(letterRuns(stream), to: place)
        case .ledger(let time): respond(ledger(since: time), to: place)
        case .erase(let order): respond(erase(order, place.client), to: place)
        case .eraseJob(let number): respond(eraseJob(number), to: place)
        case .bridges: respond(.bridges(bridgeReports()), to: place)
        case .trace(let order): trace(order, for: place)
        case .logLevels: respond(logLevels(), to: place)
        case .setLogLevel(let part, let level): respond(setLogLevel(part: part, level: level), to: place)
        case .bans: respond(banReports(), to: place)
        case .ban(let address, let seconds): respond(ban(address, seconds: seconds), to: place)
        case .unban(let address): respond(unban(address), to: place)
        case .bridge(let name, let action):
            respond(.done(settings.bridges?.perform(BridgeCommand(action), on: name) ?? false), to: place)
        }
    }

    /// Sends the answer to a request.
    func respond(_ reply: AdministrationReply, to place: ReplyPlace) {
        let (client, topic) = (place.client, place.topic)
        guard !client.isClosing else { return }
        scratch.removeAll()
        if let data = place.correlation { PropertyWriter.append(.correlationData, data.span, to: &scratch) }
        let text = Array(reply.json.compact.utf8)
        PacketEncoder.publish(
            into: &client.output, topic: topic.span, payload: text.span, packetID: .none, qos: .atMostOnce,
            retain: false, duplicate: false, properties: scratch.bytes, version: client.version)
        markAnswered(client)
    }

    /// Every session: those that are connected, and those that wait.
    private func sessionReports() -> [SessionReport] {
        let (connected, parked) = peers.withDirectory { ($0.connectedSessions, $0.parkedSessions) }
        let ends = streams.readable.flatMap(\.partitions).map {
            (partition: $0, end: log.bounds($0).highWatermark)
        }
        let live = connected.map { report($0.clientID, $0.session, isConnected: true, behind: nil) }
        return live
            + parked.map { clientID, session in
                // Records of any topic: how many of them are for the session only reading them would tell.
                let behind = session.positions.map { positions in
                    ends.reduce(0) { $0 + max(0, $1.end.rawValue - positions.offset(in: $1.partition).rawValue) }
                }
                return report(clientID, session, isConnected: false, behind: behind)
            }
    }

    private func report(
        _ clientID: [UInt8], _ session: StoredSession?, isConnected: Bool, behind: Int64?
    ) -> SessionReport {
        var report = SessionReport()
        report.clientID = String(decoding: clientID, as: UTF8.self)
        report.isConnected = isConnected
        report.command = CommandIdentity.command(of: clientID).map { "\($0)" }
        report.expirySeconds = session.map { $0.expirySeconds == .max ? nil : Int64($0.expirySeconds) } ?? 0
        report.endedMilliseconds = session?.disconnectedAt.map(\.rawValue)
        report.inflightCount = Int64(session?.inflight.count ?? 0)
        report.unreleasedCount = Int64(session?.unreleased.count ?? 0)
        report.behind = behind
        report.subscriptions = (session?.subscriptions ?? []).map {
            SessionReport.Filter(String(decoding: $0.filter, as: UTF8.self), qos: Int64($0.options.qos.rawValue))
        }
        return report
    }

    /// Ends a session for good.
    /// - Returns: whether there was one.
    private func deleteSession(_ clientID: [UInt8]) -> Bool {
        let owner = peers.withDirectory { $0.owner(of: clientID) }
        let isKnown = owner != nil || peers.withDirectory { $0.isParked(clientID) }
        let shard = owner?.shard ?? settings.index
        if shard == settings.index {
            endSession(clientID)
        } else {
            peers.post(.endSession(clientID: clientID), to: shard)
        }
        return isKnown
    }

    /// Every stream with its settings and the bounds of its partitions.
    private func streamReports() -> [StreamReport] {
        log.streams.map { stream in
            var report = StreamReport()
            report.name = stream.settings.name
            report.id = stream.id
            report.durability = stream.settings.durability.rawValue
            report.cleanup = stream.settings.policy.cleanup.rawValue
            report.retentionMilliseconds = stream.settings.policy.retentionMilliseconds
            report.retentionBytes = stream.settings.policy.retentionBytesMax
            report.partitions = stream.partitions.enumerated().map { self.report($0, $1) }
            return report
        }
    }

    private func report(_ number: Int, _ partition: PartitionID) -> StreamReport.PartitionReport {
        let (bounds, figures) = (log.bounds(partition), log.figures(partition))
        var report = StreamReport.PartitionReport()
        report.number = Int64(number)
        report.start = bounds.start.rawValue
        report.durable = bounds.highWatermark.rawValue
        report.appended = bounds.end.rawValue
        report.byteCount = figures.byteCount
        for detail in figures.details { report.figures[detail.name] = detail.value }
        return report
    }

    /// A partition's number within its stream.
    func partitionNumber(_ partition: PartitionID) -> Int { streams.place(of: partition)?.number ?? -1 }
}
