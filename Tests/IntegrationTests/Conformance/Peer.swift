import Foundation
import Testing

/// A client that says packet by packet what a test dictates, and hears answers as words.
///
/// `connack 0`, `connack 0 present`, `suback 1 [1]`, `unsuback 1 [0]`, `puback 1`, `pubrec 1`, `pubrel 1`, `pubcomp 1`,
/// each with a reason behind it unless that is success, `disconnect 130`, `pingresp`, and for a PUBLISH topic, payload,
/// QoS and what else is set: `a/b text q1 #1 dup retain`. A lost connection is `closed`, and none of all this in time
/// `silence`.
final class Peer {
    let level: UInt8
    private let socket: RawClient
    /// The properties of the packet that came last, without their length.
    private(set) var properties: [UInt8] = []

    /// A connection to any broker that has said nothing yet.
    init(port: Int, _ level: UInt8) throws {
        self.level = level
        socket = try RawClient(port: port)
    }

    /// A connection that has said nothing yet.
    convenience init(_ broker: BrokerProcess, _ level: UInt8) throws { try self.init(port: broker.port, level) }

    /// A connected client.
    /// - Parameter isPresent: what the CONNACK must say of the session; nil for either.
    convenience init(
        _ broker: BrokerProcess, _ level: UInt8, _ id: String, clean: Bool = true, keepAlive: UInt8 = 0,
        properties: [UInt8] = [], will: Will? = nil, isPresent: Bool? = false,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try self.init(broker, level)
        connect(id, clean: clean, keepAlive: keepAlive, properties: properties, will: will)
        let greeting = next()
        let expected = isPresent.map { [$0 ? "connack 0 present" : "connack 0"] } ?? ["connack 0", "connack 0 present"]
        #expect(expected.contains(greeting), "\(id): \(greeting)", sourceLocation: sourceLocation)
    }

    struct Will {
        var topic: String
        var payload: String
        var qos: UInt8 = 0
        var retain = false
        var properties: [UInt8] = []
    }

    struct Filter {
        var text: String
        var options: UInt8

        init(_ text: String, _ options: UInt8) {
            self.text = text
            self.options = options
        }
    }

    // MARK: What it says

    func send(_ bytes: [UInt8]) { socket.send(bytes) }
    func takes(_ bytes: [UInt8]) -> Bool { socket.takes(bytes) }

    private func table(_ properties: [UInt8]) -> [UInt8] { level == 5 ? [UInt8(properties.count)] + properties : [] }

    func connect(
        _ id: String, clean: Bool = true, keepAlive: UInt8 = 0, properties: [UInt8] = [], will: Will? = nil
    ) {
        var flags: UInt8 = clean ? 2 : 0
        var payload: [UInt8] = []
        if let will {
            flags |= 4 | will.qos << 3 | (will.retain ? 0x20 : 0)
            payload = table(will.properties) + RawPacket.string(will.topic) + RawPacket.string(will.payload)
        }
        send(
            RawPacket.connect(
                level: level, id: id, flags: flags, keepAlive: keepAlive, properties: properties, payload: payload))
    }

    func publish(
        _ topic: String, _ payload: String, qos: UInt8 = 0, id: UInt16 = 1, retain: Bool = false,
        duplicate: Bool = false, properties: [UInt8] = []
    ) {
        let number = qos > 0 ? [UInt8(id >> 8), UInt8(id & 0xFF)] : []
        send(
            RawPacket.frame(
                0x30 | qos << 1 | (duplicate ? 8 : 0) | (retain ? 1 : 0),
                RawPacket.string(topic) + number + table(properties) + Array(payload.utf8)))
    }

    func subscribe(_ filters: [Filter], id: UInt8 = 1, properties: [UInt8] = []) {
        let list = filters.flatMap { RawPacket.string($0.text) + [$0.options] }
        send(RawPacket.frame(0x82, [0, id] + table(properties) + list))
    }

    /// Subscribes, and takes the SUBACK, which must grant what was asked for.
    func subscribed(
        _ filter: String, _ options: UInt8, properties: [UInt8] = [], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        subscribe([Filter(filter, options)], properties: properties)
        expect("suback 1 [\(options & 3)]", sourceLocation: sourceLocation)
    }

    func unsubscribe(_ filters: [String], id: UInt8 = 2) {
        send(RawPacket.frame(0xA2, [0, id] + table([]) + filters.flatMap { RawPacket.string($0) }))
    }

    func puback(_ id: UInt8, _ rest: [UInt8] = []) { send(RawPacket.frame(0x40, [0, id] + rest)) }
    func pubrec(_ id: UInt8, _ rest: [UInt8] = []) { send(RawPacket.frame(0x50, [0, id] + rest)) }
    func pubrel(_ id: some BinaryInteger, _ rest: [UInt8] = []) {
        send(RawPacket.frame(0x62, [UInt8(id >> 8), UInt8(id & 0xFF)] + rest))
    }
    func pubcomp(_ id: UInt8, _ rest: [UInt8] = []) { send(RawPacket.frame(0x70, [0, id] + rest)) }
    func disconnect(_ rest: [UInt8] = []) { send(RawPacket.frame(0xE0, rest)) }

    /// Publishes at QoS 1 and waits for the PUBACK: the message is on its way to everybody.
    func stores(
        _ topic: String, _ payload: String, id: UInt16 = 99, retain: Bool = false, properties: [UInt8] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        publish(topic, payload, qos: 1, id: id, retain: retain, properties: properties)
        expect("puback \(id)", sourceLocation: sourceLocation)
    }

    /// Ends the connection as a lost process does.
    func fade() { socket.fade() }

    // MARK: What it hears

    func expect(_ texts: String..., sourceLocation: SourceLocation = #_sourceLocation) {
        for text in texts {
            let heard = next()
            #expect(heard == text, sourceLocation: sourceLocation)
        }
    }

    /// Nothing more has come than `texts`: a PINGREQ is answered next.
    func expectOnly(_ texts: String..., sourceLocation: SourceLocation = #_sourceLocation) {
        for text in texts { expect(text, sourceLocation: sourceLocation) }
        send([0xC0, 0])
        expect("pingresp", sourceLocation: sourceLocation)
    }

    /// The next packet, in words.
    func next(within seconds: Double = 60) -> String {
        switch socket.next(within: seconds) {
        case .closed: return "closed"
        case .silence: return "silence"
        case .packet(let packet):
            let start = 1 + (packet.dropFirst().firstIndex { $0 < 0x80 } ?? 1)
            return describe(packet[0], Array(packet[start...]))
        }
    }

    private static let names: [UInt8: String] = [
        4: "puback", 5: "pubrec", 6: "pubrel", 7: "pubcomp", 9: "suback", 11: "unsuback",
    ]

    private func describe(_ first: UInt8, _ body: [UInt8]) -> String {
        properties = []
        var rest = body[...]
        switch first >> 4 {
        case 2:
            rest.removeFirst(2)
            takeProperties(&rest)
            return "connack \(body[1])" + (body[0] == 1 ? " present" : body[0] == 0 ? "" : " flags \(body[0])")
        case 3: return publish(first, body)
        case 13: return "pingresp"
        case 14: return "disconnect \(body.first ?? 0)"
        case 9, 11:
            let id = rest.prefix(2).reduce(0) { $0 << 8 | Int($1) }
            rest.removeFirst(2)
            takeProperties(&rest)
            return "\(Self.names[first >> 4] ?? "") \(id) \(Array(rest))"
        case let type:
            let id = rest.prefix(2).reduce(0) { $0 << 8 | Int($1) }
            let reason = body.count > 2 && body[2] != 0 ? " \(body[2])" : ""
            rest = body.dropFirst(3)
            takeProperties(&rest)
            return "\(Self.names[type] ?? "type \(type)") \(id)\(reason)"
        }
    }

    private func publish(_ first: UInt8, _ body: [UInt8]) -> String {
        var rest = body[...]
        let topicCount = Int(rest.removeFirst()) << 8 | Int(rest.removeFirst())
        let topic = String(decoding: rest.prefix(topicCount), as: UTF8.self)
        rest.removeFirst(topicCount)
        let qos = first >> 1 & 3
        var flags = " q\(qos)"
        if qos > 0 { flags += " #\(Int(rest.removeFirst()) << 8 | Int(rest.removeFirst()))" }
        if first & 8 != 0 { flags += " dup" }
        if first & 1 != 0 { flags += " retain" }
        takeProperties(&rest)
        return "\(topic) \(String(decoding: rest, as: UTF8.self))\(flags)"
    }

    private func takeProperties(_ rest: inout ArraySlice<UInt8>) {
        guard level == 5 else { return }
        var (count, shift) = (0, 0)
        while let byte = rest.popFirst() {
            count |= Int(byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 { break }
        }
        properties = Array(rest.prefix(count))
        rest.removeFirst(count)
    }
}
