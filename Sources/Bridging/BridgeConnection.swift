/// When a bridge connects, to which address, and when it tries again: one machine.
///
/// Isolation: a value with one owner. Times are nanoseconds of a clock that never goes back.
package struct BridgeConnection: ~Copyable {
    /// What to do.
    package enum Action: Equatable, Sendable {
        /// Nothing.
        case none
        /// Begin to connect to the address of this index.
        case connect(address: Int)
        /// End the connection.
        case disconnect
    }

    private enum State {
        /// Stopped by somebody. *resumed* => waiting, due at once.
        case paused
        /// A lazy bridge without enough to do. *wanted* => connecting.
        case idle
        /// Between two attempts. *elapsed, when due* => connecting. *paused* => paused.
        case waiting(until: Int64)
        /// An attempt is on its way. *connected* => connected. *lost, or elapsed after too long* => waiting.
        case connecting(address: Int, until: Int64)
        /// The upstream let it in. *lost* => waiting. *elapsed, lazy and long idle* => idle.
        case connected(address: Int, idleSince: Int64?)
    }

    /// How long an attempt may take, from the name's look-up to the CONNACK: as long as a handshake here.
    package static let attemptNanoseconds: Int64 = 10_000_000_000
    /// How soon an attempt that had to wait is made again.
    package static let postponeNanoseconds: Int64 = 5_000_000
    /// How long a primary is given up for, while another address works.
    package static let primaryNanoseconds: Int64 = 30_000_000_000

    private var state: State
    private let addressCount: Int
    private let order: BridgeSettings.AddressOrder
    private let restart: BridgeSettings.RestartDelay
    private let isLazy: Bool
    private let threshold: Int
    private let idleNanoseconds: Int64
    private var nextAddress = 0
    private var failureCount = 0
    private var lastDelay: Int64
    private var primaryDue: Int64?
    /// Why the last attempt, or the last connection, ended; nil once connected again.
    package private(set) var failure: UpstreamFailure?

    /// A bridge that was paused, or begins.
    package init(_ settings: BridgeSettings, isPaused: Bool, now: Int64) {
        addressCount = settings.addresses.count
        order = settings.order
        restart = settings.restart
        isLazy = settings.start == .lazy
        threshold = settings.threshold
        idleNanoseconds = settings.idleNanoseconds
        lastDelay = settings.restart.baseNanoseconds
        state = isPaused ? .paused : settings.start == .lazy ? .idle : .waiting(until: now)
    }

    // MARK: Events

    /// Time has passed.
    /// - Parameters:
    ///   - waiting: how many messages wait to be forwarded.
    ///   - jitter: a random number, for the delay behind this attempt should it fail.
    package mutating func elapsed(now: Int64, waiting: Int64, jitter: @autoclosure () -> UInt64) -> Action {
        switch state {
        case .paused: return .none
        case .idle:
            guard waiting >= Int64(threshold) else { return .none }
            return attempt(now: now)
        case .waiting(let until):
            guard now >= until else { return .none }
            if isLazy, failureCount == 0, waiting < Int64(threshold) {
                state = .idle
                return .none
            }
            return attempt(now: now)
        case .connecting(_, let until):
            guard now >= until else { return .none }
            fail(
                UpstreamFailure(.timeout, "no answer within \(Self.attemptNanoseconds / 1_000_000_000) s"), now,
                jitter())
            return .disconnect
        case .connected(let address, let idleSince):
            return elapsedConnected(address, idleSince, now: now, waiting: waiting)
        }
    }

    private mutating func elapsedConnected(
        _ address: Int, _ idleSince: Int64?, now: Int64, waiting: Int64
    ) -> Action {
        if order == .primaryFirst, address > 0, let due = primaryDue, now >= due {
            // Back to the primary, as mosquitto does; should it still be gone, the next attempt is the second's.
            state = .waiting(until: now)
            nextAddress = 0
            primaryDue = nil
            return .disconnect
        }
        guard isLazy else { return .none }
        guard waiting == 0 else {
            state = .connected(address: address, idleSince: nil)
            return .none
        }
        guard let idleSince else {
            state = .connected(address: address, idleSince: now)
            return .none
        }
        guard now - idleSince >= idleNanoseconds else { return .none }
        state = .idle
        return .disconnect
    }

    /// The attempt has to wait for something else first.
    package mutating func postponed(now: Int64) {
        guard case .connecting(let address, _) = state else { return }
        nextAddress = address
        state = .waiting(until: now + Self.postponeNanoseconds)
    }

    /// The upstream let the bridge in.
    package mutating func connected(now: Int64) {
        guard case .connecting(let address, _) = state else { return }
        state = .connected(address: address, idleSince: nil)
        failureCount = 0
        failure = nil
        lastDelay = restart.baseNanoseconds
        primaryDue = address > 0 ? now + Self.primaryNanoseconds : nil
    }

    /// The attempt failed, or the connection ended.
    package mutating func lost(_ failure: UpstreamFailure, now: Int64, jitter: UInt64) {
        switch state {
        case .paused, .idle, .waiting: return
        case .connecting, .connected: fail(failure, now, jitter)
        }
    }

    /// Somebody stops it.
    package mutating func pause() -> Action {
        defer { state = .paused }
        switch state {
        case .paused, .idle, .waiting: return .none
        case .connecting, .connected: return .disconnect
        }
    }

    /// Somebody lets it go on, also when it only waits.
    package mutating func resume(now: Int64) {
        switch state {
        case .paused, .idle, .waiting:
            state = .waiting(until: now)
            failureCount = max(1, failureCount)
            lastDelay = restart.baseNanoseconds
        case .connecting, .connected: return
        }
    }

    // MARK: Queries

    /// Whether messages can go.
    package var isConnected: Bool {
        switch state {
        case .connected: true
        case .paused, .idle, .waiting, .connecting: false
        }
    }

    /// Whether somebody stopped it.
    package var isPaused: Bool {
        switch state {
        case .paused: true
        case .connected, .idle, .waiting, .connecting: false
        }
    }

    /// The index of the address in use.
    package var address: Int? {
        switch state {
        case .connecting(let address, _), .connected(let address, _): address
        case .paused, .idle, .waiting: nil
        }
    }

    /// Whether it waits for messages before it connects.
    package var isIdle: Bool {
        switch state {
        case .idle: true
        case .paused, .connected, .waiting, .connecting: false
        }
    }

    /// When it wants to hear of the time next.
    package var deadline: Int64? {
        switch state {
        case .paused, .idle: nil
        case .waiting(let until), .connecting(_, let until): until
        case .connected(_, let idleSince):
            idleSince.map { $0 + idleNanoseconds } ?? primaryDue
        }
    }

    // MARK: Leaves

    private mutating func attempt(now: Int64) -> Action {
        let address = nextAddress
        // The one behind is next, whatever becomes of this one; a primary that answers is asked first again.
        nextAddress = (address + 1) % addressCount
        state = .connecting(address: address, until: now + Self.attemptNanoseconds)
        return .connect(address: address)
    }

    private mutating func fail(_ failure: UpstreamFailure, _ now: Int64, _ jitter: UInt64) {
        self.failure = failure
        failureCount += 1
        if isConnected, order == .primaryFirst { nextAddress = 0 }
        // All addresses are tried before the wait.
        if failureCount % addressCount != 0, !isConnected {
            state = .waiting(until: now)
            return
        }
        state = .waiting(until: now + delay(jitter))
    }

    /// Decorrelated jitter: between the base and three times the last delay, never above the cap.
    private mutating func delay(_ jitter: UInt64) -> Int64 {
        let base = restart.baseNanoseconds
        let (tripled, overflows) = lastDelay.multipliedReportingOverflow(by: 3)
        let most = min(restart.capNanoseconds, overflows ? Int64.max : tripled)
        guard most > base else {
            lastDelay = base
            return base
        }
        lastDelay = base + Int64(jitter % UInt64(most - base + 1))
        return lastDelay
    }
}
