import Administration
import MQTTSession
import MQTTWire
import SluiceCore
import Speaking
import TopicRouting

/// Watching connections: every packet of those who are watched is told to who watches, as it comes and as it is put
/// out.
///
/// Nobody else pays: whoever is watched takes the longer way in, as with a rate, and out there is one test.
extension BrokerShard {
    /// Begins to watch.
    func trace(_ order: TraceOrder, for place: ReplyPlace) {
        let subject: Trace.Subject
        switch order.subject {
        case .client(let name): subject = .client(Array(name.utf8))
        case .topic(let text):
            let filter = Array(text.utf8)
            do throws(TopicSyntaxError) { try FilterSyntax.check(filter: filter.span) } catch {
                return respond(.failed("'\(text)': \(error)"), to: place)
            }
            subject = .topic(filter)
        }
        guard clients.traces.traces.count < TraceBook.countMax else {
            return respond(.failed("\(TraceBook.countMax) traces are going on; end some of them"), to: place)
        }
        let trace = Trace(
            owner: owner(place.client), responseTopic: place.topic, correlation: place.correlation, subject: subject,
            endsAt: wallClock.rawValue + order.seconds * 1000, showsPayloads: order.showsPayloads)
        respond(.done(true), to: place)
        tellAll(.began(trace))
    }

    private func owner(_ client: Client) -> ClientOwner {
        ClientOwner(shard: settings.index, number: client.number)
    }

    private func tellAll(_ news: TraceNews) {
        received(news)
        for shard in 0..<peers.shardCount where shard != settings.index { peers.post(.trace(news), to: shard) }
    }

    /// What this shard or another one says of traces.
    func received(_ news: TraceNews) {
        switch news {
        case .began(let trace):
            clients.traces.add(trace)
            watch()
        case .ended(let owner):
            clients.traces.remove(owner)
            watch()
        case .line(let owner, let topic, let correlation, let document):
            guard let client = clients[owner.number], !client.isClosing else { return }
            tell(client, topic, correlation, document)
        }
    }

    /// Traces whose time is over end.
    func endTraces() {
        guard !clients.traces.isEmpty else { return }
        if clients.traces.removeEnded(at: wallClock.rawValue) { watch() }
    }

    private func watch() {
        for client in clients.all { watch(client) }
    }

    /// Watches a client whose identifier is known, if somebody wants to.
    func watch(_ client: Client) {
        let isWanted = clients.traces.concerns(owner(client), client.clientID)
        guard isWanted != client.isTraced else { return }
        client.isTraced = isWanted
        client.tracedByteCount = client.outputQueue.count
    }

    /// A client is about to be let in.
    func traceOpening(_ client: Client, _ request: ConnectRequest) {
        guard !clients.traces.isEmpty else { return }
        watch(client)
        if client.isTraced { tell(PacketReport(opening: request), of: client, isFromClient: true) }
    }

    /// A client is gone: who watches it is told, and what it watched is nobody's.
    func endTrace(of client: Client) {
        guard !clients.traces.isEmpty else { return }
        if client.isTraced { tell(PacketReport(ended: client.endCause), of: client, isFromClient: true) }
        if clients.traces.traces.contains(where: { $0.owner == owner(client) }) { tellAll(.ended(owner(client))) }
    }

    // MARK: Packets

    /// Tells of a packet that a client has sent.
    func trace(_ packet: Packet, _ bytes: Span<UInt8>, from client: Client) {
        tell(PacketReport(packet, bytes), of: client, isFromClient: true)
    }

    /// Tells of the packets that were put into a client's output since this was last looked at: whoever puts some there
    /// marks the client.
    func traceOutput(_ client: Client) {
        let count = client.outputQueue.count
        guard client.tracedByteCount < count else { return }
        let added = client.output.bytes.copy(
            ByteRange(start: client.tracedByteCount, byteCount: count - client.tracedByteCount))
        client.tracedByteCount = count
        var limits = settings.limits
        // What the broker makes itself is within any bounds.
        limits.packetBytesMax = 256 << 20
        var decoder = PacketDecoder(side: .client, limits: limits)
        decoder.version = client.version
        var start = 0
        do throws(MQTTDecodeError) {
            while case .packet(let packet, let end) = try decoder.decode(added.span, from: start) {
                tell(PacketReport(packet, added.span), of: client, isFromClient: false)
                start = end
            }
        } catch {
            report(.traceFailed, "trace of \(client.name, as: .client): \(error, as: .reason)")
        }
    }

    private func tell(_ packet: PacketReport, of client: Client, isFromClient: Bool) {
        for trace in clients.traces.traces where trace.shows(client.clientID, packet.topic) {
            let leftOut = clients.traces.lines.takeLeftOut(at: now)
            guard leftOut > 0 || clients.traces.lines.admits(at: now) else { continue }
            var members = packet.members(showingPayload: trace.showsPayloads)
            members["ts"] = .integer(wallClock.rawValue)
            members["client"] = .string(client.name)
            members["address"] = .string(client.address)
            members["direction"] = .string(isFromClient ? "in" : "out")
            if leftOut > 0 { members["left_out"] = .integer(Int64(leftOut)) }
            let sorted = members.sorted { $0.key < $1.key }.map { JSON.Member(name: $0.key, value: $0.value) }
            let document = Array(JSON.members(["trace": .object(sorted)]).compact.utf8)
            guard trace.owner.shard != settings.index else {
                if let watcher = clients[trace.owner.number], !watcher.isClosing {
                    tell(watcher, trace.responseTopic, trace.correlation, document)
                }
                continue
            }
            let line = TraceNews.line(
                trace.owner, topic: trace.responseTopic, correlation: trace.correlation, document: document)
            peers.post(.trace(line), to: trace.owner.shard)
        }
    }

    /// Sends a line to who watches; one that reads too slowly misses some.
    private func tell(_ client: Client, _ topic: [UInt8], _ correlation: [UInt8]?, _ document: [UInt8]) {
        guard client.output.count < outputBytesMax else { return }
        var properties = ByteBuffer()
        if let correlation { PropertyWriter.append(.correlationData, correlation.span, to: &properties) }
        PacketEncoder.publish(
            into: &client.output, topic: topic.span, payload: document.span, packetID: .none, qos: .atMostOnce,
            retain: false, duplicate: false, properties: properties.bytes, version: client.version)
        markDirty(client)
    }
}
