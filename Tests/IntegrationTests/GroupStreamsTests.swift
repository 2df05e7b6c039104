import Foundation
import Glibc
import Testing

@Suite("A consumer group on several streams")
struct GroupStreamsTests {
    private static let configuration =
        """
        streams:
          - name: one
            partitions: 2
          - name: two
            partitions: 2
        rules:
          - from: one/#
            stream: one
          - from: two/#
            stream: two

        """ + BrokerProcess.plain

    /// What `sluice groups describe` says.
    private struct Description: Decodable {
        var members: [Member]
        var offsets: [Position]

        struct Member: Decodable {
            var id: String
            var partitions: [Partition]

            enum CodingKeys: String, CodingKey {
                case id = "client_id"
                case partitions
            }
        }

        struct Partition: Decodable { var stream: String }

        struct Position: Decodable {
            var stream: String
            var committed: Int
        }

        func committed(_ stream: String) -> Int {
            offsets.filter { $0.stream == stream }.reduce(0) { $0 + $1.committed }
        }

        /// What each member has, as `STREAM STREAM…`.
        var assignment: [String: String] {
            Dictionary(
                uniqueKeysWithValues: members.map { member in
                    (member.id, member.partitions.map(\.stream).sorted().joined(separator: " "))
                })
        }
    }

    private func describe(_ broker: BrokerProcess) throws -> Description? {
        let result = try broker.sluice(["groups", "describe", "g", "--json"])
        guard result.code == 0 else { return nil }
        return try JSONDecoder().decode(Description.self, from: Data(result.output.utf8))
    }

    private func wait(_ broker: BrokerProcess, until condition: (Description) -> Bool) throws {
        var last: Description?
        let isSo = try broker.process.wait {
            last = try describe(broker)
            return last.map(condition) ?? false
        }
        try #require(isSo, "\(String(describing: last))")
    }

    private func member(_ broker: BrokerProcess, _ name: String, _ streams: [String]) throws -> ChildProcess {
        let filters = streams.flatMap { ["-t", "$share/g/$stream/\($0)"] }
        return try ChildProcess(
            ["mosquitto_sub", "-p", String(broker.port), "-q", "1", "-i", name, "-c"] + filters, in: broker.directory)
    }

    /// Publishes numbers, each to a topic of its own, to a stream.
    private func publish(_ broker: BrokerProcess, _ stream: String, _ numbers: ClosedRange<Int>) throws {
        for number in numbers {
            let arguments = ["-q", "1", "-t", "\(stream)/\(number)", "-m", String(number)]
            #expect(try broker.mosquitto("pub", arguments).code == 0)
        }
    }

    private func hasReceived(_ member: ChildProcess, _ numbers: ClosedRange<Int>) -> Bool {
        member.wait { member.output.split(separator: "\n").count >= numbers.count }
            && member.output.split(separator: "\n").compactMap { Int($0) }.sorted() == Array(numbers)
    }

    private func end(_ member: ChildProcess) {
        member.kill(SIGTERM)
        #expect(member.exitCode() != nil)
    }

    @Test("members and offsets of both streams are on record, and a kill takes nothing of either")
    func survives() throws {
        var broker = try BrokerProcess(Self.configuration)
        let (a, b) = (try member(broker, "a", ["one"]), try member(broker, "b", ["two"]))
        try wait(broker) { $0.assignment == ["a": "one one", "b": "two two"] }
        try publish(broker, "one", 1...6)
        try publish(broker, "two", 1...4)
        #expect(hasReceived(a, 1...6))
        #expect(hasReceived(b, 1...4))
        try wait(broker) { $0.committed("one") == 6 && $0.committed("two") == 4 }
        // It is acknowledged when everything before it is on the device.
        #expect(try broker.mosquitto("pub", ["-q", "1", "-t", "elsewhere", "-m", "x"]).code == 0)
        broker.crash()
        broker = try broker.restarted(Self.configuration)
        let after = try #require(try describe(broker))
        #expect(after.committed("one") == 6)
        #expect(after.committed("two") == 4)
        // Its clients come back by themselves.
        try wait(broker) { $0.assignment == ["a": "one one", "b": "two two"] }
        try publish(broker, "one", 7...8)
        try publish(broker, "two", 5...7)
        #expect(hasReceived(a, 1...8))
        #expect(hasReceived(b, 1...7))
        for member in [a, b] { end(member) }
        #expect(broker.stop() == 0)
    }

    @Test("it is not deleted while a member of one stream is there, and what the other stream's has done stays")
    func deletes() throws {
        let broker = try BrokerProcess(Self.configuration)
        let a = try member(broker, "a", ["one"])
        try wait(broker) { $0.assignment == ["a": "one one"] }
        let b = try member(broker, "b", ["two"])
        try wait(broker) { $0.assignment == ["a": "one one", "b": "two two"] }
        try publish(broker, "one", 1...3)
        try publish(broker, "two", 1...2)
        try wait(broker) { $0.committed("one") == 3 && $0.committed("two") == 2 }
        end(b)
        try wait(broker) { $0.assignment == ["a": "one one"] }
        let refused = try broker.sluice(["groups", "delete", "g"])
        #expect(refused.code == 1)
        #expect(refused.errors.contains("the group 'g' has members"), "\(refused)")
        try wait(broker) { $0.committed("one") == 3 && $0.committed("two") == 2 }
        let list = try broker.sluice(["groups", "list"])
        #expect(list.output.contains("one,two"), "\(list)")
        // The member goes on undisturbed.
        try publish(broker, "one", 4...5)
        #expect(hasReceived(a, 1...5))
        end(a)
        try wait(broker) { $0.members.isEmpty }
        #expect(try broker.sluice(["groups", "delete", "g"]).code == 0)
        #expect(try describe(broker) == nil)
        #expect(broker.stop() == 0)
    }

    @Test("a client with two streams is one member, and a reset of one stream leaves the other's place alone")
    func readsBoth() throws {
        let broker = try BrokerProcess(Self.configuration)
        let a = try member(broker, "a", ["one", "two"])
        try wait(broker) { $0.assignment == ["a": "one one two two"] }
        let b = try member(broker, "b", ["two"])
        try wait(broker) { $0.assignment == ["a": "one one two", "b": "two"] }
        try publish(broker, "one", 1...3)
        try publish(broker, "two", 1...4)
        try wait(broker) { $0.committed("one") == 3 && $0.committed("two") == 4 }
        let arguments = ["groups", "reset", "g", "--to-earliest", "--execute"]
        let ambiguous = try broker.sluice(arguments)
        #expect(ambiguous.code != 0)
        #expect(ambiguous.errors.contains("the group reads several streams (one, two)"), "\(ambiguous)")
        #expect(try broker.sluice(arguments + ["--stream", "two"]).code == 0)
        // Stream one's three once, stream two's four twice.
        #expect(
            broker.process.wait {
                [a, b].reduce(0) { $0 + $1.output.split(separator: "\n").count } == 3 + 2 * 4
            })
        try wait(broker) { $0.committed("one") == 3 && $0.committed("two") == 4 }
        #expect(try describe(broker)?.assignment == ["a": "one one two", "b": "two"])
        for member in [a, b] { end(member) }
        #expect(broker.stop() == 0)
    }
}
