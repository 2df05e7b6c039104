import Foundation
import Testing

@Suite("A consumer group whose members and broker are killed")
struct GroupTests {
    private static let configuration = """
        streams:
          - name: crash
            partitions: 4
        rules:
          - from: crash/{client}
            stream: crash
            key: "{client}"

        """
    /// Rounds of one run; `make soak` asks for more.
    private static let roundCount = ProcessInfo.processInfo.environment["SLUICE_SOAK_ROUNDS"].flatMap(Int.init) ?? 10

    @Test("nothing acknowledged is missing, order of a key holds, and only what was not acknowledged comes again")
    func losesNothing() throws {
        let seed =
            ProcessInfo.processInfo.environment["SLUICE_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1 << 32)
        let hint = Comment("again: SLUICE_SEED=\(seed) swift test --filter IntegrationTests.GroupTests")
        var generator = SeededGenerator(seed: seed)
        var broker = try BrokerProcess(Self.configuration)
        let stage = CrashStage(port: broker.port)
        let book = GroupBook()
        let members = (0..<3).map {
            GroupMember(name: "w\($0)", filter: "$share/g/$stream/crash", stage, book)
        }
        // The group is there before the first message.
        let founder = try RawClient(port: broker.port, level: 4, id: "w0", flags: 0)
        founder.send(RawPacket.subscribe(level: 4, filter: "$share/g/$stream/crash", qos: 1))
        #expect(founder.next() == .packet([0x90, 3, 0, 1, 1]))
        // At QoS 2, so that the log has each message once.
        let publishers = try (0..<6).map { try CrashClient(name: "c\($0)", qos: 2, stage) }
        stage.set(isUp: true)
        for member in members { member.start() }
        members[0].set(isWanted: true)
        for publisher in publishers { publisher.start() }
        var isIn = [true, false, false]
        for _ in 0..<Self.roundCount {
            #expect(stage.wait(forCount: stage.count + Int.random(in: 50...500, using: &generator)), hint)
            if Int.random(in: 0..<4, using: &generator) == 0 {
                stage.set(isUp: false)
                broker.crash()
                book.beginEra()
                broker = try broker.restarted(Self.configuration)
                stage.set(isUp: true)
            } else {
                let index = Int.random(in: 0..<3, using: &generator)
                isIn[index].toggle()
                members[index].set(isWanted: isIn[index])
            }
        }
        for member in members { member.set(isWanted: true) }
        stage.close()
        for publisher in publishers { #expect(publisher.join(within: 120), hint) }
        let published = publishers.reduce(0) { $0 + $1.acknowledged.count }
        book.wait(forDistinct: published, within: 120)
        for member in members { member.end() }
        for member in members { #expect(member.join(within: 120), hint) }
        check(book, publishers, hint)
        #expect(broker.stop() == 0, hint)
    }

    private func check(_ book: GroupBook, _ publishers: [CrashClient], _ hint: Comment) {
        let entries = book.all
        var again = 0
        for publisher in publishers {
            let own = entries.filter { $0.publisher == publisher.name }
            let missing = Set(publisher.acknowledged).subtracting(own.map(\.number)).sorted()
            #expect(missing.isEmpty, "\(publisher.name) misses \(missing.prefix(20)), \(hint)")
            var first: [Int: Int] = [:]
            var order: [Int] = []
            for entry in own {
                guard let era = first[entry.number] else {
                    first[entry.number] = entry.era
                    order.append(entry.number)
                    continue
                }
                again += 1
                // A member acknowledges a message before it takes the next, and a broker that is not killed knows.
                #expect(era < entry.era || entry.number == order.last, "\(publisher.name) \(entry.number), \(hint)")
            }
            #expect(order == order.sorted(), "the order of \(publisher.name), \(hint)")
        }
        // What a crash may bring again: acknowledgements of its last moment. Far less than a window a member.
        let crashes = book.crashCount
        #expect(again <= (crashes + Self.roundCount) * 1024, hint)
    }
}
