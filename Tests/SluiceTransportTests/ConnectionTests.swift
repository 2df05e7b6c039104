import Glibc
import SluiceCore
import Speaking
import Synchronization
import Testing

@testable import SluiceTransport

@Suite("Speakers on connections")
struct ConnectionTests {
    /// A loop of a kind, and a peer of it.
    private func world(
        _ kind: TestPeer.Kind, _ body: @escaping (TestSpeaker, [UInt8]) -> Int
    ) throws -> (LoopWorld, TestPeer) {
        switch kind {
        case .tcp:
            let world = try LoopWorld(body)
            return (world, try TestPeer(world.connect()))
        case .tls:
            let certificates = try PeerCertificates()
            let world = try LoopWorld(tls: certificates.listener(), body)
            return (world, try TestPeer(world.connect(), tls: certificates.client()))
        case .webSocket:
            let world = try LoopWorld(webSocket: UpgradeRequestTests.offer, body)
            return (world, try TestPeer(world.connect(), isWebSocket: true))
        }
    }

    private static func pattern(_ count: Int, from first: Int = 0) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: ($0 + first) &* 31 ^ ($0 + first) >> 8) }
    }

    @Test("a speaker that echoes whole frames gives every byte back, in order", arguments: TestPeer.Kind.allCases)
    func echoes(kind: TestPeer.Kind) throws {
        let (world, peer) = try world(kind) { speaker, bytes in
            // Only whole frames of 1,000 bytes: what is left comes again.
            let count = bytes.count / 1000 * 1000
            speaker.say(Array(bytes.prefix(count)))
            return count
        }
        let sent = Self.pattern(300_000)
        var start = 0
        for size in [1, 998, 1, 1700, 299, 1, 100_000, 197_000] {
            try peer.send(Array(sent[start..<(start + size)]))
            start += size
            let whole = start / 1000 * 1000
            #expect(try peer.read(whole) == Array(sent.prefix(whole)), "\(kind) \(start)")
        }
        #expect(world.service.first?.peer.listener.name == "test")
        #expect(world.service.first?.peer.address.hasPrefix("127.0.0.1:") == true)
    }

    @Test("a speaker knows how much its peer has not taken of what the socket has", arguments: TestPeer.Kind.allCases)
    func unacknowledged(kind: TestPeer.Kind) throws {
        let count = 8 << 20
        let (world, peer) = try world(kind) { speaker, bytes in
            // The first byte asks for more than sockets take, the second for an answer.
            speaker.say(speaker.takenCalls == 1 ? [UInt8](repeating: 0x61, count: count) : [0x62])
            return bytes.count
        }
        try peer.send([1])
        let speaker = try #require(world.service.first)
        #expect(speaker.behind.wait())
        #expect(speaker.unacknowledged.withLock(\.self) > 1000)
        #expect(try peer.read(count).allSatisfy { $0 == 0x61 })
        // What the peer sends now says what it has taken. The loop notes that behind the answer, and before the next.
        for number in 1...2 {
            try peer.send([2])
            #expect(try peer.read(count + number).last == 0x62)
        }
        #expect(speaker.unacknowledged.withLock(\.self) < 1000)
    }

    /// Bytes and regions in turn; more than sockets take at once.
    private static func mixture(_ file: TestFile, _ content: [UInt8], _ speaker: TestSpeaker) -> [UInt8] {
        var expected: [UInt8] = []
        for round in 0..<40 {
            let head = pattern(round * 97, from: round)
            speaker.say(head)
            expected += head
            let (offset, count) = (round * 1013, 50_000 + round * 4001)
            speaker.outputQueue.append(FileRegion(file, offset: Int64(offset), count: count))
            expected += content[offset..<(offset + count)]
            guard round.isMultiple(of: 3) else { continue }
            for part in 0..<3 {
                var buffer = ByteBuffer()
                buffer.append(pattern(5000, from: round + part).span)
                expected += pattern(5000, from: round + part)
                speaker.outputQueue.append(buffer)
            }
        }
        return expected
    }

    @Test(
        "regions of a file between bytes arrive as they are, also at a slow reader", arguments: TestPeer.Kind.allCases)
    func sendsRegions(kind: TestPeer.Kind) throws {
        let content = Self.pattern(300_000)
        let file = try TestFile(content)
        let expected = Expected()
        let (world, peer) = try world(kind) { speaker, bytes in
            expected.bytes = Self.mixture(file, content, speaker)
            return bytes.count
        }
        try peer.send([1])
        let speaker = try #require(world.service.first)
        // It reads when the speaker has noticed that it does not.
        #expect(speaker.behind.wait())
        let wanted = expected.bytes.count
        #expect(wanted > 5_000_000)
        let got = try peer.read(wanted, step: 9973)
        #expect(got.count == wanted)
        #expect(got == expected.bytes)
        #expect(speaker.wasDrained.wait())
    }

    @Test("a long region leaves in turns, between which others are served, though the socket takes all of it")
    func takesTurns() throws {
        let content = Self.pattern(100_000)
        let file = try TestFile(content)
        let world = try LoopWorld(regionBytesMax: 999) { speaker, bytes in
            speaker.outputQueue.append(FileRegion(file, offset: 0, count: content.count))
            speaker.say([1, 2, 3])
            return bytes.count
        }
        let peer = try TestPeer(world.connect())
        try peer.send([1])
        let speaker = try #require(world.service.first)
        #expect(try peer.read(content.count + 3) == content + [1, 2, 3])
        // One turn for each 999 bytes, after each of which it is behind.
        #expect(speaker.behind.wait(content.count / 999))
        #expect(speaker.wasDrained.wait())
    }

    // Sendable: written on the loop before the bytes that tell of it are sent.
    private final class Expected: @unchecked Sendable { var bytes: [UInt8] = [] }

    /// A descriptor that is not open.
    private final class ClosedFile: RegionFile {
        let descriptor: Int32 = -1
    }

    @Test(
        "a file that is cut off or closed under its region costs that one connection", arguments: TestPeer.Kind.allCases
    )
    func losesFile(kind: TestPeer.Kind) throws {
        let file = try TestFile(Self.pattern(10_000))
        file.truncate(to: 4000)
        for (source, arrives, reason) in [
            (file as any RegionFile, 4100, "the file is shorter than it was"),
            (ClosedFile(), 100, "Bad file descriptor"),
        ] {
            let (world, peer) = try world(kind) { speaker, bytes in
                speaker.say(Self.pattern(100))
                speaker.outputQueue.append(FileRegion(source, offset: 0, count: 10_000))
                speaker.say([9])
                return bytes.count
            }
            try peer.send([1])
            #expect(try peer.readToEnd().count == arrives)
            let speaker = try #require(world.service.first)
            #expect(speaker.gone.wait())
            #expect(
                world.firstLine == "\(speaker.label): closed, a region of a file cannot be sent: \(reason)")
        }
    }

    @Test("a speaker hears of the end of its peer, and why its connection is not let in")
    func ends() throws {
        let world = try LoopWorld { speaker, bytes in
            speaker.say(bytes)
            return bytes.count
        }
        let peer = try TestPeer(world.connect(ConnectionRefusal(.tooMany, "x")))
        try peer.send([1, 2])
        #expect(try peer.read(2) == [1, 2])
        let speaker = try #require(world.service.first)
        #expect(speaker.refusal == ConnectionRefusal(.tooMany, "x"))
        peer.endSending()
        #expect(try peer.readToEnd() == [1, 2])
        #expect(speaker.gone.wait())
    }

    @Test("a speaker knows what TLS has proved of its peer: nothing without a certificate, its names with one")
    func knowsPeers() throws {
        let certificates = try PeerCertificates()
        try certificates.make("dev42", "/O=plant/CN=dev42", names: "DNS:dev42.plant,URI:spiffe://plant/dev42")
        for (clients, name) in [(nil, nil), ("dev42", "dev42")] as [(String?, String?)] {
            let world = try LoopWorld(tls: certificates.listener(clients: clients)) { speaker, bytes in
                speaker.say(bytes)
                return bytes.count
            }
            let peer = try TestPeer(world.connect(), tls: certificates.client(name))
            try peer.send([7])
            #expect(try peer.read(1) == [7])
            let identity = try #require(world.service.first).peer
            #expect(identity.certificate?.commonName == name)
            #expect(identity.certificate?.subject == (name == nil ? nil : "O = plant, CN = dev42"))
            #expect(
                identity.certificate?.alternativeNames
                    == (name == nil ? nil : [.dns("dev42.plant"), .uri("spiffe://plant/dev42")]))
        }
    }
}
