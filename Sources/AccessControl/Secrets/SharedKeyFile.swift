/// The pre-shared keys of a file, in Mosquitto's form.
///
/// Layout: lines of `IDENTITY:KEY`, the key in hexadecimal; `#` in the first column begins a comment.
/// Isolation: any thread; never changes.
package struct SharedKeyFile: Sendable {
    private let keys: [[UInt8]: [UInt8]]

    /// Bytes of a key that TLS takes.
    package static let keyBytesMax = 256
    /// Bytes of an identity that TLS takes.
    package static let identityBytesMax = 256

    /// Reads a file.
    /// - Parameters:
    ///   - text: its bytes; a byte order mark and carriage returns are passed over.
    ///   - file: its name in errors.
    /// - Throws: the first error, with its line and without anything of a key.
    package static func parse(_ text: [UInt8], file: String) throws(SecurityFileError) -> SharedKeyFile {
        var keys: [[UInt8]: [UInt8]] = [:]
        for (index, line) in SecurityLines.split(text).enumerated() {
            func error(_ message: String) -> SecurityFileError {
                SecurityFileError(file: file, line: index + 1, message: message)
            }
            guard let entry = try PasswordLine(line, form: "IDENTITY:KEY", error) else { continue }
            if entry.user.count > identityBytesMax {
                throw error("expected an identity of up to \(identityBytesMax) bytes")
            }
            guard let key = bytes(ofHexadecimal: entry.secret), key.count <= keyBytesMax else {
                throw error("expected IDENTITY:KEY with a key of up to \(keyBytesMax) bytes in hexadecimal")
            }
            guard keys.updateValue(key, forKey: entry.user) == nil else {
                throw error("the identity '\(String(decoding: entry.user, as: UTF8.self))' has a key already")
            }
        }
        return SharedKeyFile(keys: keys)
    }

    /// The key of an identity; nil for one that is unknown.
    package func key(of identity: [UInt8]) -> [UInt8]? { keys[identity] }

    /// The identities, in no order.
    package var identities: [[UInt8]] { Array(keys.keys) }

    /// An odd number of digits has a zero before them, as mosquitto reads it.
    private static func bytes(ofHexadecimal text: ArraySlice<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var digits = text.count % 2 == 0 ? text : [UInt8(ascii: "0")] + text
        while let high = digits.popFirst(), let low = digits.popFirst() {
            guard let high = value(high), let low = value(low) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension SharedKeyFile: CustomStringConvertible {
    /// How many keys there are: what may be logged of it.
    package var description: String { "\(keys.count) keys" }
}
