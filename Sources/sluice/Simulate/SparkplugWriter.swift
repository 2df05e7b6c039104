import DeviceProfiles
import PayloadFormats

/// Writes payloads of Sparkplug B.
///
/// Source: Sparkplug 3.0.0 §6.4, protobuf's wire format.
enum SparkplugWriter {
    /// A metric: a birth names it and says its type, data has its alias alone.
    struct Metric {
        var name: String?
        var alias: UInt64?
        var datatype: Datatype
        var value: PayloadWriter.Value
    }

    /// Types of metrics, by their numbers.
    enum Datatype: UInt64 {
        case int64 = 4
        case uint64 = 8
        case double = 10
        case boolean = 11
        case string = 12
        case dateTime = 13

        /// What values of a field are.
        init(_ type: FieldType) {
            switch type {
            case .number: self = .double
            case .integer: self = .int64
            case .boolean: self = .boolean
            case .text: self = .string
            case .time: self = .dateTime
            }
        }
    }

    /// A payload.
    /// - Parameters:
    ///   - milliseconds: the edge node's clock.
    ///   - sequence: the number of the node's message, which a death has not.
    static func payload(_ metrics: [Metric], at milliseconds: Int64, sequence: UInt64?) -> [UInt8] {
        var bytes = field(1, varint: UInt64(bitPattern: milliseconds))
        for metric in metrics { bytes += field(2, bytes: self.bytes(metric, at: milliseconds)) }
        if let sequence { bytes += field(3, varint: sequence) }
        return bytes
    }

    private static func bytes(_ metric: Metric, at milliseconds: Int64) -> [UInt8] {
        var bytes: [UInt8] = []
        if let name = metric.name { bytes += field(1, bytes: Array(name.utf8)) }
        if let alias = metric.alias { bytes += field(2, varint: alias) }
        bytes += field(3, varint: UInt64(bitPattern: milliseconds))
        if metric.name != nil { bytes += field(4, varint: metric.datatype.rawValue) }
        return bytes + value(metric)
    }

    private static func value(_ metric: Metric) -> [UInt8] {
        switch metric.value {
        case .number(let value, _): [13 << 3 | 1] + littleEndian(value.bitPattern)
        case .integer(let value): field(11, varint: UInt64(bitPattern: value))
        case .boolean(let value): field(14, varint: value ? 1 : 0)
        case .text(let text): field(15, bytes: Array(text.utf8))
        case .time(let milliseconds, _): field(11, varint: UInt64(bitPattern: milliseconds))
        }
    }

    private static func littleEndian(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
    }

    private static func field(_ number: UInt64, varint value: UInt64) -> [UInt8] { varint(number << 3) + varint(value) }

    private static func field(_ number: UInt64, bytes: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(UInt64(bytes.count)) + bytes
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        var (bytes, rest) = ([UInt8](), value)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
