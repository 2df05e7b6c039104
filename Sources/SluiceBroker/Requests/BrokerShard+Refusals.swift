import Administration
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
        report(.clientClosed, "\(who: client): closed, \(reason, as: .reason)")
        note(client, client.isOpened ? "to stay connected" : "to connect", refused: reason)
    }

    /// The refusals of all shards, the latest first.
    func refusals() -> AdministrationReply {
        let lists = peers.withRefusals { $0 }
        let reports = RefusalList.all(of: lists).map { refusal in
            var report = RefusalReport()
            report.clientID = refusal.client
            report.address = refusal.address
            report.asked = refusal.asked
            report.reason = refusal.reason
            report.count = Int64(refusal.count)
            report.firstMilliseconds = refusal.first.rawValue
            report.lastMilliseconds = refusal.last.rawValue
            return report
        }
        return .refusals(reports, forgotten: lists.reduce(0) { $0 + Int64($1.forgottenCount) })
    }
}
