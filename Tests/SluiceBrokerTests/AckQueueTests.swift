import LogInterface
import MQTTWire
import SluiceCore
import Testing

@testable import SluiceBroker

@Suite("Acknowledgements that wait")
struct AckQueueTests {
    private let test = TestShard()

    private func client() -> Client { test.shard.connected(TestClient(test, .v5), peer: TestClient.peer) }

    /// A PUBACK as `AckQueue` keeps it.
    private func puback(_ id: UInt32) -> UInt32 { 0x4002_0000 | id }

    private func ticket(_ number: UInt64) -> AppendTicket { AppendTicket(rawValue: number) }

    @Test("a group is released by its own ticket, and only when it is the oldest")
    func keepsOrder() {
        var queue = AckQueue()
        let client = client()
        queue.current.add(client, puback(1), ends: true)
        queue.commit(ticket(5))
        queue.current.add(client, puback(2), ends: true)
        queue.commit(ticket(6))
        let none = queue.pop(ticket(4))
        #expect(none == nil)
        let oldest = queue.oldest
        #expect(oldest == ticket(5))
        let first = queue.pop(ticket(5))
        #expect(first?.acknowledgement(at: 0).1 == 1)
        let other = queue.pop(ticket(5))
        #expect(other == nil)
        let second = queue.pop(ticket(6))
        #expect(second?.acknowledgement(at: 0).1 == 2)
        #expect(queue.isEmpty == true)
    }

    @Test("acknowledgements of one client in a row are one run, with the publishes that they end")
    func gathersRuns() throws {
        var queue = AckQueue()
        let (one, two) = (client(), client())
        queue.current.add(one, puback(1), ends: true)
        queue.current.add(one, 0x5002_0002, ends: false)
        queue.current.add(two, puback(3), ends: true)
        queue.current.add(one, puback(4), ends: true)
        queue.commit(ticket(1))
        let released = queue.pop(ticket(1))
        let group = try #require(released)
        #expect(group.runs.map(\.byteCount) == [8, 4, 4])
        #expect(group.runs.map(\.endedCount) == [1, 1, 1])
        #expect(group.runs.map(\.start) == [0, 8, 12])
        #expect(group.acknowledgement(at: 4).0 == .pubrec)
        #expect(group.acknowledgement(at: 12).1 == 4)
    }

    @Test("an empty tick is no group, and one that was recycled has nothing left")
    func forgets() throws {
        var queue = AckQueue()
        queue.commit(ticket(1))
        #expect(queue.isEmpty == true)
        queue.current.add(client(), puback(1), ends: true)
        queue.commit(ticket(2))
        let popped = queue.pop(ticket(2))
        let group = try #require(popped)
        #expect(group.runs.count == 1)
        queue.recycle(group)
        #expect(group.isEmpty)
    }
}
