import Bridging
import LogInterface
import RecordFormat
import SluiceCore
import TopicRouting

/// Writes the values of state records: integers as zigzag varints, byte strings with their length in front.
///
/// A value that names partitions has a table of their streams' identifiers in front; each partition is then an index
/// into that table and its number in the stream.
struct StateWriter: ~Copyable {
    private var buffer = ByteBuffer()
    private let streams: StreamTable
    /// The streams named so far, as indexes into `streams`, in the order of their first use.
    private var named: [Int] = []

    init(_ streams: StreamTable = StreamTable([])) { self.streams = streams }

    mutating func put(_ value: Int) { Varint.append(value, to: &buffer) }

    mutating func put(_ bytes: [UInt8]) {
        put(bytes.count)
        buffer.append(bytes.span)
    }

    /// Names a stream.
    private mutating func put(stream index: Int) {
        let position = named.firstIndex(of: index) ?? named.count
        if position == named.count { named.append(index) }
        put(position)
    }

    /// Names a partition.
    mutating func put(_ partition: PartitionID) {
        guard let place = streams.place(of: partition) else {
            preconditionFailure("Cannot name partition \(partition.rawValue), which belongs to no stream")
        }
        put(stream: place.stream)
        put(place.number)
    }

    /// Writes where a reader is in every partition that can be subscribed to.
    mutating func put(_ positions: Positions) {
        let offsets = positions.offsets
        let indexes = streams.streams.indices.filter { streams.streams[$0].settings.isReadable }
        put(indexes.count)
        for index in indexes {
            let partitions = streams.streams[index].partitions
            put(stream: index)
            put(partitions.count)
            for partition in partitions {
                put(partition.index < offsets.count ? Int(offsets[partition.index].rawValue) : 0)
            }
        }
    }

    /// Writes a delivery's record.
    mutating func put(_ token: DeliveryToken) {
        put(Int(token.kind.rawValue))
        guard token.kind != .none else { return }
        put(token.partition)
        put(Int(token.offset.rawValue))
    }

    /// What was written, behind `version` and the table.
    consuming func finish(version: Int) -> [UInt8] {
        assert(version >= StateRecord.namedVersion || named.isEmpty, "who names streams says which they are")
        var front = ByteBuffer()
        Varint.append(version, to: &front)
        if version >= StateRecord.namedVersion {
            Varint.append(named.count, to: &front)
            for index in named {
                let id = Array(streams.id(at: index).utf8)
                Varint.append(id.count, to: &front)
                front.append(id.span)
            }
        }
        front.append(buffer.bytes)
        return Array(copying: front.bytes)
    }
}

/// Reads what `StateWriter` wrote. Every step answers nil when the bytes do not fit, and so for a record that somebody
/// damaged or wrote in another version.
struct StateReader: ~Escapable {
    private let bytes: Span<UInt8>
    private var index = 0
    private let streams: StreamTable
    /// The streams that the value names, as indexes into `streams`; nil for one that there is not any more. Nil as a
    /// whole in a value that names partitions by their numbers in the node.
    private var named: [Int?]?

    /// A reader behind the value's version, which it has read.
    @_lifetime(copy bytes)
    init?(_ bytes: Span<UInt8>, _ streams: StreamTable, version: inout Int) {
        self.bytes = bytes
        self.streams = streams
        guard let first = int() else { return nil }
        version = first
    }

    /// Reads the table of streams.
    /// - Returns: whether there is one.
    @_lifetime(self: copy self)
    mutating func takeTable() -> Bool {
        assert(named == nil, "a value has one table")
        guard let count = count() else { return false }
        var table: [Int?] = []
        for _ in 0..<count {
            guard let id = string() else { return false }
            table.append(streams.index(ofID: String(decoding: id, as: UTF8.self)))
        }
        named = table
        return true
    }

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

    /// What became of a name in the log that there is now.
    enum Name<Value> {
        case found(Value)
        /// Its stream is gone, or has fewer partitions.
        case gone
    }

    /// A partition's name.
    @_lifetime(self: copy self)
    mutating func partition() -> Name<PartitionID>? {
        guard let named else {
            guard let number = unsigned(UInt16.self) else { return nil }
            let partition = PartitionID(rawValue: UInt32(number))
            return streams.place(of: partition) == nil ? .gone : .found(partition)
        }
        guard let index = int(), let number = int(), named.indices.contains(index), number >= 0 else { return nil }
        guard let stream = named[index], streams.streams[stream].partitions.indices.contains(number) else {
            return .gone
        }
        return .found(streams.streams[stream].partitions[number])
    }

    /// A delivery's record.
    @_lifetime(self: copy self)
    mutating func token() -> Name<DeliveryToken>? {
        guard named != nil else { return int().map { .found(DeliveryToken(rawValue: UInt64(bitPattern: Int64($0)))) } }
        guard let kind = unsigned(UInt64.self).flatMap({ DeliveryToken.Kind(rawValue: $0) }) else { return nil }
        if kind == .none { return .found(.nobodys) }
        guard let partition = partition(), let offset = int(), offset >= 0, offset < 1 << 48 else { return nil }
        switch partition {
        case .found(let partition):
            return .found(DeliveryToken(partition, Offset(rawValue: Int64(offset)), kind: kind))
        case .gone: return .gone
        }
    }

    @_lifetime(self: copy self)
    mutating func positions() -> Positions? {
        guard named == nil else { return namedPositions() }
        guard let count = count() else { return nil }
        var offsets: [Offset] = []
        offsets.reserveCapacity(count)
        for _ in 0..<count {
            guard let offset = int(), offset >= 0 else { return nil }
            offsets.append(Offset(rawValue: Int64(offset)))
        }
        return Positions(base: Positions.Vector(offsets))
    }

    @_lifetime(self: copy self)
    private mutating func namedPositions() -> Positions? {
        guard let named, let streamCount = count() else { return nil }
        var offsets = [Offset](repeating: .zero, count: streams.partitionCount)
        for _ in 0..<streamCount {
            guard let index = int(), named.indices.contains(index), let count = count() else { return nil }
            let partitions = named[index].map { streams.streams[$0].partitions } ?? []
            for number in 0..<count {
                guard let offset = int(), offset >= 0 else { return nil }
                if number < partitions.count { offsets[partitions[number].index] = Offset(rawValue: Int64(offset)) }
            }
        }
        return Positions(base: Positions.Vector(offsets))
    }
}
