import Bridging
import Glibc

/// Publishes past libmosquitto, at QoS 0 and 1 over plain TCP: many in one write, and their acknowledgements many in
/// one read. The library needs three system calls for each publish and three for each PUBACK, and walks everything on
/// its way for both, which halves what an upstream takes (docs/PERFORMANCE.md).
///
/// The library keeps everything else: connection, keep-alive, subscriptions, what comes. Both share one socket, at
/// whole packets: this writes only while the library has none half written, and the other way round; it looks at what
/// has come without taking it, takes acknowledgements, and leaves any other packet to the library, which reads one at
/// a time. Packet identifiers above 0x8000 are its own; the library counts from 1 and uses few.
/// Isolation: a value with one owner.
struct DirectPublishing: ~Copyable {
    /// What is first in the socket now that acknowledgements are taken.
    enum Input {
        /// Nothing, or the beginning of a packet whose end the socket waits for.
        case nothing
        /// Something for the library: a packet of another kind, or the connection's end.
        case library
        /// Something that no upstream may send.
        case broken(String)
    }

    /// Bytes looked at at once.
    private static let peekByteCount = 32 << 10
    private static let firstPacketID: UInt16 = 0x8000

    private var outgoing: [UInt8] = []
    /// How much of `outgoing` has left; above zero a packet may be half written.
    private var sentCount = 0
    private var lastPacketID: UInt16 = .max
    /// Publishes at QoS 0 and the end of each in `outgoing`: they are over when they have left.
    private var unanswered: [(packetID: UInt16, end: Int)] = []
    private var peeked = [UInt8](repeating: 0, count: peekByteCount)
    private var waitsFor = 1
    /// What the packet that is first in the socket needs before it can be taken.
    private var byteCountWanted = 1
    /// Publishes at QoS 1 that have no acknowledgement yet.
    private var unacknowledgedCount = 0
    /// Whether the library is in the middle of a packet.
    private(set) var isLibraryReading = false
    /// The largest packet that the upstream takes; 0 for any.
    var packetBytesMax = 0
    /// The highest quality of service that it takes.
    var qosMax: UInt8 = 2
    /// Whether it keeps retained messages.
    var takesRetained = true

    /// Whether something waits to be written.
    var hasOutput: Bool { !outgoing.isEmpty }
    /// Whether the library must not write: a packet may be half written.
    var isHalfWritten: Bool { sentCount > 0 }

    // MARK: Out

    /// Takes a message for the next flush.
    mutating func publish(_ message: borrowing BridgeMessage, _ version: BridgeSettings.Version) -> PublishOutcome {
        guard message.qos.rawValue <= qosMax else {
            return .impossible("the upstream has no QoS \(message.qos.rawValue)")
        }
        let start = outgoing.count
        let packetID = lastPacketID == .max ? Self.firstPacketID : lastPacketID + 1
        PublishPacket.append(
            message, isRetained: message.isRetained && takesRetained, packetID: packetID, version, to: &outgoing)
        if packetBytesMax > 0, outgoing.count - start > packetBytesMax {
            outgoing.removeLast(outgoing.count - start)
            return .impossible("it is larger than the upstream takes")
        }
        lastPacketID = packetID
        if message.qos == .atMostOnce {
            unanswered.append((packetID, outgoing.count))
        } else {
            unacknowledgedCount += 1
        }
        return .taken(packetID: packetID)
    }

    /// Writes what waits, as far as the socket takes it.
    /// - Returns: false when the connection is broken, and `errno` says why.
    mutating func flush(_ socket: Int32, into events: inout [UpstreamEvent]) -> Bool {
        while sentCount < outgoing.count {
            let count = outgoing.withUnsafeBytes { bytes in
                send(
                    socket, bytes.baseAddress.map { $0 + sentCount }, bytes.count - sentCount,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count < 0 {
                if errno == EINTR { continue }
                guard errno == EAGAIN else { return false }
                break
            }
            sentCount += count
        }
        let overCount = unanswered.prefix { $0.end <= sentCount }.count
        for publish in unanswered.prefix(overCount) { events.append(.finished(packetID: publish.packetID, reason: 0)) }
        unanswered.removeFirst(overCount)
        if sentCount == outgoing.count {
            outgoing.removeAll(keepingCapacity: outgoing.capacity <= Self.peekByteCount * 8)
            sentCount = 0
        }
        return true
    }

    // MARK: In

    /// Takes the acknowledgements that are first in the socket.
    mutating func receive(_ socket: Int32, into events: inout [UpstreamEvent]) -> Input {
        guard !isLibraryReading else { return .library }
        let count = recv(socket, &peeked, peeked.count, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        guard count > 0 else { return count < 0 && (errno == EAGAIN || errno == EINTR) ? .nothing : .library }
        var index = 0
        while let head = PacketHead(peeked[index..<count]), head.isPublishAnswer, index + head.byteCount <= count {
            let body = index + head.byteCount - head.bodyByteCount
            guard head.bodyByteCount >= 2 else { return .broken("a PUBACK without a packet identifier") }
            let reason = head.bodyByteCount > 2 ? peeked[body + 2] : 0
            events.append(
                .finished(packetID: UInt16(peeked[body]) << 8 | UInt16(peeked[body + 1]), reason: reason))
            unacknowledgedCount -= 1
            index += head.byteCount
        }
        // They are there: what is looked at is taken whole. The bytes come out as they went in.
        if index > 0, recv(socket, &peeked, index, Int32(MSG_DONTWAIT)) != index {
            return .broken("acknowledgements that went away")
        }
        return rest(peeked[index..<count])
    }

    /// What lies behind the acknowledgements.
    private mutating func rest(_ bytes: ArraySlice<UInt8>) -> Input {
        guard !bytes.isEmpty else {
            byteCountWanted = 1
            return .nothing
        }
        guard let head = PacketHead(bytes) else {
            guard bytes.count < PacketHead.byteCountMax else { return .broken("a packet of no length") }
            byteCountWanted = bytes.count + 1
            return .nothing
        }
        if head.byteCount <= bytes.count {
            byteCountWanted = 1
            return .library
        }
        if head.byteCount <= Self.peekByteCount / 2 {
            byteCountWanted = head.byteCount
            return .nothing
        }
        // Larger than what is looked at: the library takes it piece by piece, until it shows the message.
        guard head.isReceivable else { return .broken("a packet of \(head.byteCount) bytes that is no message") }
        byteCountWanted = 1
        isLibraryReading = true
        return .library
    }

    /// The library has shown a message: it is behind a packet's end.
    mutating func libraryDidRead() { isLibraryReading = false }

    /// A socket with less than its first packet lacks is not readable, so that nobody turns in circles around half of
    /// one.
    mutating func prepareToWait(_ socket: Int32) {
        let byteCount = isLibraryReading ? 1 : byteCountWanted
        guard byteCount != waitsFor else { return }
        waitsFor = byteCount
        var value = Int32(byteCount)
        setsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// How long after the last look acknowledgements may gather, in nanoseconds: while much is on its way, the upstream
    /// has enough to do meanwhile, and each wake, here and there, is shared by more of them.
    var gatherNanoseconds: Int64 {
        guard unacknowledgedCount >= Self.gatheringCountMin else { return 0 }
        return Int64(min(unacknowledgedCount, Self.gatheringCountMax)) * Self.gatherNanosecondsEach
    }

    /// Publishes on their way from which on their acknowledgements gather.
    private static let gatheringCountMin = 32
    /// Publishes on their way above which they gather no longer: 2 ms.
    private static let gatheringCountMax = 1000
    /// A third of what mosquitto needs for one: it does not run dry.
    private static let gatherNanosecondsEach: Int64 = 2000
}

/// The first bytes of a packet: what it is and how long.
struct PacketHead {
    /// Bytes of the longest head.
    static let byteCountMax = 5
    private let firstByte: UInt8
    /// Bytes of the whole packet.
    let byteCount: Int
    /// Bytes behind the head.
    let bodyByteCount: Int

    /// Nil when the head is not whole, or has no end.
    init?(_ bytes: ArraySlice<UInt8>) {
        guard let first = bytes.first else { return nil }
        firstByte = first
        var length = 0
        for place in 1..<Self.byteCountMax {
            guard place < bytes.count else { return nil }
            let byte = bytes[bytes.startIndex + place]
            length |= Int(byte & 0x7F) << (7 * (place - 1))
            guard byte >= 0x80 else {
                bodyByteCount = length
                byteCount = place + 1 + length
                return
            }
        }
        return nil
    }

    /// Whether it is a PUBACK.
    var isPublishAnswer: Bool { firstByte >> 4 == 4 }
    /// Whether it is a PUBLISH at QoS 0 or 1, the only ones that a bridge subscribes to.
    var isReceivable: Bool { firstByte >> 4 == 3 && (firstByte >> 1) & 3 < 2 }
}

/// A PUBLISH on the wire. Source: MQTT 3.1.1 and 5.0 §3.3.
enum PublishPacket {
    /// Appends the packet of a message.
    static func append(
        _ message: borrowing BridgeMessage, isRetained: Bool, packetID: UInt16, _ version: BridgeSettings.Version,
        to bytes: inout [UInt8]
    ) {
        var properties: [UInt8] = []
        switch version {
        case .v311: break
        case .v5:
            let list = message.properties
            properties = encoded(list)
        }
        var length = 2 + message.topic.count + message.payload.count
        if message.qos != .atMostOnce { length += 2 }
        if version == .v5 { length += variableByteCount(properties.count) + properties.count }
        bytes.append(0x30 | message.qos.rawValue << 1 | (isRetained ? 1 : 0))
        append(variable: length, to: &bytes)
        append(field: message.topic, to: &bytes)
        if message.qos != .atMostOnce { append(number: packetID, to: &bytes) }
        if version == .v5 {
            append(variable: properties.count, to: &bytes)
            bytes += properties
        }
        bytes += message.payload
    }

    private static func encoded(_ list: MessageProperties) -> [UInt8] {
        var bytes: [UInt8] = []
        if let format = list.payloadFormat { bytes += [0x01, format] }
        if let expiry = list.expirySeconds {
            bytes.append(0x02)
            append(number: UInt16(truncatingIfNeeded: expiry >> 16), to: &bytes)
            append(number: UInt16(truncatingIfNeeded: expiry), to: &bytes)
        }
        append(property: 0x03, list.contentType, to: &bytes)
        append(property: 0x08, list.responseTopic, to: &bytes)
        append(property: 0x09, list.correlationData, to: &bytes)
        for pair in list.user {
            bytes.append(0x26)
            append(field: pair.name, to: &bytes)
            append(field: pair.value, to: &bytes)
        }
        return bytes
    }

    private static func append(property: UInt8, _ value: [UInt8]?, to bytes: inout [UInt8]) {
        guard let value else { return }
        bytes.append(property)
        append(field: value, to: &bytes)
    }

    /// A string or binary value; the records that they come from have no longer ones.
    private static func append(field: [UInt8], to bytes: inout [UInt8]) {
        precondition(field.count <= UInt16.max, "Cannot send a field of \(field.count) bytes")
        append(number: UInt16(field.count), to: &bytes)
        bytes += field
    }

    private static func append(number: UInt16, to bytes: inout [UInt8]) {
        bytes.append(UInt8(number >> 8))
        bytes.append(UInt8(truncatingIfNeeded: number))
    }

    private static func append(variable value: Int, to bytes: inout [UInt8]) {
        var rest = value
        repeat {
            bytes.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
            rest >>= 7
        } while rest > 0
    }

    private static func variableByteCount(_ value: Int) -> Int {
        switch value {
        case ..<0x80: 1
        case ..<0x4000: 2
        case ..<0x20_0000: 3
        default: 4
        }
    }
}
