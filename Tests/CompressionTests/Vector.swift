import Compression
import Foundation
import Testing

/// A stream that another implementation compressed: a file of `Vectors`, its origin in the first line.
///
/// `>` is the stream, `<` what it holds, `repeat` times over. `parts` says that it is several streams joined, each of
/// which could be the last.
struct Vector: CustomTestStringConvertible {
    var name: String
    var codec: Codec
    var stream: [UInt8]
    var content: [UInt8]
    /// Whether a stream that is cut may be a whole one: several joined, or xerial's framing, which has no end.
    var hasEnds: Bool

    var testDescription: String { name }

    static let all: [Vector] = {
        guard let folder = Bundle.module.url(forResource: "Vectors", withExtension: nil),
            let files = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        else { return [] }
        return files.sorted { $0.path < $1.path }.compactMap(Vector.init)
    }()

    private init?(_ file: URL) {
        guard file.pathExtension == "hex", let text = try? String(contentsOf: file, encoding: .utf8) else { return nil }
        var fields: [Substring: String] = [:]
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# "), let colon = line.firstIndex(of: ":") {
                fields[line[..<colon].dropFirst(2)] = String(line[colon...].dropFirst(2))
            } else {
                fields[line.prefix(1)] = String(line.dropFirst(2))
            }
        }
        let codecs: [String: Codec] = ["gzip": .gzip, "snappy": .snappy, "lz4": .lz4, "zstd": .zstd]
        guard fields["origin"] != nil, let codec = codecs[fields["codec"] ?? ""], let stream = fields[">"],
            let unit = fields["<"], let count = Int(fields["repeat"] ?? "")
        else { return nil }
        name = file.deletingPathExtension().lastPathComponent
        self.codec = codec
        self.stream = Self.bytes(stream)
        content = Array(repeatElement(Self.bytes(unit), count: count).joined())
        hasEnds = fields["parts"] != nil || self.stream.starts(with: [0x82, 0x53, 0x4E])
    }

    private static func bytes(_ text: String) -> [UInt8] {
        let digits = text.compactMap { $0.hexDigitValue.map { UInt8($0) } }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

/// What a decompression came to.
enum Outcome: Equatable, CustomTestStringConvertible {
    case bytes([UInt8])
    case failure(CompressionError)

    var testDescription: String {
        switch self {
        case .bytes(let bytes): "\(bytes.count) bytes"
        case .failure(let error): "\(error)"
        }
    }

    var isFailure: Bool {
        switch self {
        case .bytes: false
        case .failure: true
        }
    }
}

func decompressed(_ stream: [UInt8], _ codec: Codec, max: Int = 1 << 20) -> Outcome {
    var decompressor = Decompressor()
    return decompressed(stream, codec, max: max, &decompressor)
}

func decompressed(_ stream: [UInt8], _ codec: Codec, max: Int, _ decompressor: inout Decompressor) -> Outcome {
    do throws(CompressionError) {
        return .bytes(try decompressor.decompress(stream.span, codec, byteCountMax: max))
    } catch {
        return .failure(error)
    }
}
