import SluiceCore
import SluiceTesting
import Speaking
import Testing

@testable import SluiceTransport

@Suite("The header of a proxy")
struct ProxyHeaderTests {
    static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]

    /// A header of version 2.
    static func header(_ command: UInt8, _ family: UInt8, _ body: [UInt8]) -> [UInt8] {
        signature + [0x20 | command, family, UInt8(body.count >> 8), UInt8(body.count & 0xFF)] + body
    }

    private static let addresses4: [UInt8] = [192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x34, 0x07, 0x5B]
    private static let addresses6: [UInt8] =
        [0x20, 1, 0xD, 0xB8] + Array(repeating: 0, count: 11) + [5] + Array(repeating: 0, count: 15) + [1] + [
            0, 80, 7, 91,
        ]
    private static let fields: [UInt8] = [0x01, 0, 2, 0x68, 0x32, 0x04, 0, 0, 0x20, 0, 5, 1, 0, 0, 0, 0]

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: [UInt8]
        var source: String?
        var testDescription: String { name }
    }

    static let good = [
        Case(name: "TCP4", bytes: Array("PROXY TCP4 192.0.2.7 10.0.0.1 4660 1883\r\n".utf8), source: "192.0.2.7:4660"),
        Case(name: "TCP6", bytes: Array("PROXY TCP6 2001:db8::5 ::1 80 1883\r\n".utf8), source: "[2001:db8::5]:80"),
        Case(name: "UNKNOWN", bytes: Array("PROXY UNKNOWN\r\n".utf8), source: nil),
        Case(name: "UNKNOWN with words", bytes: Array("PROXY UNKNOWN ffff::1 ::2 1 2\r\n".utf8), source: nil),
        Case(name: "version 2, TCP4", bytes: header(1, 0x11, addresses4), source: "192.0.2.7:4660"),
        Case(name: "version 2, TCP6", bytes: header(1, 0x21, addresses6), source: "[2001:db8::5]:80"),
        Case(name: "version 2 with fields", bytes: header(1, 0x11, addresses4 + fields), source: "192.0.2.7:4660"),
        Case(name: "version 2, LOCAL", bytes: header(0, 0, []), source: nil),
        Case(name: "version 2, LOCAL with anything", bytes: header(0, 0x77, [1, 2, 3]), source: nil),
        Case(name: "version 2, unspecified", bytes: header(1, 0, [9, 9, 9]), source: nil),
        Case(name: "version 2, a path", bytes: header(1, 0x31, Array(repeating: 0, count: 216)), source: nil),
    ]

    static let bad: [(String, [UInt8])] = [
        ("nothing of the kind", [0x10, 0x10, 0, 4]), ("a CONNECT", [0x10]),
        ("other words", Array("PROXI TCP4".utf8)),
        ("a long line", Array("PROXY TCP4 ".utf8) + Array(repeating: 0x31, count: 100)),
        ("a wrong address", Array("PROXY TCP4 192.0.2.777 10.0.0.1 1 2\r\n".utf8)),
        ("a wrong family", Array("PROXY TCP4 ::1 ::2 1 2\r\n".utf8)),
        ("no ports", Array("PROXY TCP4 1.1.1.1 2.2.2.2\r\n".utf8)),
        ("a large port", Array("PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n".utf8)),
        ("two blanks", Array("PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n".utf8)),
        ("no carriage return", Array("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n".utf8) + Array(repeating: 0x20, count: 100)),
        ("version 3", signature + [0x31, 0x11, 0, 0]), ("another command", header(2, 0x11, addresses4)),
        ("a datagram", header(1, 0x12, addresses4)), ("a short address", header(1, 0x11, [1, 2, 3])),
        ("half a field", header(1, 0x11, addresses4 + [1, 0])),
        ("a field too long", header(1, 0x11, addresses4 + [1, 0, 9, 1])),
        ("too many bytes", signature + [0x21, 0x11, 0x10, 0x01]),
    ]

    @Test("says whose a connection is, and ends where the connection's own bytes begin", arguments: good)
    func reads(_ header: Case) {
        let bytes = header.bytes + [0x10, 0x20, 0x30]
        #expect(ProxyHeader.read(bytes.span) == .taken(byteCount: header.bytes.count, source: header.source))
        for count in 0..<header.bytes.count {
            #expect(ProxyHeader.read(bytes.span.extracting(0..<count)) == .needsMore, "\(count)")
        }
    }

    @Test("what is none is told apart, and never waited for beyond its bound", arguments: bad)
    func refuses(_ name: String, _ bytes: [UInt8]) {
        guard case .malformed = ProxyHeader.read(bytes.span) else {
            Issue.record("\(name): \(ProxyHeader.read(bytes.span))")
            return
        }
    }

    @Test("random changes of headers are taken or refused, within the bytes there are")
    func mutations() {
        for seed in 0..<20_000 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            var bytes = Self.good.randomElement(using: &random)?.bytes ?? []
            bytes += (0..<Int.random(in: 0...300, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random)
            }
            for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
                bytes[Int.random(in: 0..<min(bytes.count, 64), using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            bytes.removeLast(Int.random(in: 0...min(40, bytes.count), using: &random))
            switch ProxyHeader.read(bytes.span) {
            case .needsMore: #expect(bytes.count < 16 + ProxyHeader.binaryBytesMax)
            case .taken(let byteCount, _): #expect(byteCount <= bytes.count)
            case .malformed: continue
            }
        }
    }
}

@Suite("Connections by a proxy")
struct ProxyConnectionTests {
    private func world(
        tls: TLSContextBox? = nil, proxies: [IPNetwork] = [IPNetwork(IPAddress(version4: 0x7F00_0001))],
        limits: Limits = Limits()
    ) throws -> LoopWorld {
        try LoopWorld(tls: tls, proxies: proxies, limits: limits) { speaker, bytes in
            speaker.say(bytes)
            return bytes.count
        }
    }

    @Test("the address that the header gives is the peer's, byte by byte and all at once", arguments: [1, 1000])
    func address(step: Int) throws {
        let world = try world()
        let peer = try TestPeer(world.connect())
        let bytes = Array("PROXY TCP4 192.0.2.7 10.0.0.1 4660 1883\r\n".utf8) + [1, 2, 3]
        for start in stride(from: 0, to: bytes.count, by: step) {
            try peer.send(Array(bytes[start..<min(bytes.count, start + step)]))
        }
        #expect(try peer.read(3) == [1, 2, 3])
        #expect(try #require(world.service.first).peer.address == "192.0.2.7:4660")
    }

    @Test("a proxy that speaks for itself has its own address")
    func local() throws {
        let world = try world()
        let peer = try TestPeer(world.connect())
        try peer.send(ProxyHeaderTests.header(0, 0, []) + [7])
        #expect(try peer.read(1) == [7])
        #expect(try #require(world.service.first).peer.address.hasPrefix("127.0.0.1:"))
    }

    @Test("a proxy that says nothing of whose they are is closed, and its line says why")
    func without() throws {
        let world = try world()
        let peer = try TestPeer(world.connect())
        try peer.send([0x10, 0, 0, 0])
        #expect(try peer.readToEnd() == [])
        #expect(world.firstLine?.contains("no PROXY header ('proxy_protocol' names its address)") == true)
        #expect(world.service.hasRefused.wait())
    }

    @Test("from elsewhere a header is bytes of the connection")
    func untrusted() throws {
        let world = try world(proxies: [IPNetwork(IPAddress(version4: 1))])
        let peer = try TestPeer(world.connect())
        let bytes = Array("PROXY UNKNOWN\r\n".utf8)
        try peer.send(bytes)
        #expect(try peer.read(bytes.count) == bytes)
    }

    @Test("a header that does not come to its end has the time of a handshake")
    func slow() throws {
        var limits = Limits()
        limits.connectSecondsMax = 1
        let world = try world(limits: limits)
        let peer = try TestPeer(world.connect())
        try peer.send(Array("PROXY TCP4 ".utf8))
        #expect(try peer.readToEnd() == [])
        #expect(world.firstLine?.contains("PROXY header not finished within 1 s ('limits: connect_timeout')") == true)
    }
}
