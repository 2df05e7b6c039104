package import SluiceCore
package import Speaking

extension Conversation {
    /// MQTT, in all its versions.
    package static let mqtt = Conversation(rawValue: "mqtt")
}

extension PeerIdentity {
    /// The other side of what has no connection.
    static let nobody = PeerIdentity(address: "", listener: ListenerIdentity(name: "", conversation: .mqtt))
}

/// A client as its connection sees it: MQTT is one way to speak on a connection.
extension Client: Speaker {
    /// See `Speaker`.
    package var label: LogWords { "\(who: self)" }

    /// Whether the log is behind, the client does not read its answers, or a packet of it waits.
    package var mustWait: Bool {
        isPostponed || isPublisher && shard.isUnderPressure || outputQueue.count > shard.outputBytesMax
    }

    /// See `Speaker`.
    package func received(_ bytes: Span<UInt8>) -> Int { shard.received(self, bytes) }

    /// See `Speaker`.
    package func kept(byteCount: Int) { shard.keeps(self, byteCount: byteCount) }

    /// See `Speaker`.
    package func sent(_ byteCount: Int, isBehind: Bool) {
        if byteCount > 0 { movedAt = shard.now }
        // What was put out is told of at once, so that everything that is left was.
        if isTraced { tracedByteCount = outputQueue.count }
        if !isBehind {
            waitsSince = nil
        } else if waitsSince == nil {
            waitsSince = shard.now
        }
    }

    /// See `Speaker`.
    package func drained() { shard.drained(self) }

    /// See `Speaker`.
    package func disconnected() { shard.disconnected(self) }
}
