import Administration
import SluiceCore
import Speaking

/// Requests about addresses that are kept out.
extension BrokerShard {
    /// The bans that are in force.
    func banReports() -> AdministrationReply {
        let bans = settings.gate?.bans(now: now) ?? []
        return .bans(
            bans.map { ban in
                var report = BanReport()
                report.address = ban.network.description
                report.leftMilliseconds = ban.nanosecondsLeft.map { $0 / 1_000_000 }
                report.cause = ban.cause
                report.refusedCount = Int64(ban.refusedCount)
                return report
            })
    }

    /// Keeps addresses out.
    func ban(_ text: String, seconds: Int64?) -> AdministrationReply {
        guard let gate = settings.gate, let network = IPNetwork(text) else { return Self.noNetwork(text) }
        let time = seconds.map { $0 * 1_000_000_000 }
        return gate.ban(network, for: time, now: now)
            ? .done(true) : .failed("as many networks are banned as may be; remove some of them")
    }

    /// Lets addresses in again.
    func unban(_ text: String) -> AdministrationReply {
        guard let gate = settings.gate, let network = IPNetwork(text) else { return Self.noNetwork(text) }
        return .done(gate.unban(network))
    }

    private static func noNetwork(_ text: String) -> AdministrationReply {
        .failed("expected an address or a network, such as 192.0.2.7 or 192.0.2.0/24, found '\(text)'")
    }
}
