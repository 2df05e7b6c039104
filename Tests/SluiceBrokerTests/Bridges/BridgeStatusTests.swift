import CommitLog
import MQTTWire
import SluiceCore
import Testing

@testable import SluiceBroker

@Suite("What is told of a bridge")
struct BridgeStatusTests {
    @Test("the lag is counted up to what is durable when somebody asks, not when the bridge looked")
    func renewsLag() {
        let test = TestShard(FakeLog())
        let publisher = test.connect("p")
        var status = BridgeStatus(name: "up", state: .live, address: "127.0.0.1:1883")
        status.partitions = [BridgeStatus.Partition(stream: "mqtt", number: 0, position: 0, end: 0)]
        for id in [1, 2, 3] as [PacketID] { publisher.publish("t", "x", qos: .atLeastOnce, id: id) }
        let now = Timestamp(rawValue: 1_000_000)
        status.partitions[0].oldestStoredAt = Timestamp(rawValue: 990_000)
        status.renewLag(test.log, now: now)
        #expect(status.lagRecords == 0 && status.lagMilliseconds == 0)
        test.log.commit()
        status.renewLag(test.log, now: now)
        #expect(status.lagRecords == 3 && status.lagMilliseconds == 10_000)
        #expect(status.partitions[0].end == 3)
    }
}
