import AccessControl
import Foundation
import SluiceNode
import Speaking
import Testing

/// What Sluice's rules decide and what mosquitto 2.0 does, side by side.
@Suite("Access beside mosquitto", .enabled(if: Program.isInstalled("mosquitto")))
struct AccessBesideMosquittoTests {
    /// Whoever publishes what others are to receive; the rules give it everything.
    private static let judge = "judge"
    private static let password = "of everybody"
    private static let judgeRules = "user judge\ntopic #\ntopic $other/#\n"

    @Test("each try is decided as mosquitto 2.0 decides it, or for a reason that docs/ACCESS.md gives")
    func decides() throws {
        var count = 0
        for group in AccessTable.groups {
            // The judge comes last: what stands before the first 'user' is for nobody's.
            let text = group.rules + "\n" + Self.judgeRules
            let rules = try AccessRules.mosquitto(Array(text.utf8), file: "acl")
            let directory = try TemporaryDirectory()
            let file = try directory.write("acl", text)
            let mosquitto = try MosquittoBroker("allow_anonymous true\nacl_file \(file)\n")
            let judge = try #require(try Self.client(mosquitto.port, Self.judge, "judge"))
            for item in group.cases {
                let name = "\(item.user ?? "nobody") as \(item.client): \(item.attempt)"
                #expect(Self.ours(item, rules) == item.isAllowed, "\(name)")
                let theirs = try Self.attempt(item, mosquitto.port, judge)
                #expect(theirs == (item.difference == nil ? item.isAllowed : !item.isAllowed), "\(name), of mosquitto")
                count += 1
            }
        }
        #expect(count >= 100)
    }

    @Test("a broker lets clients do what the rules decide: publish, receive live, retained and by a group")
    func enforces() throws {
        let users = Set(AccessTable.groups.flatMap(\.cases).compactMap(\.user) + [Self.judge])
        let directory = try TemporaryDirectory()
        let hash = try #require(
            PasswordHash.make(.sha512, of: Array(Self.password.utf8), SystemHashing()))
        var passwords: [UInt8] = []
        for user in users where PasswordFileEditing.isUserName(Array(user.utf8)) {
            passwords = PasswordFileEditing.set(Array(user.utf8), [hash], in: passwords)
        }
        let passwordFile = try directory.write("passwords", String(decoding: passwords, as: UTF8.self))
        for (number, group) in AccessTable.groups.enumerated() {
            let file = try directory.write("acl\(number)", group.rules + "\n" + Self.judgeRules)
            // On one loop a message is with its subscribers when its publisher hears of it.
            let broker = try BrokerProcess(
                "allow_anonymous: true\npassword_file: \(passwordFile)\nacl_file: \(file)\n" + BrokerProcess.plain,
                loops: 1)
            let judge = try #require(try Self.client(broker.port, Self.judge, "judge", password: Self.password))
            for item in group.cases {
                for level in [4, 5] as [UInt8] {
                    // Before MQTT 5 nobody tells a publisher.
                    if level == 4, case .publish = item.attempt { continue }
                    let done = try Self.attempt(item, broker.port, judge, password: Self.password, level: level)
                    let name = "\(item.user ?? "nobody") as \(item.client): \(item.attempt), level \(level)"
                    #expect(done == item.isAllowed, "\(name)")
                }
            }
            #expect(broker.stop() == 0)
        }
    }

    @Test("files that mosquitto refuses are refused, with the line at fault")
    func refuses() throws {
        for (text, line) in AccessTable.refused {
            do throws(SecurityFileError) {
                _ = try AccessRules.mosquitto(Array(text.utf8), file: "acl")
                Issue.record("\(text) is taken")
            } catch {
                #expect(error.line == line, "\(text)")
            }
            let directory = try TemporaryDirectory()
            let file = try directory.write("acl", text)
            do {
                _ = try MosquittoBroker("allow_anonymous true\nacl_file \(file)\n")
                Issue.record("\(text) is taken by mosquitto")
            } catch let error as MosquittoBroker.StartError {
                // Not for want of the file.
                let isRead = !error.text.contains("Unable to open") && error.text.contains("Error opening acl file")
                #expect(isRead, "\(text): \(error.text)")
            }
        }
    }

    @Test("docs/ACCESS.md gives the reason of every difference")
    func isDocumented() throws {
        let text = try ShippedExamples.document("docs/ACCESS.md")
        for reason in Set(AccessTable.groups.flatMap(\.cases).compactMap(\.difference)) {
            #expect(text.contains(reason), "\(reason)")
        }
    }

    // MARK: Ours

    private static func ours(_ item: AccessTable.Case, _ rules: AccessRules) -> Bool {
        let rights = rules.rights(
            of: item.user.map { .user($0) } ?? .anonymous, clientID: Array(item.client.utf8))
        switch item.attempt {
        case .publish(let topic):
            let bytes = Array(topic.utf8)
            return rights.mayPublish(bytes.span).isAllowed
        case .live(let filter, let topic), .retained(let filter, let topic):
            let bytes = Array(topic.utf8)
            let isMatched = FilterSets.isCovered(bytes, by: inner(filter))
            return isMatched && rights.mayRead(bytes.span).isAllowed
        }
    }

    /// A filter without `$share/GROUP/`.
    private static func inner(_ filter: String) -> [UInt8] {
        let parts = filter.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        return Array((parts.first == "$share" ? String(parts[2]) : filter).utf8)
    }

    // MARK: Brokers

    /// A connected client; nil when it is not let in.
    private static func client(
        _ port: Int, _ user: String?, _ id: String, password: String? = nil, level: UInt8 = 5
    ) throws -> Peer? {
        let peer = try Peer(port: port, level)
        let secret = user == nil ? nil : password
        let payload = [user, secret].compactMap { $0 }.flatMap { RawPacket.string($0) }
        peer.send(
            RawPacket.connect(
                level: level, id: id, flags: 2 | (user == nil ? 0 : 0x80) | (secret == nil ? 0 : 0x40), payload: payload
            ))
        return peer.next() == "connack 0" ? peer : nil
    }

    /// Whether a broker lets a client do what it tries.
    private static func attempt(
        _ item: AccessTable.Case, _ port: Int, _ judge: Peer, password: String? = nil, level: UInt8 = 5
    ) throws -> Bool {
        guard let peer = try client(port, item.user, item.client, password: password, level: level) else {
            return false
        }
        defer { peer.disconnect() }
        switch item.attempt {
        case .publish(let topic):
            peer.publish(topic, "p", qos: 1, id: 7)
            return ["puback 7", "puback 7 16"].contains(peer.next())
        case .live(let filter, let topic):
            guard subscribes(peer, filter) else { return false }
            publish(judge, topic)
            return receives(peer, topic, item.isAllowed)
        case .retained(let filter, let topic):
            // What is under $SYS brokers retain themselves.
            if !topic.hasPrefix("$SYS") { publish(judge, topic, retain: true) }
            guard subscribes(peer, filter) else { return false }
            return receives(peer, topic, item.isAllowed)
        }
    }

    /// Whether a subscription is granted: Sluice refuses one that could never bring anything, mosquitto grants all.
    private static func subscribes(_ peer: Peer, _ filter: String) -> Bool {
        peer.subscribe([Peer.Filter(filter, 0)])
        let answer = peer.next()
        #expect(["suback 1 [0]", "suback 1 [135]"].contains(answer), "\(filter): \(answer)")
        return answer == "suback 1 [0]"
    }

    /// Publishes, and waits until it is delivered.
    private static func publish(_ judge: Peer, _ topic: String, retain: Bool = false) {
        judge.publish(topic, "m", qos: 1, id: 3, retain: retain)
        let answer = judge.next()
        #expect(["puback 3", "puback 3 16"].contains(answer), "\(topic): \(answer)")
    }

    /// Whether a message of the topic comes: it is waited for where it should, else for the answer to a PINGREQ.
    private static func receives(_ peer: Peer, _ topic: String, _ isExpected: Bool) -> Bool {
        if !isExpected { peer.send([0xC0, 0]) }
        while true {
            let heard = peer.next()
            if heard.hasPrefix("\(topic) ") { return true }
            if ["pingresp", "closed", "silence"].contains(heard) { return false }
        }
    }
}
