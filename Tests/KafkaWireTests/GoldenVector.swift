import Administration
import Foundation
import KafkaWire
import SluiceCore
import Testing

/// Bytes of a message as another implementation wrote them, with the values that it was given.
struct GoldenVector: Sendable, CustomTestStringConvertible {
    var name: String
    var version: Int16
    var bytes: [UInt8]
    var values: JSON
    var line: Int

    var testDescription: String { "\(name) v\(version), line \(line)" }

    /// The type that reads it; the definitions' names are ours but for identifiers and headers.
    var type: (any KafkaMessage.Type)? { Self.types[Self.folded(name)] }

    static let all: [GoldenVector] = ["kafka-4.3", "kafka-python"].flatMap(read)

    /// The vectors of each message in each version.
    static let groups: [String] = Set(all.map(\.name)).sorted()

    private static let types: [String: any KafkaMessage.Type] = Dictionary(
        uniqueKeysWithValues: KafkaMessages.all.map { (folded(String(describing: $0)), $0) })

    static func folded(_ name: String) -> String { name.replacing("KafkaRe", with: "Re").lowercased() }

    private static func read(_ file: String) -> [GoldenVector] {
        guard let url = Bundle.module.url(forResource: file, withExtension: "txt", subdirectory: "Vectors"),
            let data = FileManager.default.contents(atPath: url.path)
        else { return [] }
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().compactMap { index, line in
            let parts = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
            guard parts.count == 4, parts[0] != "#", let version = Int16(parts[1]),
                let values = JSONReader.read(Array(parts[3].utf8))
            else { return nil }
            return GoldenVector(
                name: String(parts[0]), version: version, bytes: hex(parts[2]), values: values, line: index + 1)
        }
    }
}

/// Bytes from hexadecimal digits.
func hex(_ text: some StringProtocol) -> [UInt8] {
    let digits = text.utf8.filter { $0 != UInt8(ascii: " ") }.map { Character(UnicodeScalar($0)).hexDigitValue ?? 0 }
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// The bytes of `message`; the records in it may lie in `frame`.
func encoded<Message: KafkaMessage>(
    _ message: Message, _ version: Int16, frame: [UInt8] = []
) throws(KafkaWireError) -> [UInt8] {
    var writer = KafkaWriter()
    try withoutFrame(message, frame).encode(to: &writer, version: version)
    return copy(writer.buffer.bytes)
}

func copy(_ bytes: Span<UInt8>) -> [UInt8] { bytes.indices.map { bytes[$0] } }

/// The same message with records of its own.
func withoutFrame<Message: KafkaMessage>(_ message: Message, _ frame: [UInt8]) -> Message {
    func own(_ records: inout KafkaRecords) { records = records.copied(from: frame.span) }
    if var produce = message as? ProduceRequest {
        for topic in produce.topicData.indices {
            for partition in produce.topicData[topic].partitionData.indices {
                own(&produce.topicData[topic].partitionData[partition].records)
            }
        }
        return produce as? Message ?? message
    }
    if var fetch = message as? FetchResponse {
        for topic in fetch.responses.indices {
            for partition in fetch.responses[topic].partitions.indices {
                own(&fetch.responses[topic].partitions[partition].records)
            }
        }
        return fetch as? Message ?? message
    }
    if var fetch = message as? ShareFetchResponse {
        for topic in fetch.responses.indices {
            for partition in fetch.responses[topic].partitions.indices {
                own(&fetch.responses[topic].partitions[partition].records)
            }
        }
        return fetch as? Message ?? message
    }
    return message
}
