import KafkaWire

/// What a consumer reads, so that it need not say it again with each request, nor be told again what has not changed.
///
/// A session belongs to its connection: a client that comes by another one is told that there is none, and begins anew.
/// Isolation: its loop's.
/// Source: KIP-227.
final class FetchSession {
    /// What clients know it by; never 0.
    let id: Int32
    /// The number that the next request is to have.
    private(set) var epoch: Int32 = 1
    /// What is read, in the order in which it was asked for.
    private(set) var parts: [Part] = []
    private var indices: [Place: Int] = [:]

    /// Whether topics are named by their identifiers: version 13 and later.
    let hasIDs: Bool

    /// A partition as it is named: by the topic's name, or by its identifier.
    struct Place: Hashable {
        var topic: String
        var id: KafkaUUID
        var number: Int32
    }

    struct Part {
        var place: Place
        var wanted: FetchRequest.FetchPartition
        /// What the client was told last; nil when it was told nothing.
        var told: (highWatermark: Int64, start: Int64)?
    }

    /// Where a request has the session's epoch, behind its header: since version 15 no replica's number is before it.
    static func epochOffset(_ version: Int16) -> Int { version >= 15 ? 17 : 21 }
    /// Partitions of a session; a request that asks for more than these gets no session.
    static let partCountMax = 10_000

    init(id: Int32, _ request: FetchRequest, hasIDs: Bool) {
        self.id = id
        self.hasIDs = hasIDs
        add(request)
    }

    /// Takes in what a request adds, changes and forgets.
    func update(_ request: FetchRequest) {
        advance()
        var forgotten: Set<Place> = []
        for topic in request.forgottenTopicsData {
            for number in topic.partitions {
                forgotten.insert(Place(topic: topic.topic, id: topic.topicID, number: number))
            }
        }
        if !forgotten.isEmpty {
            parts.removeAll { forgotten.contains($0.place) }
            indices = Dictionary(uniqueKeysWithValues: parts.enumerated().map { ($0.element.place, $0.offset) })
        }
        add(request)
    }

    /// A request of the session has come.
    func advance() { epoch = epoch == .max ? 1 : epoch + 1 }

    private func add(_ request: FetchRequest) {
        for topic in request.topics {
            for wanted in topic.partitions {
                let place = Place(topic: topic.topic, id: topic.topicID, number: wanted.partition)
                if let index = indices[place] {
                    parts[index].wanted = wanted
                } else {
                    indices[place] = parts.count
                    parts.append(Part(place: place, wanted: wanted))
                }
            }
        }
    }

    /// The request that says all of it.
    func whole(_ request: FetchRequest) -> FetchRequest {
        var whole = request
        whole.topics = []
        for part in parts {
            let last = whole.topics.last
            if last == nil || last?.topic != part.place.topic || last?.topicID != part.place.id {
                whole.topics.append(FetchRequest.FetchTopic(topic: part.place.topic, topicID: part.place.id))
            }
            whole.topics[whole.topics.count - 1].partitions.append(part.wanted)
        }
        return whole
    }

    /// Whether the client is to hear of a partition; then it counts as told.
    func tells(_ topic: FetchRequest.FetchTopic, _ data: FetchResponse.PartitionData) -> Bool {
        let place = Place(topic: topic.topic, id: topic.topicID, number: data.partitionIndex)
        guard let index = indices[place] else { return true }
        let told = (highWatermark: data.highWatermark, start: data.logStartOffset)
        let isNews =
            data.errorCode != .none || data.records.byteCount > 0
            || parts[index].told.map { $0 != told } ?? true
        // A partition that could not be read is told again when it can.
        parts[index].told = data.errorCode == .none ? told : nil
        return isNews
    }
}

extension KafkaShard {
    /// A request as part of a session, or without one.
    enum FetchCourse {
        case without(FetchRequest)
        /// Everything is told, and the session's number.
        case begins(FetchSession)
        /// What has changed is told.
        case goesOn(FetchSession)
        case refused(KafkaErrorCode)
    }

    /// What a request means for its connection's session.
    func course(of request: FetchRequest, _ call: KafkaCall) -> FetchCourse {
        guard call.version >= 7 else { return .without(request) }
        let connection = call.connection
        if request.sessionEpoch <= 0, let session = connection.fetchSession, request.sessionID == session.id {
            connection.fetchSession = nil
        }
        guard request.sessionEpoch >= 0 else { return .without(request) }
        guard request.sessionEpoch > 0 else {
            let count = request.topics.reduce(0) { $0 + $1.partitions.count }
            guard count > 0, count <= FetchSession.partCountMax else { return .without(request) }
            let session = FetchSession(
                id: Int32.random(in: 1...Int32.max), request, hasIDs: PendingFetch.hasIDs(call.version))
            connection.fetchSession = session
            return .begins(session)
        }
        guard let session = connection.fetchSession, session.id == request.sessionID else {
            return .refused(.fetchSessionIDNotFound)
        }
        guard session.hasIDs == PendingFetch.hasIDs(call.version) else { return .refused(.fetchSessionTopicIDError) }
        guard session.epoch == request.sessionEpoch else { return .refused(.invalidFetchSessionEpoch) }
        session.update(request)
        guard session.parts.count <= FetchSession.partCountMax else {
            connection.fetchSession = nil
            return .refused(.fetchSessionIDNotFound)
        }
        return .goesOn(session)
    }
}
