/// What somebody wants to see of what clients send and get.
package struct TraceOrder: Equatable, Sendable {
    /// Whose packets.
    package enum Subject: Equatable, Sendable {
        /// Those of the client of an identifier.
        case client(String)
        /// Messages to topics that a filter matches, of any client.
        case topic(String)
    }

    /// How long a trace may last.
    package static let secondsMax: Int64 = 86_400

    /// Whose packets.
    package var subject: Subject
    /// For how long, in seconds.
    package var seconds: Int64
    /// Whether payloads are shown.
    package var showsPayloads: Bool

    /// An order from its parts.
    package init(_ subject: Subject, seconds: Int64, showsPayloads: Bool) {
        self.subject = subject
        self.seconds = seconds
        self.showsPayloads = showsPayloads
    }

    /// The order as lines of a request.
    var lines: [String] {
        let end = [String(seconds), showsPayloads ? "payloads" : ""]
        return switch subject {
        case .client(let name): ["client", name] + end
        case .topic(let filter): ["topic", filter] + end
        }
    }

    /// The order in lines of a request.
    init(_ lines: [String]) throws(AdministrationRequest.Fault) {
        let expected = "expected client or topic, which one, and seconds, a line each, and perhaps `payloads`"
        guard lines.count == 4, !lines[1].isEmpty, let seconds = Int64(lines[2]),
            (1...Self.secondsMax).contains(seconds), ["", "payloads"].contains(lines[3])
        else { throw .malformed(expected) }
        self.seconds = seconds
        showsPayloads = lines[3] == "payloads"
        switch lines[0] {
        case "client": subject = .client(lines[1])
        case "topic": subject = .topic(lines[1])
        default: throw .malformed(expected)
        }
    }
}
