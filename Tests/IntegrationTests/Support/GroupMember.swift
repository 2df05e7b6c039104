import Foundation

/// What all members of a group have received, in the order of its arrival.
///
/// Isolation: any thread.
// Sendable: what changes is touched with the lock held.
final class GroupBook: @unchecked Sendable {
    struct Entry {
        var publisher: String
        var number: Int
        /// How many crashes of the broker there had been when its connection began.
        var era: Int
    }

    private let condition = NSCondition()
    private var entries: [Entry] = []
    private var distinct: Set<String> = []
    private var era = 0

    private func withLock<Result>(_ body: () -> Result) -> Result {
        condition.lock()
        defer { condition.unlock() }
        return body()
    }

    /// A message has come in `era`.
    /// - Returns: false when it came from a broker that was killed since: it is nobody's, and comes again.
    func note(_ publisher: String, _ number: Int, era: Int) -> Bool {
        withLock {
            guard era == self.era else { return false }
            entries.append(Entry(publisher: publisher, number: number, era: era))
            distinct.insert("\(publisher) \(number)")
            condition.broadcast()
            return true
        }
    }

    /// How many crashes of the broker there were.
    var crashCount: Int { withLock { era } }

    /// The broker was killed, and is not there again yet.
    func beginEra() { withLock { era += 1 } }

    var all: [Entry] { withLock { entries } }

    /// Waits until that many different messages have come.
    func wait(forDistinct count: Int, within seconds: Double) {
        let end = Date(timeIntervalSinceNow: seconds)
        withLock {
            while distinct.count < count, condition.wait(until: end) {}
        }
    }
}

/// A member of a consumer group, MQTT 3.1.1 at QoS 1 with a session that stays, whose process can be killed: it
/// acknowledges each message before it takes the next.
///
/// Isolation: its thread; `kill`, `leave` and `join` from any.
// Sendable: what other threads touch is behind the lock.
final class GroupMember: @unchecked Sendable {
    private let name: String
    private let filter: String
    private let stage: CrashStage
    private let book: GroupBook
    private let condition = NSCondition()
    private var isWanted = false
    private var isOver = false
    private let done = DispatchSemaphore(value: 0)

    init(name: String, filter: String, _ stage: CrashStage, _ book: GroupBook) {
        self.name = name
        self.filter = filter
        self.stage = stage
        self.book = book
    }

    /// Becomes a member, or stops being one as a process that is killed does.
    func set(isWanted: Bool) { change { self.isWanted = isWanted } }
    /// Ends for good.
    func end() { change { isOver = true } }

    private func change(_ body: () -> Void) {
        condition.lock()
        body()
        condition.broadcast()
        condition.unlock()
    }

    private var isServing: Bool {
        condition.lock()
        defer { condition.unlock() }
        return isWanted && !isOver
    }

    /// Waits until it is wanted; false when it is over.
    private func waitUntilWanted() -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while !isWanted, !isOver { condition.wait() }
        return !isOver
    }

    func start() {
        Thread.detachNewThread {
            while self.waitUntilWanted() {
                if self.stage.waitUntilUp() { self.serve() }
            }
            self.done.signal()
        }
    }

    func join(within seconds: Double) -> Bool { done.wait(timeout: .now() + seconds) == .success }

    private func serve() {
        do {
            let era = book.crashCount
            let client = try RawClient(port: stage.port)
            client.send(RawPacket.connect(level: 4, id: name, flags: 0))
            guard case .packet(let connack) = client.next(), connack.count == 4, connack[3] == 0 else { return }
            // The broker of another era may have accepted.
            guard book.crashCount == era else { return }
            client.send(RawPacket.subscribe(level: 4, filter: filter, qos: 1))
            while isServing {
                switch client.next(within: 0.05) {
                case .packet(let packet): guard take(packet, client, era) else { return }
                case .closed: return
                case .silence: continue
                }
            }
            client.fade()
        } catch { return }
    }

    /// - Returns: false when the connection's broker is gone.
    private func take(_ packet: [UInt8], _ client: RawClient, _ era: Int) -> Bool {
        guard packet[0] >> 4 == 3 else { return true }
        var index = 1
        while packet[index] >= 0x80 { index += 1 }
        index += 1
        index += 2 + (Int(packet[index]) << 8 | Int(packet[index + 1]))
        let id = Array(packet[index..<index + 2])
        let words = String(decoding: packet[(index + 2)...], as: UTF8.self).split(separator: " ")
        guard book.note(String(words[0]), Int(words[1]) ?? -1, era: era) else { return false }
        client.send([0x40, 2] + id)
        return true
    }
}
