import Bridging
import LogInterface
import MQTTWire
import SluiceCore
import SluiceTesting
import Testing
import TopicRouting

@testable import SluiceBroker

/// A bridge on a log whose history cannot be read for a while.
@Suite("A bridge whose reads fail")
struct BridgeReadTests {
    private final class Upstream: UpstreamClient {
        private(set) var attempts: [UpstreamAttempt] = []
        let wake: @Sendable () -> Void = {}

        func connect(_ attempt: UpstreamAttempt) { attempts.append(attempt) }
        func disconnect() {}
        func drop() {}
        func publish(_ message: borrowing BridgeMessage) -> PublishOutcome { .unconnected }
        func subscribe(_ subscription: TopicMap.Subscription, noLocal: Bool) -> UInt16? { nil }
        func receive(into events: inout [UpstreamEvent]) {}
        func flush() {}
        func wait(until deadline: Int64, isHeld: Bool) {}
    }

    private final class Notebook: BridgeNotebook {
        func contents() -> [UInt8] { [] }
        func write(_ bytes: [UInt8], at byteIndex: Int) -> Bool { true }
    }

    private let log = FakeLog(tailBytesMax: 0, others: [BridgeCheckpoint.stream])
    private let peers = FakePeers()
    private let upstream = Upstream()

    /// Three messages in segment files, a second apart.
    private func publish() {
        let test = TestShard(log)
        for payload in ["a", "b", "c"] {
            let publisher = test.connect("p")
            publisher.publish("t", payload, qos: .exactlyOnce)
            test.settle()
            publisher.drop()
            log.flush()
            test.pass(seconds: 1)
        }
    }

    private func bridge(_ checkpoint: BridgeCheckpoint?) throws -> BridgeRunner {
        var settings = BridgeSettings(
            name: "up", addresses: [BridgeSettings.Address(host: "up", port: 1883)],
            topics: [try BridgeTopic(pattern: "t/#", direction: .out, qos: .exactlyOnce)], nodeName: "node")
        settings.notifies = false
        return BridgeRunner(
            settings: settings, log: log, peers: peers, rules: RuleSet(), limits: Limits(), checkpoint: checkpoint,
            notebook: Notebook(), upstream: upstream, random: SeededGenerator(seed: 1), now: 0, report: { _, _ in })
    }

    /// Ticks for so long, the disk following each.
    private func run(_ bridge: BridgeRunner, milliseconds: Range<Int64>) {
        for time in stride(from: milliseconds.lowerBound, to: milliseconds.upperBound, by: 10) {
            _ = bridge.tick(now: time * 1_000_000, wallClock: Timestamp(rawValue: time))
            log.commit()
        }
    }

    @Test("a QoS 2 message that was on its way goes again under its identifier, also when it cannot be read at once")
    func assured() throws {
        publish()
        var checkpoint = BridgeCheckpoint()
        checkpoint.lastPacketID = 7
        checkpoint.partitions = [
            BridgeCheckpoint.Partition(
                stream: "mqtt", number: 0, position: .zero, done: [], counts: BridgeCounts(start: .zero),
                sentEnd: Offset(rawValue: 1))
        ]
        checkpoint.assured = [BridgeCheckpoint.Assured(packetID: 7, partition: 0, offset: .zero, isReceived: false)]
        log.failsReads = true
        let bridge = try bridge(checkpoint)
        run(bridge, milliseconds: 0..<2000)
        #expect(upstream.attempts.isEmpty, "who does not know what was on its way does not connect")
        log.failsReads = false
        run(bridge, milliseconds: 2000..<4000)
        let attempt = try #require(upstream.attempts.first)
        #expect(attempt.unreceived.map(\.packetID) == [7])
        #expect(attempt.unreceived.map(\.message.payload) == [Array("a".utf8)])
    }

    @Test("a bridge that is to go on at a time looks that up until it is answered")
    func sought() throws {
        publish()
        let bridge = try bridge(nil)
        run(bridge, milliseconds: 0..<100)
        log.failsLookups = true
        bridge.perform(.seek(.time(2000)), now: 100_000_000)
        run(bridge, milliseconds: 100..<2000)
        log.failsLookups = false
        run(bridge, milliseconds: 2000..<4000)
        #expect(bridge.status.partitions.first?.position == 2)
    }
}
