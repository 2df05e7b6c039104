import RecordFormat
import SluiceCore

/// Writes the values of state records: integers as zigzag varints, byte strings with their length in front.
struct StateWriter: ~Copyable {
    private var buffer = ByteBuffer()

    mutating func put(_ value: Int) { Varint.append(value, to: &buffer) }

    mutating func put(_ bytes: [UInt8]) {
        put(bytes.count)
        buffer.append(bytes.span)
    }

    mutating func put(_ positions: Positions) {
        let offsets = positions.offsets
        put(offsets.count)
        for offset in offsets { put(Int(offset.rawValue)) }
    }

    /// What was written.
    consuming func finish() -> [UInt8] {
        let span = buffer.bytes
        var bytes: [UInt8] = []
        bytes.reserveCapacity(span.count)
        for index in span.indices { bytes.append(span[index]) }
        return bytes
    }
}

/// Reads what `StateWriter` wrote. Every step answers nil when the bytes do not fit, and so for a record that somebody
/// damaged or wrote in another version.
struct StateReader: ~Escapable {
    private let bytes: Span<UInt8>
    private var index = 0

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) { self.bytes = bytes }

    /// Whether everything was read.
    var isAtEnd: Bool { index == bytes.count }

    @_lifetime(self: copy self)
    mutating func int() -> Int? { Varint.read(bytes, at: &index) }

    /// A number that counts what follows, each of at least one byte.
    @_lifetime(self: copy self)
    mutating func count() -> Int? {
        guard let count = int(), count >= 0, count <= bytes.count - index else { return nil }
        return count
    }

    @_lifetime(self: copy self)
    mutating func unsigned<Value: FixedWidthInteger>(_ type: Value.Type) -> Value? {
        int().flatMap { Value(exactly: $0) }
    }

    @_lifetime(self: copy self)
    mutating func string() -> [UInt8]? {
        guard let count = count() else { return nil }
        defer { index += count }
        var string: [UInt8] = []
        string.reserveCapacity(count)
        for position in index..<index + count { string.append(bytes[position]) }
        return string
    }

    @_lifetime(self: copy self)
    mutating func positions() -> Positions? {
        guard let count = count() else { return nil }
        var offsets: [Offset] = []
        offsets.reserveCapacity(count)
        for _ in 0..<count {
            guard let offset = int(), offset >= 0 else { return nil }
            offsets.append(Offset(rawValue: Int64(offset)))
        }
        return Positions(base: Positions.Vector(offsets))
    }
}
