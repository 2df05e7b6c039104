import AccessControl
import Foundation
import Speaking
import Testing

/// What Sluice's rules decide and what mosquitto 2.0 does, side by side.
@Suite("Access beside mosquitto", .enabled(if: Program.isInstalled("mosquitto")))
struct AccessBesideMosquittoTests {
    /// Whoever publishes what others are to receive; the rules give it everything.
    private static let judge = "judge"
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
            let judge = try Self.client(mosquitto, Self.judge, "judge")
            for item in group.cases {
                let name = "\(item.user ?? "nobody") as \(item.client): \(item.attempt)"
                #expect(Self.ours(item, rules) == item.isAllowed, "\(name)")
                let theirs = try Self.theirs(item, mosquitto, judge)
                #expect(theirs == (item.difference == nil ? item.isAllowed : !item.isAllowed), "\(name), of mosquitto")
                count += 1
            }
        }
        #expect(count >= 100)
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

    // MARK: Theirs

    private static func client(_ broker: MosquittoBroker, _ user: String?, _ id: String) throws -> Peer {
        let peer = try Peer(port: broker.port, 5)
        peer.send(
            RawPacket.connect(
                level: 5, id: id, flags: user == nil ? 2 : 0x82, payload: user.map { RawPacket.string($0) } ?? []))
        peer.expect("connack 0")
        return peer
    }

    private static func theirs(_ item: AccessTable.Case, _ broker: MosquittoBroker, _ judge: Peer) throws -> Bool {
        let peer = try client(broker, item.user, item.client)
        defer { peer.disconnect() }
        switch item.attempt {
        case .publish(let topic):
            peer.publish(topic, "p", qos: 1, id: 7)
            return ["puback 7", "puback 7 16"].contains(peer.next())
        case .live(let filter, let topic):
            peer.subscribed(filter, 0)
            publish(judge, topic)
            return receives(peer, topic)
        case .retained(let filter, let topic):
            // What is under $SYS mosquitto retains itself.
            if !topic.hasPrefix("$SYS") { publish(judge, topic, retain: true) }
            peer.subscribed(filter, 0)
            return receives(peer, topic)
        }
    }

    /// Publishes, and waits until it is delivered.
    private static func publish(_ judge: Peer, _ topic: String, retain: Bool = false) {
        judge.publish(topic, "m", qos: 1, id: 3, retain: retain)
        let answer = judge.next()
        #expect(["puback 3", "puback 3 16"].contains(answer), "\(topic): \(answer)")
    }

    /// Whether a message of the topic comes before the answer to a PINGREQ.
    private static func receives(_ peer: Peer, _ topic: String) -> Bool {
        peer.send([0xC0, 0])
        var isThere = false
        while true {
            let heard = peer.next()
            if heard.hasPrefix("\(topic) ") { isThere = true }
            if ["pingresp", "closed", "silence"].contains(heard) { return isThere }
        }
    }
}
