import Checksums
import Compression
import LogInterface
import RecordFormat
import SluiceCore

/// Collects the topics of consecutive batches and encodes them as a section.
///
/// Isolation: one thread. Memory is bounded: `isFull` says when to finish; what one batch adds beyond is bounded by the
/// batch. The arrays are kept from one section to the next.
struct TopicSectionBuilder: ~Copyable {
    /// Distinct topics of a section: with 64 bytes each, 4 MiB of names and 3 MiB of tables.
    static let topicCountMax = 1 << 16
    /// Pairs of topic and batch of a section, 8 bytes each.
    static let postingCountMax = 1 << 19
    /// Bytes of the names of a section's topics.
    static let nameBytesMax = 4 << 20
    /// Bytes of a block that end it: a look-up reads one; smaller ones make the block index larger.
    private static let blockBytes = 2048

    private var decompressor = Decompressor()
    private var section = TopicSection()
    private var names: [UInt8] = []
    /// Where each topic's name begins in `names`, and behind the last one its end.
    private var nameStarts: [Int] = [0]
    private var hashes: [UInt64] = []
    /// The newest batch that was posted under each topic.
    private var lastBatches: [UInt32] = []
    private var postings: [(topic: UInt32, batch: UInt32)] = []
    private var slots: [UInt32] = Array(repeating: .max, count: 1024)
    private var batches: [(byteCount: UInt32, offset: Offset)] = []

    init() {}

    /// Bytes of the log taken so far.
    var logByteCount: Int64 { section.endPosition - section.startPosition }

    /// Whether no batch was taken.
    var isEmpty: Bool { batches.isEmpty }

    /// Whether the section should be finished.
    var isFull: Bool {
        hashes.count >= Self.topicCountMax || postings.count >= Self.postingCountMax
            || names.count >= Self.nameBytesMax
    }

    /// Starts a section at `position` of a segment's log.
    mutating func begin(_ segment: Offset, at position: Int64) {
        section = TopicSection()
        section.segment = segment
        section.startPosition = position
        section.endPosition = position
        names.removeAll(keepingCapacity: true)
        nameStarts.removeAll(keepingCapacity: true)
        nameStarts.append(0)
        hashes.removeAll(keepingCapacity: true)
        lastBatches.removeAll(keepingCapacity: true)
        postings.removeAll(keepingCapacity: true)
        batches.removeAll(keepingCapacity: true)
        for index in slots.indices { slots[index] = .max }
    }

    /// Takes the batch that follows in the log.
    mutating func add(_ batch: RecordBatch) {
        if batches.isEmpty {
            section.baseOffset = batch.baseOffset
            section.firstChecksum = batch.checksum
        }
        batches.append((UInt32(batch.byteCount), batch.baseOffset))
        section.endPosition += Int64(batch.byteCount)
        section.nextOffset = batch.nextOffset
        section.lastChecksum = batch.checksum
        section.lastByteCount = batch.byteCount
        guard let plain = plain(batch) else { return postUnlabelled() }
        let bytes = plain.bytes
        var records = RecordReader(plain)
        do throws(BatchError) {
            while let record = try records.next(bytes) {
                let topic = TopicHeader.topic(of: record, in: bytes, isFromKafka: plain.isFromKafka)
                if let topic, topic.count > 0 {
                    post(bytes.extracting(topic.indices))
                } else {
                    postUnlabelled()
                }
            }
        } catch {
            // What cannot be decoded is handed to every reader, as without an index.
            postUnlabelled()
        }
    }

    /// The batch as it can be looked into; nil when it cannot.
    private mutating func plain(_ batch: RecordBatch) -> RecordBatch? {
        do throws(BatchError) {
            return try batch.decompressed(byteCountMax: PartitionFiles.batchBytesMax, with: &decompressor)
        } catch {
            return nil
        }
    }

    private mutating func postUnlabelled() {
        section.hasUnlabelled = true
        post(Span())
    }

    private mutating func post(_ topic: Span<UInt8>) {
        let number = number(of: topic)
        let batch = UInt32(batches.count - 1)
        guard lastBatches[number] != batch else { return }
        lastBatches[number] = batch
        postings.append((UInt32(number), batch))
    }

    private mutating func number(of topic: Span<UInt8>) -> Int {
        let hash = XXH3.hash(topic)
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != .max {
            let number = Int(slots[slot])
            if hashes[number] == hash, isName(number, topic) { return number }
            slot = (slot + 1) & mask
        }
        let number = hashes.count
        slots[slot] = UInt32(number)
        hashes.append(hash)
        lastBatches.append(.max)
        unsafe topic.withUnsafeBufferPointer { bytes in unsafe names.append(contentsOf: bytes) }
        nameStarts.append(names.count)
        if hashes.count * 2 > slots.count { grow() }
        return number
    }

    private func isName(_ number: Int, _ topic: Span<UInt8>) -> Bool {
        let range = nameStarts[number]..<nameStarts[number + 1]
        guard range.count == topic.count else { return false }
        return TopicOrder.sharedCount(names.span.extracting(range), topic) == topic.count
    }

    private mutating func grow() {
        slots = Array(repeating: .max, count: slots.count * 2)
        let mask = slots.count - 1
        for (number, hash) in hashes.enumerated() {
            var slot = Int(truncatingIfNeeded: hash) & mask
            while slots[slot] != .max { slot = (slot + 1) & mask }
            slots[slot] = UInt32(number)
        }
    }

    // MARK: Encoding

    /// The section's bytes.
    /// - Complexity: O(n log n) in the topics, O(n) in the postings.
    mutating func finish() -> ByteBuffer {
        precondition(!batches.isEmpty, "Cannot finish a section without batches")
        let order = sortedTopics()
        var index = BlockIndex()
        let blocks = encodeBlocks(order, &index)
        let filter = encodeFilter()
        section.batchCount = batches.count
        section.topicCount = order.count
        section.filterLineCount = filter.count / TopicSection.filterLineByteCount
        section.lengthWidth = Self.width(batches.reduce(0) { max($0, Int($1.byteCount)) })
        section.advanceWidth = Self.width(batches.indices.reduce(0) { max($0, advance($1)) })
        section.indexByteCount = index.bytes.count + 4
        section.blockCount = index.blockByteCounts.count
        let unpadded = section.blocksStart + blocks.count
        let alignment = TopicSection.alignment
        section.byteCount = (unpadded + alignment - 1) / alignment * alignment

        var buffer = ByteBuffer(capacity: section.byteCount)
        buffer.append(section.encode().bytes)
        append(filter, to: &buffer)
        appendTable(to: &buffer)
        let indexChecksum = section.checksum(of: index.bytes.bytes, at: section.indexStart)
        buffer.append(index.bytes.bytes)
        buffer.append(bigEndian: indexChecksum)
        append(blocks.bytes, index.blockByteCounts, to: &buffer)
        while buffer.count < section.byteCount { buffer.append(0) }
        return buffer
    }

    /// The fewest bytes that hold `value`.
    private static func width(_ value: Int) -> Int {
        precondition(value <= Int(UInt32.max))
        return max(1, (71 - UInt64(value).leadingZeroBitCount) / 8)
    }

    /// How far the offset moves from a batch to the next one: its records, and a hole behind them.
    private func advance(_ batch: Int) -> Int {
        let next = batch + 1 < batches.count ? batches[batch + 1].offset : section.nextOffset
        return Int(next.rawValue - batches[batch].offset.rawValue)
    }

    /// The topics' numbers in the order of their names.
    private func sortedTopics() -> [Int] {
        let names = names.span
        // Topics of a fleet begin alike: eight bytes behind what all share tell most of them apart in one comparison.
        var shared = hashes.isEmpty ? 0 : nameStarts[1]
        for number in hashes.indices {
            let range = nameStarts[number]..<nameStarts[number + 1]
            shared = min(shared, TopicOrder.sharedCount(names.extracting(0..<shared), names.extracting(range)))
        }
        var keys: [(key: UInt64, number: Int)] = []
        keys.reserveCapacity(hashes.count)
        for number in hashes.indices {
            var key: UInt64 = 0
            for index in 0..<8 {
                let at = nameStarts[number] + shared + index
                key = key << 8 | (at < nameStarts[number + 1] ? UInt64(names[at]) : 0)
            }
            keys.append((key, number))
        }
        keys.sort { left, right in
            guard left.key == right.key else { return left.key < right.key }
            let first = names.extracting(nameStarts[left.number]..<nameStarts[left.number + 1])
            let second = names.extracting(nameStarts[right.number]..<nameStarts[right.number + 1])
            return TopicOrder.compare(first, second) < 0
        }
        return keys.map(\.number)
    }

    /// The batches of each topic, one topic after the other, and where each one's begin.
    private func groupedPostings() -> (batches: [UInt32], starts: [Int]) {
        var starts = [Int](repeating: 0, count: hashes.count + 1)
        for posting in postings { starts[Int(posting.topic) + 1] += 1 }
        for topic in hashes.indices { starts[topic + 1] += starts[topic] }
        var next = starts
        var grouped = [UInt32](repeating: 0, count: postings.count)
        for posting in postings {
            grouped[next[Int(posting.topic)]] = posting.batch
            next[Int(posting.topic)] += 1
        }
        return (grouped, starts)
    }

    /// The block index as it grows.
    private struct BlockIndex: ~Copyable {
        var bytes = ByteBuffer()
        var blockByteCounts: [Int] = []
        var lastTopic = 0..<0
    }

    private func encodeBlocks(_ order: [Int], _ index: inout BlockIndex) -> ByteBuffer {
        let (grouped, starts) = groupedPostings()
        let names = names.span
        var blocks = ByteBuffer(capacity: names.count / 2 + postings.count * 2 + 4096)
        var blockStart = 0
        var first = 0..<0
        var last = 0..<0
        for (position, topic) in order.enumerated() {
            let name = nameStarts[topic]..<nameStarts[topic + 1]
            if blockStart == blocks.count {
                blocks.append(bigEndian: UInt32(0))
                first = name
                last = name.lowerBound..<name.lowerBound
            }
            Self.append(names.extracting(name), behind: names.extracting(last), to: &blocks)
            last = name
            appendPostings(grouped.span.extracting(starts[topic]..<starts[topic + 1]), to: &blocks)
            guard blocks.count - blockStart >= Self.blockBytes || position == order.count - 1 else { continue }
            TopicVarint.append(blocks.count - blockStart, to: &index.bytes)
            Self.append(names.extracting(first), behind: names.extracting(index.lastTopic), to: &index.bytes)
            index.blockByteCounts.append(blocks.count - blockStart)
            index.lastTopic = first
            blockStart = blocks.count
        }
        return blocks
    }

    private static func append(_ name: Span<UInt8>, behind last: Span<UInt8>, to buffer: inout ByteBuffer) {
        let shared = TopicOrder.sharedCount(name, last)
        TopicVarint.append(shared, to: &buffer)
        TopicVarint.append(name.count - shared, to: &buffer)
        buffer.append(name.extracting(shared..<name.count))
    }

    private func appendPostings(_ batches: Span<UInt32>, to buffer: inout ByteBuffer) {
        var byteCount = 0
        var last = 0
        for index in batches.indices {
            byteCount += TopicVarint.byteCount(Int(batches[index]) - last)
            last = Int(batches[index])
        }
        TopicVarint.append(byteCount, to: &buffer)
        last = 0
        for index in batches.indices {
            TopicVarint.append(Int(batches[index]) - last, to: &buffer)
            last = Int(batches[index])
        }
    }

    /// Appends the blocks with their checksums, for which they have room.
    private func append(_ blocks: Span<UInt8>, _ byteCounts: [Int], to buffer: inout ByteBuffer) {
        var start = 0
        for byteCount in byteCounts {
            let content = blocks.extracting(start + 4..<start + byteCount)
            buffer.append(bigEndian: section.checksum(of: content, at: section.blocksStart + start))
            buffer.append(content)
            start += byteCount
        }
    }

    private func encodeFilter() -> [UInt8] {
        let lineCount = TopicFilter.lineCount(topicCount: hashes.count)
        var lines = [UInt8](repeating: 0, count: lineCount * TopicSection.filterLineByteCount)
        for hash in hashes { TopicFilter.insert(hash, into: &lines, lineCount: lineCount) }
        return lines
    }

    private func append(_ filter: [UInt8], to buffer: inout ByteBuffer) {
        let lines = filter.span
        let byteCount = TopicSection.filterLineByteCount
        for start in stride(from: 0, to: lines.count, by: byteCount) {
            let bits = lines.extracting(start..<start + byteCount - 4)
            buffer.append(bits)
            buffer.append(bigEndian: section.checksum(of: bits, at: section.filterStart + start))
        }
    }

    private func appendTable(to buffer: inout ByteBuffer) {
        var position = 0
        for group in 0..<section.groupCount {
            var rows = ByteBuffer(capacity: section.groupByteCount)
            let range = section.batches(ofGroup: group)
            rows.append(bigEndian: UInt32(position))
            rows.append(bigEndian: UInt32(batches[range.lowerBound].offset.rawValue - section.baseOffset.rawValue))
            for batch in range {
                Self.append(Int(batches[batch].byteCount), width: section.lengthWidth, to: &rows)
                Self.append(advance(batch), width: section.advanceWidth, to: &rows)
                position += Int(batches[batch].byteCount)
            }
            buffer.append(
                bigEndian: section.checksum(of: rows.bytes, at: section.place(ofGroup: group).lowerBound))
            buffer.append(rows.bytes)
        }
    }

    private static func append(_ value: Int, width: Int, to buffer: inout ByteBuffer) {
        for index in (0..<width).reversed() { buffer.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
    }
}
