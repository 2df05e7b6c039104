import Foundation
import Testing

/// Payloads that encoders of others have made: `Vectors/make.py` makes them.
enum Vector {
    /// All payloads of a file, by name.
    static func load(_ file: String) throws -> [String: [UInt8]] {
        let url = try #require(Bundle.module.url(forResource: file, withExtension: "txt", subdirectory: "Vectors"))
        var payloads: [String: [UInt8]] = [:]
        for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ")
            try #require(parts.count == 2)
            payloads[String(parts[0])] = try bytes(String(parts[1]))
        }
        return payloads
    }

    /// The bytes that a text in hexadecimal says.
    static func bytes(_ text: String) throws -> [UInt8] {
        let digits = Array(text.filter { $0 != " " })
        try #require(digits.count.isMultiple(of: 2))
        return try stride(from: 0, to: digits.count, by: 2).map { place in
            try #require(UInt8(String(digits[place...place + 1]), radix: 16))
        }
    }
}
