/// An address of the Internet Protocol.
///
/// Layout: sixteen bytes as two numbers; of version 4 the last four bytes, behind `::ffff:` (RFC 4291 §2.5.5.2), so
/// that both ways to write one are one address.
package struct IPAddress: Sendable, Hashable {
    /// The first eight bytes.
    package let high: UInt64
    /// The last eight bytes.
    package let low: UInt64

    private static let version4: UInt64 = 0xFFFF << 32

    /// An address from its parts.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// An address of version 4.
    package init(version4 number: UInt32) { self.init(high: 0, low: Self.version4 | UInt64(number)) }

    /// Whether it is of version 4.
    package var isVersion4: Bool { high == 0 && low & ~0xFFFF_FFFF == Self.version4 }

    /// What an address is counted and banned by: of version 6 the network of 64 bits that one customer has at least,
    /// and chooses addresses in as it likes.
    package var site: IPAddress { isVersion4 ? self : IPAddress(high: high, low: 0) }

    /// Reads an address in its usual notation; nil when it is none.
    ///
    /// Source: RFC 4291 §2.2.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 45 else { return nil }
        if text.contains(":") {
            guard let address = Self.version6(String(text)) else { return nil }
            self = address
        } else {
            guard let number = Self.number4(String(text)) else { return nil }
            self.init(version4: number)
        }
    }

    /// The address of `HOST:PORT` or `[HOST]:PORT`; nil when the host is none.
    package init?(socket text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        self.init(host)
    }

    private static func number4(_ text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part.count == 1 || part.first != "0", let byte = UInt8(part)
            else { return nil }
            number = number << 8 | UInt32(byte)
        }
        return number
    }

    private static func version6(_ text: String) -> IPAddress? {
        var halves: [[UInt16]] = [[]]
        var rest = text[...]
        if rest.hasPrefix("::") {
            halves.append([])
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty {
            let word = rest.prefix { $0 != ":" }
            if word.contains(".") {
                guard word.count == rest.count, let number = number4(String(word)) else { return nil }
                halves[halves.count - 1] += [UInt16(number >> 16), UInt16(number & 0xFFFF)]
                rest = ""
                break
            }
            guard (1...4).contains(word.utf8.count), let group = UInt16(word, radix: 16), word.first != "+" else {
                return nil
            }
            halves[halves.count - 1].append(group)
            rest = rest.dropFirst(word.count)
            guard !rest.isEmpty else { break }
            if rest.hasPrefix("::") {
                guard halves.count == 1 else { return nil }
                halves.append([])
                rest = rest.dropFirst(2)
            } else {
                rest = rest.dropFirst()
                guard !rest.isEmpty else { return nil }
            }
        }
        let count = halves.reduce(0) { $0 + $1.count }
        guard halves.count == 1 ? count == 8 : count < 8 else { return nil }
        var groups = halves[0]
        if halves.count == 2 { groups += Array(repeating: 0, count: 8 - count) + halves[1] }
        let numbers = [groups[..<4], groups[4...]].map { $0.reduce(UInt64(0)) { $0 << 16 | UInt64($1) } }
        return IPAddress(high: numbers[0], low: numbers[1])
    }
}

extension IPAddress: CustomStringConvertible {
    /// It in its usual notation, the longest run of zeros left out (RFC 5952 §4).
    package var description: String {
        if isVersion4 { return (0..<4).map { String(low >> (24 - 8 * UInt64($0)) & 0xFF) }.joined(separator: ".") }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> (48 - 16 * UInt64($0 % 4))) }
        var longest = 0..<0
        var start = 0
        while start < 8 {
            let run = groups[start...].prefix { $0 == 0 }
            if run.count > max(1, longest.count) { longest = start..<start + run.count }
            start += max(1, run.count)
        }
        func words(_ range: Range<Int>) -> String {
            range.map { String(groups[$0], radix: 16) }.joined(separator: ":")
        }
        guard !longest.isEmpty else { return words(0..<8) }
        return words(0..<longest.lowerBound) + "::" + words(longest.upperBound..<8)
    }
}

/// The addresses that begin with the same bits.
package struct IPNetwork: Sendable, Hashable, CustomStringConvertible {
    /// Its first address.
    package let address: IPAddress
    /// How many bits its addresses share, of 128.
    private let bitCount: Int

    /// Reads `ADDRESS` or `ADDRESS/BITS`; nil when it is neither, or has bits behind those that are shared.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = IPAddress(parts[0]) else { return nil }
        let most = address.isVersion4 && !parts[0].contains(":") ? 32 : 128
        var count = most
        if parts.count == 2 {
            guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(parts[1]), number <= most
            else { return nil }
            count = number
        }
        bitCount = count + 128 - most
        self.address = address
        let mask = Self.mask(bitCount)
        guard address.high & ~mask.high == 0, address.low & ~mask.low == 0 else { return nil }
    }

    /// The network of one address.
    package init(_ address: IPAddress) {
        self.address = address
        bitCount = 128
    }

    private static func mask(_ count: Int) -> (high: UInt64, low: UInt64) {
        func word(_ count: Int) -> UInt64 { count <= 0 ? 0 : count >= 64 ? .max : ~(.max >> UInt64(count)) }
        return (word(count), word(count - 64))
    }

    /// Whether an address is in it.
    package func contains(_ other: IPAddress) -> Bool {
        let mask = Self.mask(bitCount)
        return other.high & mask.high == address.high && other.low & mask.low == address.low
    }

    /// It, as it is read.
    package var description: String {
        let isVersion4 = address.isVersion4 && bitCount >= 96
        let count = isVersion4 ? bitCount - 96 : bitCount
        return count == (isVersion4 ? 32 : 128) ? address.description : "\(address)/\(count)"
    }
}

extension IPNetwork {
    /// What addresses of one site are counted by: an address of version 4, 64 bits of version 6.
    package init(site: IPAddress) {
        address = site
        bitCount = site.isVersion4 ? 128 : 64
    }
}
