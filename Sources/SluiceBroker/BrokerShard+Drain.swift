import MQTTSession
import MQTTWire

/// Stopping without repeating: what groups have handed out comes to its end before the connections do.
extension BrokerShard {
    /// Takes no more publishes and makes no more deliveries at QoS 1 or 2, so that what is in flight becomes less.
    /// Acknowledgements are taken as ever, but for those that lie behind a PUBLISH on the same connection.
    package func beginDrain() {
        guard !isDraining else { return }
        isDraining = true
        clients.beginDrain()
    }

    /// Whether nothing that a share group or a consumer group has handed out from or to this shard waits for its
    /// acknowledgement. What other clients have in flight is theirs: it comes again on their sessions, with DUP.
    package var isDrained: Bool { clients.isDrained() && shareGroups.isDrained }

    /// The loop did nothing for a while, since the process was stopped or the machine was: what clients have sent
    /// meanwhile is still to be read, and their silence does not count.
    package func stoodStill(for nanoseconds: Int64) {
        for client in clients.all { client.session.stoodStill(for: nanoseconds) }
        extendAnswers(by: nanoseconds)
    }

    /// Ends every connection, as the node stops.
    package func shutDown() {
        beginDrain()
        for client in Array(clients.all) { terminate(client, .serverShuttingDown, "the broker stops") }
        recordShareGroups()
        for group in shareGroups.all { group.detach() }
        flushClients()
    }
}

extension Client {
    /// Whether it has deliveries of a group in flight.
    var hasGroupDeliveries: Bool { !groupInFlight.isEmpty || !sharedInFlight.isEmpty }
}
