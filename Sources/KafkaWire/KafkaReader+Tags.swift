extension KafkaReader {
    /// A walk over the tagged fields behind a struct.
    package struct Tags {
        /// Fields not yet read.
        var count: UInt32
        /// The field before, nil at the first.
        var last: UInt32?
        /// The end of what surrounds the field that is being read.
        var outerEnd: Int
        var structure: StaticString
    }

    /// Begins with the tagged fields behind `structure`.
    package mutating func readTags(_ structure: StaticString) throws(KafkaWireError) -> Tags {
        let start = position
        let count = try readVarint(structure)
        // A tagged field is at least its number and its size.
        guard Int(count) <= remaining / 2 else {
            throw error(.countTooLarge(count: Int(count), atMost: remaining / 2), structure, at: start)
        }
        return Tags(count: count, last: nil, outerEnd: end, structure: structure)
    }

    /// The number of the next tagged field, nil behind the last. The reader ends where the field does.
    package mutating func nextTag(_ tags: inout Tags) throws(KafkaWireError) -> UInt32? {
        if tags.last != nil {
            guard position == end else { throw error(.tagTooLong(remaining), tags.structure) }
            end = tags.outerEnd
        }
        guard tags.count > 0 else { return nil }
        tags.count -= 1
        let start = position
        let tag = try readVarint(tags.structure)
        if let last = tags.last, tag <= last { throw error(.tagsNotAscending(tag), tags.structure, at: start) }
        tags.last = tag
        let byteCount = Int(try readVarint(tags.structure))
        guard byteCount <= remaining else {
            throw error(.truncated(needed: byteCount, remaining: remaining), tags.structure)
        }
        end = position + byteCount
        return tag
    }

    /// Passes over the tagged field that is being read.
    package mutating func skipTag() { position = end }

    /// Passes over the tagged fields behind `structure`, none of which is known.
    package mutating func skipTags(_ structure: StaticString) throws(KafkaWireError) {
        var tags = try readTags(structure)
        while try nextTag(&tags) != nil { skipTag() }
    }
}
