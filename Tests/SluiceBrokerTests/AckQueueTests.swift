import MQTTWire
import SluiceCore
import Testing

@testable import SluiceBroker

@Suite("Acknowledgements that wait")
struct AckQueueTests {
    private let test = TestShard()

    private func client() -> Client { test.shard.connected(TestClient(test, .v5), address: "test") }

    /// A PUBACK as `AckQueue` keeps it.
    private func puback(_ id: UInt32) -> UInt32 { 0x4002_0000 | id }

    private func lsn(_ number: UInt64) -> LSN { LSN(rawValue: number) }

    @Test("groups are released in their order, also when a later one waits for less")
    func keepsOrder() {
        var queue = AckQueue()
        let client = client()
        queue.current.add(client, puback(1), ends: true)
        queue.current.require(.durable)
        queue.commit(lsn(5))
        queue.current.add(client, puback(2), ends: true)
        queue.current.require(.none)
        queue.commit(lsn(6))
        let none = queue.popReleased(written: lsn(6), durable: lsn(4))
        #expect(none == nil)
        let oldest = queue.oldest
        #expect(oldest?.lsn == lsn(5))
        let first = queue.popReleased(written: lsn(6), durable: lsn(5))
        #expect(first?.acknowledgement(at: 0).1 == 1)
        let second = queue.popReleased(written: lsn(6), durable: lsn(5))
        #expect(second?.acknowledgement(at: 0).1 == 2)
        #expect(queue.isEmpty == true)
    }

    @Test("a group waits for the strictest that was asked of it")
    func waitsForStrictest() {
        for (asked, released) in [
            ([AckQueue.Level.none], true), ([.written], false), ([.none, .written, .none], false),
            ([.durable, .none], false), ([.written, .durable], false),
        ] {
            var queue = AckQueue()
            queue.current.add(client(), puback(1), ends: true)
            for level in asked { queue.current.require(level) }
            queue.commit(lsn(3))
            let group = queue.popReleased(written: lsn(2), durable: lsn(2))
            #expect((group != nil) == released, "\(asked)")
        }
        var queue = AckQueue()
        queue.current.add(client(), puback(1), ends: true)
        queue.current.require(.written)
        queue.commit(lsn(3))
        let group = queue.popReleased(written: lsn(3), durable: lsn(0))
        #expect(group != nil)
    }

    @Test("acknowledgements of one client in a row are one run, with the publishes that they end")
    func gathersRuns() throws {
        var queue = AckQueue()
        let (one, two) = (client(), client())
        queue.current.add(one, puback(1), ends: true)
        queue.current.add(one, 0x5002_0002, ends: false)
        queue.current.add(two, puback(3), ends: true)
        queue.current.add(one, puback(4), ends: true)
        queue.commit(lsn(1))
        let released = queue.popReleased(written: lsn(1), durable: lsn(1))
        let group = try #require(released)
        #expect(group.runs.map(\.byteCount) == [8, 4, 4])
        #expect(group.runs.map(\.endedCount) == [1, 1, 1])
        #expect(group.runs.map(\.start) == [0, 8, 12])
        #expect(group.acknowledgement(at: 4).0 == .pubrec)
        #expect(group.acknowledgement(at: 12).1 == 4)
    }

    @Test("an empty tick is no group, and a refused one leaves nothing behind")
    func forgetsRefused() {
        var queue = AckQueue()
        queue.current.require(.durable)
        queue.commit(lsn(1))
        #expect(queue.isEmpty == true)
        queue.current.add(client(), puback(1), ends: true)
        let refused = queue.takeRefused()
        #expect(refused.runs.count == 1)
        #expect(queue.isEmpty == true)
        queue.recycle(refused)
        #expect(refused.isEmpty)
        let late = queue.popReleased(written: lsn(9), durable: lsn(9))
        #expect(late == nil)
    }
}
