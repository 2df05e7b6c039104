import Checksums

/// A small file of lines under a title, with a checksum in its last line.
///
/// Layout: the title; the lines; last `crc32c HEX` over everything before it, newlines included.
package enum ChecksummedText {
    private static let mark = "crc32c "

    /// The file's bytes.
    package static func encoded(title: String, lines: [String]) -> [UInt8] {
        let body = Array(([title] + lines).map { $0 + "\n" }.joined().utf8)
        return body + Array("\(mark)\(String(CRC32C.checksum(body.span), radix: 16))\n".utf8)
    }

    /// The lines behind the title; nil when the bytes are damaged or have another title.
    package static func lines(_ bytes: [UInt8], title: String) -> [Substring]? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        // The last line ends with a newline, so an empty one is behind it.
        guard lines.popLast() == "", let last = lines.popLast(), last.hasPrefix(mark) else { return nil }
        let body = Array((lines.map { $0 + "\n" }.joined()).utf8)
        guard UInt32(last.dropFirst(mark.count), radix: 16) == CRC32C.checksum(body.span) else { return nil }
        guard lines.first.map({ $0 == title }) == true else { return nil }
        return Array(lines.dropFirst())
    }
}
