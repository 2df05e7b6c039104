/// Topic filters as sets of topics: what two have in common, and whether one holds all of another.
///
/// Source: MQTT 5.0 §4.7.
package enum FilterSets {
    private typealias Level = ArraySlice<UInt8>

    /// The filter of the topics that both match; nil when there are none.
    package static func intersection(_ left: [UInt8], _ right: [UInt8]) -> [UInt8]? {
        let (left, right) = (levels(left), levels(right))
        if isHidden(left, right) || isHidden(right, left) { return nil }
        var common: [Level] = []
        var index = 0
        while true {
            let (one, other) = (index < left.count ? left[index] : nil, index < right.count ? right[index] : nil)
            switch (one, other) {
            case (nil, nil): return joined(common)
            // "a/#" holds "a", and all that is below.
            case (let level?, _) where isHash(level): return joined(common + right.dropFirst(index))
            case (_, let level?) where isHash(level): return joined(common + left.dropFirst(index))
            case (nil, _), (_, nil): return nil
            case (let one?, let other?):
                if isPlus(one) {
                    common.append(other)
                } else if isPlus(other) || one == other {
                    common.append(one)
                } else {
                    return nil
                }
            }
            index += 1
        }
    }

    /// Whether every topic that `inner` matches is matched by `outer`.
    package static func isCovered(_ inner: [UInt8], by outer: [UInt8]) -> Bool {
        let (inner, outer) = (levels(inner), levels(outer))
        if isHidden(outer, inner) { return false }
        // Every topic has a first level.
        if outer.count == 2, isPlus(outer[0]), isHash(outer[1]) { return true }
        for (index, level) in outer.enumerated() {
            if isHash(level) { return true }
            guard index < inner.count, !isHash(inner[index]) else { return false }
            if !isPlus(level), level != inner[index] { return false }
        }
        return inner.count == outer.count
    }

    /// Whether two filters certainly have no topic in common: they differ before any wildcard or placeholder.
    /// - Complexity: O(n), no allocation; most rules have nothing to do with most subscriptions.
    package static func areApart(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        for index in 0..<min(left.count, right.count) {
            let (one, other) = (left[index], right[index])
            if isOpen(one) || isOpen(other) { return false }
            if one != other { return true }
        }
        return false
    }

    /// Whether what follows depends on more than the bytes: a wildcard, or a name that takes a placeholder's place.
    private static func isOpen(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "+") || byte == UInt8(ascii: "#") || byte == UInt8(ascii: "%")
    }

    private static func levels(_ filter: [UInt8]) -> [Level] {
        filter.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    }

    private static func joined(_ levels: [Level]) -> [UInt8] { Array(levels.joined(separator: [UInt8(ascii: "/")])) }

    /// Whether a wildcard in the first level hides the topics of the other, which start with '$'.
    private static func isHidden(_ wild: [Level], _ other: [Level]) -> Bool {
        guard let first = wild.first, isHash(first) || isPlus(first) else { return false }
        return other.first?.first == UInt8(ascii: "$")
    }

    private static func isHash(_ level: Level) -> Bool { level.elementsEqual("#".utf8) }
    private static func isPlus(_ level: Level) -> Bool { level.elementsEqual("+".utf8) }
}
