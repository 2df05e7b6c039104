import MQTTWire
import SluiceCore
import Testing

@testable import SluiceBroker

/// History that cannot be read for a while, and reads that come when nobody waits for them any more.
@Suite("Reads that fail or come late")
struct FailedReadTests {
    /// Nothing stays in memory once it is in segment files.
    private let test = TestShard(FakeLog(tailBytesMax: 0))

    private func publish(_ payload: String) {
        let publisher = test.connect("p")
        publisher.publish("t/1", payload, qos: .atLeastOnce)
        test.settle()
        publisher.drop()
        test.log.flush()
        test.tick()
    }

    @Test("a look-up of offsets by time whose read fails is answered when the log can be read again")
    func offsets() {
        publish("1")
        let client = test.connect("c")
        let properties = PropertyWriter.bytes {
            PropertyWriter.append(.responseTopic, Array("answers/1".utf8).span, to: &$0)
        }
        test.log.failsReads = true
        client.publish("$sluice/offsets", "mqtt\n0", qos: .atMostOnce, properties: properties)
        test.settle()
        let fetchCount = test.log.fetchCount
        #expect(fetchCount == 1)
        #expect(client.take().isEmpty)
        // It is not asked again and again, but in a while, and answered once.
        test.settle()
        #expect(test.log.fetchCount == fetchCount)
        test.log.failsReads = false
        test.pass(seconds: 1)
        test.settle()
        let answers = client.take()
        #expect(answers.count == 1 && answers[0].hasPrefix("answers/1 "), "\(answers)")
        #expect(answers[0].contains(#""offset":0"#), "\(answers)")
    }

    @Test("a share group that ends while its read is on the way leaves no memory on the account")
    func ended() {
        let baseline = test.peers.memoryUse
        let one = PropertyWriter.bytes { PropertyWriter.append(.receiveMaximum, 1, to: &$0) }
        let member = test.connect("m", properties: one)
        member.subscribe("$share/g/t/#", qos: .atLeastOnce)
        test.settle()
        #expect(member.takeFirst() == "suback [1]")
        for number in 0..<4 { publish("\(number)") }
        #expect(member.take() == ["t/1 0 q1 #1"])
        test.log.holdsFetches = true
        member.acknowledge(.puback, 1)
        test.settle()
        #expect(test.log.fetchCount > 0 && test.peers.memoryUse > baseline)
        member.unsubscribe("$share/g/t/#")
        test.settle()
        test.log.releaseFetches()
        test.settle()
        member.drop()
        test.settle()
        #expect(test.peers.memoryUse == baseline)
    }
}
