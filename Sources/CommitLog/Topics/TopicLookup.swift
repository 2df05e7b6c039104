import Checksums
import LogInterface
import RecordFormat
import SluiceCore

/// A batch that a reader wants, as a section's table has it.
struct PlannedBatch: Equatable, Sendable {
    /// Its place in the log, from the section's start.
    var position: UInt32
    var byteCount: UInt32
    /// The offset of its first record, from the section's first.
    var offset: UInt32
    /// How far it moves the offset on, with a hole behind it.
    var advance: UInt32
}

/// A piece of a section is damaged: the section's range is read in sequence.
struct TopicDamage: Error {}

/// Finds the batches of a section that a selection wants.
///
/// A topic by name costs a line of the filter and, when it may be there, the block index, a block and the table's
/// groups of its batches: a few short reads. A filter with wildcards walks the blocks from its prefix on.
/// Isolation: a value for one look-up; every piece is checked when it is read.
struct TopicLookup {
    private let file: TopicIndexFile
    private let found: TopicIndexFile.Found
    /// One bit for each batch of the section.
    private var wanted: [UInt64]
    private var wantedCount = 0
    /// Where only the last batches of topics are wanted: the batch that holds the end.
    private var endBatch: Int?
    private var index: [UInt8]?
    private var block: (place: Int, bytes: [UInt8])?
    /// Bytes of the index that were read.
    private(set) var byteCount = 0

    private var section: TopicSection { found.section }

    init(_ file: TopicIndexFile, _ found: TopicIndexFile.Found) {
        self.file = file
        self.found = found
        wanted = Array(repeating: 0, count: (found.section.batchCount + 63) / 64)
    }

    /// The batches of `selection`, in the order of the log.
    /// - Returns: nil when they are so many that reading everything is as good.
    /// - Throws: `TopicDamage`.
    mutating func batches(_ selection: TopicSelection, countMax: Int) throws(TopicDamage) -> [PlannedBatch]? {
        if section.hasUnlabelled { try find([], XXH3.hash(Span())) }
        for topic in selection.topics { try find(topic.bytes, topic.hash) }
        for wildcard in selection.wildcards where !isTooMuch { try walk(wildcard.prefix, wildcard.matches) }
        guard !isTooMuch, wantedCount <= countMax else { return nil }
        let batches = try planned()
        // More than half of the bytes cost as much as all of them.
        let byteCount = batches.reduce(Int64(0)) { $0 + Int64($1.byteCount) }
        return byteCount * 2 > section.endPosition - section.startPosition ? nil : batches
    }

    /// Whether more than half of the batches are wanted.
    private var isTooMuch: Bool { wantedCount * 2 > section.batchCount }

    /// For each topic of `selection` that is wanted the last batch with a record of it before `end`; where that holds
    /// the end, the one before it, too.
    /// - Throws: `TopicDamage`.
    mutating func lastBatches(
        _ selection: TopicSelection, before end: Offset, isWanted: (Span<UInt8>) -> Bool
    ) throws(TopicDamage) -> [PlannedBatch] {
        endBatch = try section.nextOffset <= end ? section.batchCount : batch(before: end)
        for topic in selection.topics where isWanted(topic.bytes.span) { try find(topic.bytes, topic.hash) }
        for wildcard in selection.wildcards {
            let matches = wildcard.matches
            try walk(wildcard.prefix) { topic in isWanted(topic) && matches(topic) }
        }
        return try planned()
    }

    /// The last batch that begins before `end`.
    private mutating func batch(before end: Offset) throws(TopicDamage) -> Int {
        var last = 0
        for group in 0..<section.groupCount {
            let rows = try checksumFirst(section.place(ofGroup: group))
            var offset = BatchLayout.load(rows.span, at: 8, as: UInt32.self)
            var at = TopicSection.groupHeaderByteCount
            for batch in section.batches(ofGroup: group) {
                if section.baseOffset.advanced(by: Int(offset)) >= end { return last }
                last = batch
                _ = Self.number(rows.span, at: &at, width: section.lengthWidth)
                offset &+= Self.number(rows.span, at: &at, width: section.advanceWidth)
            }
        }
        return last
    }

    /// Checks every piece.
    /// - Throws: `TopicDamage`.
    mutating func verify() throws(TopicDamage) {
        for line in 0..<section.filterLineCount { _ = try filterLine(line) }
        for group in 0..<section.groupCount { _ = try checksumFirst(section.place(ofGroup: group)) }
        var cursor = BlockCursor(section)
        var count = 0
        let index = try blockIndex()
        while let place = try cursor.next(index.span) {
            let bytes = try block(at: place)
            var reader = BlockReader()
            while try reader.next(bytes.span) { count += 1 }
        }
        guard count == section.topicCount else { throw TopicDamage() }
    }

    // MARK: Finding

    private mutating func find(_ topic: [UInt8], _ hash: UInt64) throws(TopicDamage) {
        guard section.filterLineCount > 0 else { return }
        let line = try filterLine(TopicFilter.line(hash, lineCount: section.filterLineCount))
        guard TopicFilter.mayContain(hash, line: line.span) else { return }
        let index = try blockIndex()
        var cursor = BlockCursor(section)
        guard let place = try cursor.seek(topic.span, index.span) else { return }
        let bytes = try block(at: place)
        let view = bytes.span
        var search = TopicSearch()
        var at = 4
        while at < view.count {
            let order = try search.compare(view, at: &at, with: topic.span)
            guard let byteCount = TopicVarint.read(view, at: &at), byteCount <= view.count - at else {
                throw TopicDamage()
            }
            if order == 0 { try want(view, at..<at + byteCount) }
            if order >= 0 { return }
            at += byteCount
        }
    }

    private mutating func walk(_ prefix: [UInt8], _ matches: (Span<UInt8>) -> Bool) throws(TopicDamage) {
        let index = try blockIndex()
        var cursor = BlockCursor(section)
        var place = try cursor.seek(prefix.span, index.span)
        if place == nil { place = try cursor.next(index.span) }
        while let current = place, endBatch != nil || !isTooMuch {
            let bytes = try block(at: current)
            var reader = BlockReader()
            while try reader.next(bytes.span) {
                if TopicOrder.hasPrefix(reader.topic.span, prefix) {
                    if matches(reader.topic.span) { try want(bytes.span, reader.postings) }
                } else if TopicOrder.compare(reader.topic.span, prefix.span) > 0 {
                    return
                }
            }
            place = try cursor.next(index.span)
        }
    }

    /// Marks the batches of postings.
    private mutating func want(_ bytes: Span<UInt8>, _ postings: Range<Int>) throws(TopicDamage) {
        var at = postings.lowerBound
        var batch = 0
        var last: Int?
        while at < postings.upperBound {
            guard let step = TopicVarint.read(bytes, at: &at) else { throw TopicDamage() }
            batch += step
            guard batch < section.batchCount else { throw TopicDamage() }
            guard let endBatch else {
                mark(batch)
                continue
            }
            if batch > endBatch { break }
            if batch == endBatch { mark(batch) } else { last = batch }
        }
        if let last { mark(last) }
    }

    private mutating func mark(_ batch: Int) {
        let bit: UInt64 = 1 << UInt64(batch % 64)
        if wanted[batch / 64] & bit == 0 { wantedCount += 1 }
        wanted[batch / 64] |= bit
    }

    // MARK: Pieces

    private mutating func filterLine(_ number: Int) throws(TopicDamage) -> [UInt8] {
        let byteCount = TopicSection.filterLineByteCount
        let start = section.filterStart + number * byteCount
        return try checksumLast(start..<start + byteCount)
    }

    private mutating func blockIndex() throws(TopicDamage) -> [UInt8] {
        if let index { return index }
        let bytes = try checksumLast(section.indexStart..<section.blocksStart)
        index = bytes
        return bytes
    }

    private mutating func block(at place: Range<Int>) throws(TopicDamage) -> [UInt8] {
        if let block, block.place == place.lowerBound { return block.bytes }
        let bytes = try checksumFirst(place)
        block = (place.lowerBound, bytes)
        return bytes
    }

    /// A piece whose checksum stands at its end, which is left out.
    private mutating func checksumLast(_ place: Range<Int>) throws(TopicDamage) -> [UInt8] {
        var bytes = try piece(place)
        let end = bytes.count - 4
        let stored = BatchLayout.load(bytes.span, at: end, as: UInt32.self)
        guard section.checksum(of: bytes.span.extracting(0..<end), at: place.lowerBound) == stored else {
            throw TopicDamage()
        }
        bytes.removeLast(4)
        return bytes
    }

    /// A piece whose checksum stands at its start, which is kept.
    private mutating func checksumFirst(_ place: Range<Int>) throws(TopicDamage) -> [UInt8] {
        let bytes = try piece(place)
        let stored = BatchLayout.load(bytes.span, at: 0, as: UInt32.self)
        guard section.checksum(of: bytes.span.extracting(4..<bytes.count), at: place.lowerBound) == stored else {
            throw TopicDamage()
        }
        return bytes
    }

    private mutating func piece(_ place: Range<Int>) throws(TopicDamage) -> [UInt8] {
        guard place.count >= 4, let bytes = file.piece(found, place) else { throw TopicDamage() }
        byteCount += place.count
        return bytes
    }

    // MARK: The table

    /// Places and offsets of the wanted batches.
    private mutating func planned() throws(TopicDamage) -> [PlannedBatch] {
        var batches: [PlannedBatch] = []
        batches.reserveCapacity(wantedCount)
        for group in wanted.indices where wanted[group] != 0 {
            let rows = try checksumFirst(section.place(ofGroup: group))
            let view = rows.span
            var position = BatchLayout.load(view, at: 4, as: UInt32.self)
            var offset = BatchLayout.load(view, at: 8, as: UInt32.self)
            var at = TopicSection.groupHeaderByteCount
            for row in 0..<section.batches(ofGroup: group).count {
                let byteCount = Self.number(view, at: &at, width: section.lengthWidth)
                let advance = Self.number(view, at: &at, width: section.advanceWidth)
                if wanted[group] & (1 << UInt64(row)) != 0 {
                    batches.append(
                        PlannedBatch(position: position, byteCount: byteCount, offset: offset, advance: advance))
                }
                position &+= byteCount
                offset &+= advance
            }
        }
        return batches
    }

    private static func number(_ bytes: Span<UInt8>, at index: inout Int, width: Int) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<width {
            value = value << 8 | UInt32(bytes[index])
            index += 1
        }
        return value
    }
}

/// Goes through a section's block index.
private struct BlockCursor {
    private var at = 0
    private var start: Int
    private let end: Int

    init(_ section: TopicSection) {
        start = section.blocksStart
        end = section.byteCount
    }

    /// The block that holds `topic` if one does; nil when every block begins behind it. `next` is the one behind.
    mutating func seek(_ topic: Span<UInt8>, _ index: Span<UInt8>) throws(TopicDamage) -> Range<Int>? {
        var search = TopicSearch()
        var found: Range<Int>?
        while at < index.count {
            let before = (at, start)
            let place = try readPlace(index)
            guard try search.compare(index, at: &at, with: topic) <= 0 else {
                (at, start) = before
                return found
            }
            found = place
        }
        return found
    }

    /// The next block.
    mutating func next(_ index: Span<UInt8>) throws(TopicDamage) -> Range<Int>? {
        guard at < index.count else { return nil }
        let place = try readPlace(index)
        guard TopicVarint.read(index, at: &at) != nil, let rest = TopicVarint.read(index, at: &at),
            rest <= index.count - at
        else { throw TopicDamage() }
        at += rest
        return place
    }

    private mutating func readPlace(_ index: Span<UInt8>) throws(TopicDamage) -> Range<Int> {
        guard let byteCount = TopicVarint.read(index, at: &at), byteCount > 4, byteCount <= end - start else {
            throw TopicDamage()
        }
        defer { start += byteCount }
        return start..<start + byteCount
    }
}

/// Compares one topic with those of a list in order, each of which is written as what it shares with the one before,
/// and the rest; none of them is put together.
private struct TopicSearch {
    /// How many bytes the topic shares with the one compared last, which came before it.
    private var matched = 0

    /// Less than, equal to or greater than 0 as the name at `index` comes before `topic`, is it, or comes after it; the
    /// last ends the search. Moves `index` behind the name.
    mutating func compare(
        _ bytes: Span<UInt8>, at index: inout Int, with topic: Span<UInt8>
    ) throws(TopicDamage) -> Int {
        guard let shared = TopicVarint.read(bytes, at: &index), let rest = TopicVarint.read(bytes, at: &index),
            rest <= bytes.count - index
        else { throw TopicDamage() }
        let name = bytes.extracting(index..<index + rest)
        index += rest
        // It goes on like the one before where that one differed from the topic, or leaves it sooner, upwards.
        if shared != matched { return shared > matched ? -1 : 1 }
        let wanted = topic.extracting(matched..<topic.count)
        matched += TopicOrder.sharedCount(name, wanted)
        return TopicOrder.compare(name, wanted)
    }
}

/// Goes through the topics of a block.
private struct BlockReader {
    private var at = 4
    /// The topic that was read last.
    private(set) var topic: [UInt8] = []
    /// Where its postings stand in the block.
    private(set) var postings = 0..<0

    /// Reads the next topic.
    /// - Returns: false at the end.
    mutating func next(_ bytes: Span<UInt8>) throws(TopicDamage) -> Bool {
        guard at < bytes.count else { return false }
        guard TopicName.read(bytes, at: &at, into: &topic), let byteCount = TopicVarint.read(bytes, at: &at),
            byteCount <= bytes.count - at
        else { throw TopicDamage() }
        postings = at..<at + byteCount
        at += byteCount
        return true
    }
}

/// A topic as the bytes that it shares with the one before, and the rest.
private enum TopicName {
    static func read(_ bytes: Span<UInt8>, at index: inout Int, into topic: inout [UInt8]) -> Bool {
        guard let shared = TopicVarint.read(bytes, at: &index), shared <= topic.count,
            let rest = TopicVarint.read(bytes, at: &index), rest <= bytes.count - index
        else { return false }
        topic.removeLast(topic.count - shared)
        for offset in index..<index + rest { topic.append(bytes[offset]) }
        index += rest
        return true
    }
}
