import Foundation
import Testing

@Suite("sluice state")
struct StateCommandTests {
    private func objects(_ text: String) throws -> [[String: Any]] {
        try text.split(separator: "\n").map { line in
            try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
        }
    }

    @Test("Beside a running broker, and after it, each topic has the last value that it had at the time asked for")
    func values() throws {
        let broker = try BrokerProcess("streams:\n  - name: other\nrules:\n  - from: plant2/#\n    stream: other\n")
        func publish(_ topic: String, _ payload: String) throws {
            #expect(try broker.sluice(["publish", topic, "-m", payload]).code == 0)
        }
        func state(_ arguments: String...) throws -> Program.Result {
            try Program.sluice(["state", "--data", broker.data] + arguments)
        }
        try publish("plant1/a", "1")
        try publish("plant1/b", "2")
        try publish("plant2/c", "3")
        let before = try objects(state("#", "--json").output)
        #expect(before.map { $0["topic"] as? String } == ["plant1/a", "plant1/b", "plant2/c"])
        #expect(before.map { $0["payload"] as? String } == ["1", "2", "3"])
        #expect(before.map { $0["stream"] as? String } == ["mqtt", "mqtt", "other"])
        let moment = try #require(before.compactMap { $0["timestamp"] as? Int }.max())
        // The records that follow are of a later millisecond.
        #expect(broker.process.wait { Date.now.timeIntervalSince1970 * 1e6 > Double(moment + 2000) })
        try publish("plant1/a", "4")
        try publish("plant1/d", "5")
        for _ in 0..<2 {
            let now = try objects(state("plant1/#", "--json").output)
            #expect(now.map { $0["payload"] as? String } == ["4", "2", "5"])
            // Microseconds since 1970 are a position like any other.
            let then = try objects(state("#", "--at", "\(moment)", "--json").output)
            #expect(then.map { $0["payload"] as? String } == ["1", "2", "3"])
            let only = try objects(state("#", "--stream", "other", "--json").output)
            #expect(only.map { $0["payload"] as? String } == ["3"])
            #expect(broker.stop() == 0)
        }
        let table = try state("plant1/a")
        #expect(table.code == 0 && table.output.hasPrefix("TOPIC") && table.output.contains("mqtt 0:"), "\(table)")
    }

    @Test("A moment that is none, a filter that is none, and topics that are not there are said by name")
    func refused() throws {
        let broker = try BrokerProcess()
        #expect(try broker.sluice(["publish", "a", "-m", "1"]).code == 0)
        func state(_ arguments: String...) throws -> Program.Result {
            try Program.sluice(["state", "--data", broker.data] + arguments)
        }
        let position = try state("#", "--at", "earliest")
        #expect(position.code == 2 && position.errors.contains("earliest"), "\(position)")
        let filter = try state("a/#/b")
        #expect(filter.code == 2 && filter.errors.contains("a/#/b"), "\(filter)")
        let nothing = try state("b")
        #expect(nothing.code == 0 && nothing.output.isEmpty && nothing.errors.contains("'b'"), "\(nothing)")
        let early = try state("a", "--at", "2001-01-01T00:00Z")
        #expect(early.code == 0 && early.errors.contains("2001-01-01T00:00:00"), "\(early)")
        let stream = try state("#", "--stream", "mqt")
        #expect(stream.code == 1 && stream.errors.contains("mqtt"), "\(stream)")
    }
}
