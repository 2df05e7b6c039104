package import SluiceCore

/// What a member says of records that it has.
package struct ShareAcknowledgement: Equatable, Sendable {
    /// The records.
    package var range: Range<Offset>
    /// One word for all of them, or one for each.
    package var kinds: [Kind]

    /// A word about a record, with Kafka's number of it.
    package enum Kind: Int8, Sendable {
        /// There is no record at the offset.
        case gap = 0
        /// It is done with.
        case accept = 1
        /// Somebody else may try.
        case release = 2
        /// Nobody will be able to do anything with it.
        case reject = 3
        /// The member needs more time.
        case renew = 4
    }

    /// An acknowledgement; nil when it is not one word, or one for each record, in order.
    package init?(first: Int64, last: Int64, kinds: [Int8]) {
        guard first >= 0, first <= last, last < Int64.max, kinds.count == 1 || Int64(kinds.count) == last - first + 1
        else { return nil }
        range = Offset(rawValue: first)..<Offset(rawValue: last + 1)
        self.kinds = []
        for kind in kinds {
            guard let kind = Kind(rawValue: kind) else { return nil }
            self.kinds.append(kind)
        }
    }

    /// Whether it asks for more time.
    package var renews: Bool { kinds.contains(.renew) }

    /// Offsets that follow each other with the same word.
    var parts: [(range: Range<Offset>, kind: Kind)] {
        guard kinds.count > 1 else { return kinds.map { (range, $0) } }
        var parts: [(range: Range<Offset>, kind: Kind)] = []
        for (index, kind) in kinds.enumerated() {
            let offset = range.lowerBound.advanced(by: index)
            if let last = parts.last, last.kind == kind {
                parts[parts.count - 1].range = last.range.lowerBound..<offset.advanced(by: 1)
            } else {
                parts.append((offset..<offset.advanced(by: 1), kind))
            }
        }
        return parts
    }
}
