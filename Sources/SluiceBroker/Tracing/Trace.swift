import SluiceCore
import TopicRouting

/// What somebody watches: the packets of one client, or the messages of some topics.
package struct Trace: Sendable {
    /// Whose packets.
    enum Subject: Sendable {
        case client([UInt8])
        case topic([UInt8])
    }

    /// Who watches; a client has one trace at most.
    let owner: ClientOwner
    /// Where its lines go.
    let responseTopic: [UInt8]
    let correlation: [UInt8]?
    let subject: Subject
    /// When it is over, in milliseconds since 1970.
    let endsAt: Int64
    let showsPayloads: Bool

    /// Whether a client's packets are looked at for it.
    func concerns(_ clientID: [UInt8]) -> Bool {
        switch subject {
        case .client(let wanted): wanted == clientID
        case .topic: true
        }
    }

    /// Whether a packet is shown.
    /// - Parameter topic: the message's, of a PUBLISH that has one.
    func shows(_ clientID: [UInt8], _ topic: [UInt8]?) -> Bool {
        switch subject {
        case .client(let wanted): wanted == clientID
        case .topic(let filter):
            topic.map { FilterSyntax.matches(filter: filter.span, topic: $0.span) } ?? false
        }
    }
}

/// What shards tell each other of traces.
package enum TraceNews: Sendable {
    /// Somebody watches from here on.
    case began(Trace)
    /// Somebody does so no longer.
    case ended(ClientOwner)
    /// A line for somebody of the other shard.
    case line(ClientOwner, topic: [UInt8], correlation: [UInt8]?, document: [UInt8])
}

/// Who of a shard's clients is watched, by whom.
struct TraceBook {
    /// Traces at once, on the whole node.
    static let countMax = 16

    private(set) var traces: [Trace] = []
    /// Lines beyond a thousand a second are counted: who watches is to see what happens, not to be its load.
    var lines = LineLimiter(burst: 1000, nanosecondsPerLine: 1_000_000)

    var isEmpty: Bool { traces.isEmpty }

    mutating func add(_ trace: Trace) {
        remove(trace.owner)
        traces.append(trace)
    }

    mutating func remove(_ owner: ClientOwner) { traces.removeAll { $0.owner == owner } }

    /// Takes those out whose time is over.
    /// - Returns: whether there were any.
    mutating func removeEnded(at milliseconds: Int64) -> Bool {
        let before = traces.count
        traces.removeAll { $0.endsAt <= milliseconds }
        return traces.count != before
    }

    /// Whether a client's packets are to be looked at: those of who watches are not, or it would watch itself.
    func concerns(_ client: ClientOwner, _ clientID: [UInt8]) -> Bool {
        !traces.contains { $0.owner == client } && traces.contains { $0.concerns(clientID) }
    }
}
