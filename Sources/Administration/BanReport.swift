/// Addresses that a running node keeps out.
package struct BanReport: AdministrationValue {
    /// The address, or the network.
    package var address = ""
    /// For how long it is still kept out, in milliseconds; nil for until somebody takes it back.
    package var leftMilliseconds: Int64?
    /// Why.
    package var cause = ""
    /// Connections that were refused because of it.
    package var refusedCount: Int64 = 0

    /// Nothing known.
    package init() {}

    /// See `AdministrationValue`.
    package mutating func visit(_ fields: inout Fields) {
        fields.text("address", &address)
        fields.integer("left_ms", &leftMilliseconds)
        fields.text("cause", &cause)
        fields.integer("refused", &refusedCount)
    }
}

extension AdministrationRequest {
    /// A request to keep addresses out, from its lines.
    static func ban(_ lines: [String]) throws(Fault) -> AdministrationRequest {
        let expected = "expected an address or a network, and on the next line nothing or a number of seconds"
        guard (1...2).contains(lines.count), !lines[0].isEmpty else { throw .malformed(expected) }
        guard lines.count == 2, !lines[1].isEmpty else { return .ban(lines[0], seconds: nil) }
        guard let seconds = Int64(lines[1]), (1...Int64(UInt32.max)).contains(seconds) else {
            throw .malformed(expected)
        }
        return .ban(lines[0], seconds: seconds)
    }

    /// Whether it changes something, and so is for who may administer only, and for the audit.
    package var changesSomething: Bool {
        switch self {
        case .streams, .sessions, .refusals, .groups, .offsets, .bridges, .bans, .devices, .letterJob, .letterRuns,
            .ledger, .eraseJob, .logLevels:
            false
        case .createStream, .alterStream, .deleteStream, .deleteSession, .deleteGroup, .resetGroup, .bridge, .ban,
            .unban, .forgetDevice, .letters, .erase, .setLogLevel, .trace:
            true
        }
    }
}
