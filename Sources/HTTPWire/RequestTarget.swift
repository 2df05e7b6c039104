/// What a request's target says: a path and a query.
///
/// Source: RFC 9112 §3.2, RFC 3986 §2.1 and §3.
package enum RequestTarget {
    /// Reads a target in origin form (`/path?query`) or absolute form (`http://host/path?query`).
    /// - Throws: `HTTPFault`.
    package static func read(
        _ target: ArraySlice<UInt8>
    ) throws(HTTPFault) -> (path: [String], query: [(name: String, value: String)]) {
        guard !target.isEmpty, target.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw HTTPFault(.badRequest, "the target is not made of visible ASCII characters")
        }
        var rest = target
        if rest.first != UInt8(ascii: "/") {
            let prefix = String(decoding: rest.prefix(8), as: UTF8.self).lowercased()
            guard let scheme = ["http://", "https://"].first(where: { prefix.hasPrefix($0) }) else {
                throw HTTPFault(.badRequest, "the target is neither a path nor a URL")
            }
            rest = rest.dropFirst(scheme.utf8.count).drop { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        }
        let pathBytes = rest.prefix { $0 != UInt8(ascii: "?") }
        var path: [String] = []
        if pathBytes.count > 1 {
            for segment in pathBytes.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
                path.append(try decoded(segment))
            }
        }
        var query: [(name: String, value: String)] = []
        for pair in rest.dropFirst(pathBytes.count + 1).split(separator: UInt8(ascii: "&")) {
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            query.append((try decoded(name), try decoded(pair.dropFirst(name.count + 1))))
        }
        return (path, query)
    }

    /// Text without its percent-encoding.
    private static func decoded(_ bytes: ArraySlice<UInt8>) throws(HTTPFault) -> String {
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            guard bytes[index] == UInt8(ascii: "%") else {
                plain.append(bytes[index])
                index += 1
                continue
            }
            guard index + 2 < bytes.endIndex, let high = HTTPCharacter.digit(bytes[index + 1]),
                let low = HTTPCharacter.digit(bytes[index + 2])
            else { throw HTTPFault(.badRequest, "a '%' in the target is not followed by two hexadecimal digits") }
            plain.append(high << 4 | low)
            index += 3
        }
        guard let text = String(validating: plain, as: UTF8.self), !plain.contains(0) else {
            throw HTTPFault(.badRequest, "the target is not UTF-8 text")
        }
        return text
    }

    /// Text as a segment of a path or a part of a query: all but unreserved characters percent-encoded.
    package static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: bytes.append(byte)
            case _: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Classes of characters.
enum HTTPCharacter {
    /// Source: RFC 9110 §5.6.2.
    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "!"), 0x23...0x27, UInt8(ascii: "*"), UInt8(ascii: "+"), 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C,
            0x7E:
            true
        case _: false
        }
    }

    /// The value of a hexadecimal digit.
    static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        case _: nil
        }
    }

    /// Bytes without spaces and tabs at both ends.
    static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = bytes.drop { $0 == 0x20 || $0 == 0x09 }
        while let last = rest.last, last == 0x20 || last == 0x09 { rest.removeLast() }
        return rest
    }
}
