import SluiceCore

/// What a proxy says in front of a connection's bytes: whose they are.
///
/// Source: HAProxy, *The PROXY protocol, versions 1 and 2*, §2.
enum ProxyHeader: Equatable {
    /// More bytes must come before it is whole.
    case needsMore
    /// It is whole, and this long; nil when the proxy speaks for itself, or does not know for whom.
    case taken(byteCount: Int, source: String?)
    /// It is none, for this reason.
    case malformed(String)

    /// Bytes of a header of version 1: the longest there can be (§2.1).
    static let textBytesMax = 107
    /// Bytes of a header of version 2 behind its first sixteen: addresses, and a certificate's names beside them.
    static let binaryBytesMax = 4096
    private static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]

    /// Reads the header that `bytes` begin with.
    /// - Complexity: O(bytes of the header).
    static func read(_ bytes: Span<UInt8>) -> ProxyHeader {
        if begins(bytes, with: signature) { return bytes.count < 16 ? .needsMore : binary(bytes) }
        if begins(bytes, with: Array("PROXY ".utf8)) { return bytes.count < 8 ? .needsMore : text(bytes) }
        return .malformed("no PROXY header")
    }

    /// Whether the bytes there are do not differ from `word`.
    private static func begins(_ bytes: Span<UInt8>, with word: [UInt8]) -> Bool {
        for index in 0..<min(bytes.count, word.count) where bytes[index] != word[index] { return false }
        return true
    }

    // MARK: Version 1

    private static func text(_ bytes: Span<UInt8>) -> ProxyHeader {
        let count = min(bytes.count, textBytesMax)
        var line: [UInt8] = []
        for index in 0..<count {
            if bytes[index] == 0x0A, line.last == 0x0D { return text(line.dropLast(), byteCount: index + 1) }
            line.append(bytes[index])
        }
        return count == textBytesMax ? .malformed("a PROXY line without an end") : .needsMore
    }

    private static func text(_ line: ArraySlice<UInt8>, byteCount: Int) -> ProxyHeader {
        let words = String(decoding: line, as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
        let isUnknown = words.count >= 2 && words[1] == "UNKNOWN"
        if isUnknown { return .taken(byteCount: byteCount, source: nil) }
        guard words.count == 6, ["TCP4", "TCP6"].contains(words[1]), let source = IPAddress(words[2]),
            let target = IPAddress(words[3]), port(words[4]) != nil, port(words[5]) != nil,
            let port = port(words[4]), words[2].contains(":") == (words[1] == "TCP6"),
            source.isVersion4 == target.isVersion4 || words[1] == "TCP6"
        else { return .malformed("a PROXY line that is none") }
        return .taken(byteCount: byteCount, source: place(source, port))
    }

    private static func port(_ word: Substring) -> UInt16? {
        guard (1...5).contains(word.utf8.count), word.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            word.count == 1 || word.first != "0"
        else { return nil }
        return UInt16(word)
    }

    // MARK: Version 2

    private static func binary(_ bytes: Span<UInt8>) -> ProxyHeader {
        guard bytes[12] >> 4 == 2 else { return .malformed("version \(bytes[12] >> 4) of PROXY") }
        let count = Int(bytes[14]) << 8 | Int(bytes[15])
        guard count <= binaryBytesMax else { return .malformed("a PROXY header of \(count) bytes") }
        // What is wrong already is not waited for.
        guard bytes[12] & 0xF <= 1 else { return .malformed("command \(bytes[12] & 0xF) of PROXY") }
        guard bytes.count >= 16 + count else { return .needsMore }
        // The proxy speaks for itself, whatever stands in the rest (§2.2).
        if bytes[12] & 0xF == 0 { return .taken(byteCount: 16 + count, source: nil) }
        let addressCount: Int
        var source: String?
        switch bytes[13] {
        case 0x11:
            addressCount = 12
            if count >= 12 {
                source = place(IPAddress(version4: UInt32(number(bytes, 16, 4))), UInt16(number(bytes, 24, 2)))
            }
        case 0x21:
            addressCount = 36
            if count >= 36 {
                let address = IPAddress(high: number(bytes, 16, 8), low: number(bytes, 24, 8))
                source = place(address, UInt16(number(bytes, 48, 2)))
            }
        case 0x31: addressCount = 216
        // Unspecified: the addresses, if any, are to be passed over with all that is behind them (§2.2).
        case 0x00: return .taken(byteCount: 16 + count, source: nil)
        case let other: return .malformed("family \(other) of PROXY")
        }
        guard count >= addressCount, areWhole(bytes, 16 + addressCount, 16 + count) else {
            return .malformed("a PROXY header whose lengths do not agree")
        }
        return .taken(byteCount: 16 + count, source: source)
    }

    /// Whether what is behind the addresses are whole fields of a type, a length and a value (§2.2.6).
    private static func areWhole(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        var position = start
        while position < end {
            guard position + 3 <= end else { return false }
            position += 3 + Int(number(bytes, position + 1, 2))
        }
        return position == end
    }

    private static func number(_ bytes: Span<UInt8>, _ start: Int, _ count: Int) -> UInt64 {
        (start..<start + count).reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[$1]) }
    }

    private static func place(_ address: IPAddress, _ port: UInt16) -> String {
        address.isVersion4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }
}
