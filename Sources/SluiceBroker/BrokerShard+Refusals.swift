import SluiceCore

/// What clients ask for and do not get: for the log, and for `sluice refusals`, since before MQTT 5 there is no way to
/// tell the client why.
extension BrokerShard {
    /// Notes what a client did not get.
    func note(_ client: Client, _ asked: String, refused reason: String, count: Int = 1) {
        let (index, now) = (settings.index, wallClock)
        peers.withRefusals { all in
            while all.count <= index { all.append(RefusalList()) }
            all[index].note(client.name, at: client.address, asked, because: reason, count: count, now: now)
        }
    }

    /// Says that a connection is closed, and why.
    func reportClosed(_ client: Client, _ reason: String) {
        report(.info, "\(client.name) at \(client.address): closed, \(reason)")
        note(client, client.isOpened ? "to stay connected" : "to connect", refused: reason)
    }

    /// The refusals of all shards, the latest first.
    func refusalsDocument() -> String {
        let lists = peers.withRefusals { $0 }
        let members = RefusalList.all(of: lists).map { refusal in
            """
            {"client_id":\(JSONText.quoted(refusal.client)),"address":\(JSONText.quoted(refusal.address)),\
            "asked":\(JSONText.quoted(refusal.asked)),"reason":\(JSONText.quoted(refusal.reason)),\
            "times":\(refusal.count),"first_ms":\(refusal.first.rawValue),"last_ms":\(refusal.last.rawValue)}
            """
        }
        let forgotten = lists.reduce(0) { $0 + $1.forgottenCount }
        return "{\"refusals\":[\(members.joined(separator: ","))],\"forgotten\":\(forgotten)}"
    }
}
