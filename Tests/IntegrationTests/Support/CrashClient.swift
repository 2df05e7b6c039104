import CMosquitto
import Foundation
import Synchronization

/// Where the broker of a crash test is, for its clients.
///
/// Isolation: any thread.
// Sendable: what changes is touched with the condition locked.
final class CrashStage: @unchecked Sendable {
    private let condition = NSCondition()
    private var isUp = false
    private var isClosing = false
    private var acknowledgedCounts: [String: Int] = [:]
    private var connectionCounts: [String: Int] = [:]
    let port: Int

    init(port: Int) { self.port = port }

    private func change(_ body: () -> Void) {
        condition.lock()
        body()
        condition.broadcast()
        condition.unlock()
    }

    /// The broker accepts, or does not.
    func set(isUp: Bool) { change { self.isUp = isUp } }
    /// Nothing new is to be published.
    func close() { change { isClosing = true } }
    /// A publish of this client has been acknowledged.
    func noteAcknowledgement(_ name: String) { change { acknowledgedCounts[name, default: 0] += 1 } }
    /// This client has connected.
    func noteConnection(_ name: String) { change { connectionCounts[name, default: 0] += 1 } }

    var isOver: Bool {
        condition.lock()
        defer { condition.unlock() }
        return isClosing
    }

    var count: Int {
        condition.lock()
        defer { condition.unlock() }
        return acknowledgedCount
    }

    private var acknowledgedCount: Int { acknowledgedCounts.values.reduce(0, +) }

    /// Waits until the broker accepts; a tenth of a second at most.
    func waitUntilUp() -> Bool {
        condition.lock()
        defer { condition.unlock() }
        if !isUp { _ = condition.wait(until: Date(timeIntervalSinceNow: 0.1)) }
        return isUp
    }

    /// Waits until `count` publishes are acknowledged in all.
    func wait(forCount count: Int, within seconds: Double = 120) -> Bool {
        wait(within: seconds) { acknowledgedCount >= count }
    }

    /// Waits until `count` publishes of each client are acknowledged.
    func wait(forCount count: Int, ofEach names: [String]) -> Bool {
        wait(within: 120) { names.allSatisfy { acknowledgedCounts[$0] ?? 0 >= count } }
    }

    /// Waits until each client has connected `count` times.
    func wait(forConnections count: Int, ofEach names: [String]) -> Bool {
        wait(within: 120) { names.allSatisfy { connectionCounts[$0] ?? 0 >= count } }
    }

    private func wait(within seconds: Double, until isSo: () -> Bool) -> Bool {
        let end = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while !isSo() {
            guard condition.wait(until: end) else { return false }
        }
        return true
    }
}

/// A libmosquitto client with a session that stays: it publishes numbers, comes back after each crash and keeps book.
///
/// Isolation: its thread, until `join`; then whoever joined.
// Sendable: other threads read only after `join`.
final class CrashClient: @unchecked Sendable {
    let name: String
    let qos: Int32
    /// How long it goes on at most.
    private let seconds: Double
    private let stage: CrashStage
    private let handle: OpaquePointer
    private let done = DispatchSemaphore(value: 0)
    private var isConnected = false
    private var isOpen = false
    private var underWay: [Int32: Int] = [:]
    private(set) var sentCount = 0
    /// The numbers that the broker acknowledged, in the order of the acknowledgements.
    private(set) var acknowledged: [Int] = []
    private(set) var connectCount = 0

    private static let windowMax = 20

    init(name: String, qos: Int32, _ stage: CrashStage, within seconds: Double = 600) throws {
        _ = MosquittoClient.library
        guard let handle = mosquitto_new(name, false, nil) else {
            throw MosquittoClient.Failure(text: "mosquitto_new: \(errno)")
        }
        self.name = name
        self.qos = qos
        self.seconds = seconds
        self.stage = stage
        self.handle = handle
        mosquitto_max_inflight_messages_set(handle, UInt32(Self.windowMax))
        mosquitto_user_data_set(handle, Unmanaged.passUnretained(self).toOpaque())
        mosquitto_connect_callback_set(handle) { _, data, code in
            CrashClient.client(data)?.isOpen = code == 0
        }
        mosquitto_publish_callback_set(handle) { _, data, id in
            guard let client = CrashClient.client(data), let number = client.underWay.removeValue(forKey: id) else {
                return
            }
            client.acknowledged.append(number)
            client.stage.noteAcknowledgement(client.name)
        }
    }

    deinit { mosquitto_destroy(handle) }

    private static func client(_ data: UnsafeMutableRawPointer?) -> CrashClient? {
        data.map { Unmanaged<CrashClient>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Starts publishing, until the stage closes and everything is acknowledged.
    func start() {
        Thread.detachNewThread {
            self.run()
            self.done.signal()
        }
    }

    /// Waits for its end.
    func join(within seconds: Double) -> Bool { done.wait(timeout: .now() + seconds) == .success }

    private func run() {
        let deadline = Deadline(seconds)
        while !deadline.isOver, !(stage.isOver && underWay.isEmpty) {
            if !isConnected {
                guard stage.waitUntilUp() else { continue }
                isConnected = connect()
                continue
            }
            while isOpen, !stage.isOver, underWay.count < Self.windowMax { publish() }
            if mosquitto_loop(handle, 50, 1) != 0 {
                isConnected = false
                isOpen = false
            }
        }
        mosquitto_disconnect(handle)
    }

    private func connect() -> Bool {
        let isFirst = connectCount == 0
        let result =
            isFirst ? mosquitto_connect(handle, "127.0.0.1", Int32(stage.port), 30) : mosquitto_reconnect(handle)
        guard result == 0 else { return false }
        connectCount += 1
        stage.noteConnection(name)
        return true
    }

    private func publish() {
        let payload = "\(name) \(sentCount) " + String(repeating: "x", count: 80)
        var id: Int32 = 0
        // The library keeps the message in any case, and sends it again when it has connected again.
        _ = mosquitto_publish(handle, &id, "crash/\(name)", Int32(payload.utf8.count), payload, qos, false)
        underWay[id] = sentCount
        sentCount += 1
    }
}

/// A generator with a seed, so that a failure can be had again. Source: SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}
