import Foundation
package import LogInterface
package import SluiceCore

/// A loop of an engine, as a test drives it: it appends and reads, and waits for what the engine answers.
///
/// Isolation: one thread, the test's.
package final class TestLoop {
    /// The engine.
    package let log: any LogEngine
    /// Its number there.
    package let id: LoopID
    /// Signalled at each wake.
    package let woken: Woken
    private var outcomes: [AppendTicket: Settlement.Outcome] = [:]
    /// The tickets that have settled, in their order.
    package private(set) var settled: [AppendTicket] = []
    private var lastNumber: UInt64 = 0

    /// Registers a loop.
    package init(_ log: any LogEngine) {
        self.log = log
        let woken = Woken()
        self.woken = woken
        id = log.register(wake: { woken.signal() })
    }

    // MARK: Appends

    /// What has become of an append as far as is known now.
    package func outcome(of ticket: AppendTicket) -> Settlement.Outcome? {
        var settlements: [Settlement] = []
        log.takeSettlements(of: id, into: &settlements)
        for settlement in settlements {
            outcomes[settlement.ticket] = settlement.outcome
            settled.append(settlement.ticket)
        }
        return outcomes[ticket]
    }

    /// Appends; what is known of it at once is a refusal, or that nobody waits.
    package func append(_ appends: [Append]) -> (ticket: AppendTicket, outcome: Settlement.Outcome?) {
        let ticket = log.append(appends, from: id)
        return (ticket, outcome(of: ticket))
    }

    /// Appends one batch and waits until it is known whether it was refused, or what was appended before it is stuck.
    /// - Returns: whether there is no room for it.
    package func isRefused(_ append: Append) -> Bool {
        let ticket = log.append([append], from: id)
        while true {
            if let outcome = outcome(of: ticket) { return outcome == .refused(.full) }
            guard log.trouble == nil else { return false }
            woken.wait()
        }
    }

    /// Waits until an append has settled.
    package func settle(_ ticket: AppendTicket) -> Settlement.Outcome {
        while true {
            if let outcome = outcome(of: ticket) { return outcome }
            woken.wait()
        }
    }

    // MARK: Streams

    /// Asks for something about a stream and waits for the answer.
    package func administer(_ request: StreamRequest) -> Result<StreamDescription, StreamFault> {
        lastNumber += 1
        log.administer(request, number: lastNumber, for: id)
        while true {
            for (number, result) in log.takeAdministered(id) where number == lastNumber { return result }
            woken.wait()
        }
    }

    /// Gives an order to erase and waits for its end.
    package func erase(_ order: ErasureOrder) -> ErasureReport {
        lastNumber += 1
        log.erase(order, number: lastNumber, for: id)
        while true {
            for (number, report) in log.takeErasures(id) where number == lastNumber && report.isDone { return report }
            woken.wait()
        }
    }

    // MARK: Reads

    /// Reads history and waits for the answer.
    package func fetch(
        _ partition: PartitionID, from offset: Offset, byteCountMax: Int,
        _ change: (inout ReadRequest) -> Void = { _ in }
    ) -> PartitionRead {
        lastNumber += 1
        var request = ReadRequest(partition, from: offset, byteCountMax: byteCountMax, number: lastNumber)
        change(&request)
        log.fetch(request, for: id)
        return takeFetched()
    }

    /// Looks up a time and waits for the answer.
    package func offset(_ partition: PartitionID, at time: Timestamp) -> Offset {
        lastNumber += 1
        log.fetchOffset(partition, at: time, number: lastNumber, for: id)
        return takeFetched().nextOffset
    }

    private func takeFetched() -> PartitionRead {
        while true {
            for (number, read) in log.takeFetched(id) where number == lastNumber { return read }
            woken.wait()
        }
    }
}

/// What a wake function signals to a test that waits.
package final class Woken: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    /// Nothing signalled yet.
    package init() {}
    /// Signals once.
    package func signal() { semaphore.signal() }
    /// Waits for a signal, and takes it.
    package func wait() { semaphore.wait() }
    /// Waits for a signal for so many seconds at most.
    /// - Returns: whether one came.
    package func wait(within seconds: Double) -> Bool { semaphore.wait(timeout: .now() + seconds) == .success }
}
