import LogInterface
import SluiceCore

/// A loop of an engine, as a test drives it: it appends, and hears what became of it.
final class TestLoop {
    let log: any LogEngine
    let id: LoopID
    let woken: Woken
    private var outcomes: [AppendTicket: Settlement.Outcome] = [:]

    init(_ log: any LogEngine) {
        self.log = log
        let woken = Woken()
        self.woken = woken
        id = log.register(wake: { woken.signal() })
    }

    /// What has become of an append as far as is known now.
    func outcome(of ticket: AppendTicket) -> Settlement.Outcome? {
        var settlements: [Settlement] = []
        log.takeSettlements(of: id, into: &settlements)
        for settlement in settlements { outcomes[settlement.ticket] = settlement.outcome }
        return outcomes[ticket]
    }

    /// Appends; what is known of it at once is a refusal, or that nobody waits.
    func append(_ appends: [Append]) -> (ticket: AppendTicket, outcome: Settlement.Outcome?) {
        let ticket = log.append(appends, from: id)
        return (ticket, outcome(of: ticket))
    }

    /// Appends one batch and waits until it is known whether it was refused, or what was appended before it is stuck.
    /// - Returns: whether there is no room for it.
    func isRefused(_ append: Append) -> Bool {
        let ticket = log.append([append], from: id)
        while true {
            if let outcome = outcome(of: ticket) { return outcome == .refused(.full) }
            guard log.trouble == nil else { return false }
            woken.wait()
        }
    }

    /// Waits until an append has settled.
    func settle(_ ticket: AppendTicket) -> Settlement.Outcome {
        while true {
            if let outcome = outcome(of: ticket) { return outcome }
            woken.wait()
        }
    }
}
