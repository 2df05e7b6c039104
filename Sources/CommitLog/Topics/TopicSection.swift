import Checksums
import RecordFormat
import SluiceCore

/// One section of a segment's topic index, as its header describes it: which batches of a range of the `.log` hold
/// records of which topics.
///
/// Layout (big-endian). A `.topics` file is a sequence of sections; each starts at a multiple of 64 and says by itself
/// which part of the log it covers, from one batch boundary to another. Sections cover growing ranges; what
/// none covers, as the newest batches and what is damaged, is read in sequence.
///
///     header        128 bytes, see `encode`
///     filter        lines of 64 bytes, a blocked Bloom filter on XXH3 of the topics: 60 bytes of bits, CRC-32C u32
///     batch table   groups of 64 batches: CRC-32C u32 | position u32, offset u32 of the first, from the start
///                   then for each batch its bytes and what it moves the offset on, each in as few bytes as the largest
///     block index   for each block: bytes of the block, shared count, rest count (varints), rest of its first topic;
///                   CRC-32C u32 behind the last
///     blocks        CRC-32C u32, then topics in the order of their bytes, each as
///                   shared count, rest count (varints), rest, postings' bytes (varint), postings
///     padding       zeros to a multiple of 64
///
/// *Shared* counts bytes that a topic begins with like the one before it in its block (in the block index: like the
/// block before). *Postings* are the numbers of the batches with records of the topic, the first as it is, the others
/// less the one before, as varints. Varints are little-endian base 128. Records without a topic are posted under the
/// empty one, which every selection includes.
///
/// *Checksummed*: every piece by itself, so that a look-up reads and checks what it needs: about 3 KiB of 200. A
/// piece's checksum continues from the header's, plus its place in the section: a right piece of another section or
/// place is wrong here. *Rebuilt*: whatever is missing or wrong. An index is a cache and is never synchronised.
/// *Fingerprint*: checksum, place and offsets of the first and last batch must be those in the log; a section of an
/// older version of the log is ignored.
struct TopicSection: Equatable, Sendable {
    /// Whether there are records without a topic.
    var hasUnlabelled = false
    /// Bytes of the section.
    var byteCount = 0
    var batchCount = 0
    var topicCount = 0
    var blockCount = 0
    /// The base offset of the segment.
    var segment = Offset.zero
    /// The part of the `.log` that is covered.
    var startPosition: Int64 = 0
    var endPosition: Int64 = 0
    /// The offset of the first record covered.
    var baseOffset = Offset.zero
    /// The offset behind the last record covered.
    var nextOffset = Offset.zero
    var firstChecksum: UInt32 = 0
    var lastChecksum: UInt32 = 0
    /// Bytes of the last batch.
    var lastByteCount = 0
    var filterLineCount = 0
    var indexByteCount = 0
    /// Bytes of a batch's two columns in the table.
    var lengthWidth = 1
    var advanceWidth = 1
    /// The header's checksum, from which those of the other pieces continue.
    var checksum: UInt32 = 0

    static let magic: UInt32 = 0x534C_5449  // SLTI
    static let version: UInt32 = 1
    static let alignment = 64
    static let headerByteCount = 128
    static let filterLineByteCount = 64
    static let groupBatchCount = 64
    static let groupHeaderByteCount = 12
    /// More than the largest section that its bounds allow; a header that says so is none.
    static let byteCountMax = 256 << 20

    // MARK: Places of the pieces

    var filterStart: Int { Self.headerByteCount }
    var tableStart: Int { filterStart + filterLineCount * Self.filterLineByteCount }
    var groupCount: Int { (batchCount + Self.groupBatchCount - 1) / Self.groupBatchCount }
    var groupByteCount: Int { Self.groupHeaderByteCount + Self.groupBatchCount * (lengthWidth + advanceWidth) }
    var tableByteCount: Int {
        groupCount * Self.groupHeaderByteCount + batchCount * (lengthWidth + advanceWidth)
    }
    var indexStart: Int { tableStart + tableByteCount }
    var blocksStart: Int { indexStart + indexByteCount }

    /// The batches of a group of the table.
    func batches(ofGroup group: Int) -> Range<Int> {
        let start = group * Self.groupBatchCount
        return start..<min(start + Self.groupBatchCount, batchCount)
    }

    /// Where a group of the table is in the section.
    func place(ofGroup group: Int) -> Range<Int> {
        let start = tableStart + group * groupByteCount
        let rows = batches(ofGroup: group).count
        return start..<start + Self.groupHeaderByteCount + rows * (lengthWidth + advanceWidth)
    }

    // MARK: Checksums

    /// The checksum of a piece at `place` in the section.
    func checksum(of bytes: Span<UInt8>, at place: Int) -> UInt32 {
        let seed = checksum &+ UInt32(truncatingIfNeeded: place)
        return unsafe bytes.withUnsafeBytes { unsafe CRC32C.checksum($0, continuing: seed) }
    }

    // MARK: Header

    /// The header's bytes; `checksum` is set to theirs.
    mutating func encode() -> ByteBuffer {
        var buffer = ByteBuffer(capacity: Self.headerByteCount)
        buffer.append(bigEndian: Self.magic)
        buffer.append(bigEndian: UInt32(0))
        buffer.append(bigEndian: Self.version)
        buffer.append(bigEndian: UInt32(hasUnlabelled ? 1 : 0))
        for count in [byteCount, batchCount, topicCount, blockCount] { buffer.append(bigEndian: UInt32(count)) }
        buffer.append(bigEndian: segment.rawValue)
        buffer.append(bigEndian: startPosition)
        buffer.append(bigEndian: endPosition)
        buffer.append(bigEndian: baseOffset.rawValue)
        buffer.append(bigEndian: nextOffset.rawValue)
        buffer.append(bigEndian: firstChecksum)
        buffer.append(bigEndian: lastChecksum)
        for count in [lastByteCount, filterLineCount, indexByteCount, lengthWidth, advanceWidth] {
            buffer.append(bigEndian: UInt32(count))
        }
        while buffer.count < Self.headerByteCount { buffer.append(bigEndian: UInt32(0)) }
        checksum = CRC32C.checksum(buffer.bytes.extracting(8..<Self.headerByteCount))
        buffer.set(bigEndian: checksum, at: 4)
        return buffer
    }

    /// A section without batches, to be filled in.
    init() {}

    /// Reads a header at the start of `bytes`; nil when it is none, or damaged.
    init?(_ bytes: Span<UInt8>) {
        guard bytes.count >= Self.headerByteCount, BatchLayout.load(bytes, at: 0, as: UInt32.self) == Self.magic,
            BatchLayout.load(bytes, at: 8, as: UInt32.self) == Self.version
        else { return nil }
        checksum = BatchLayout.load(bytes, at: 4, as: UInt32.self)
        guard CRC32C.checksum(bytes.extracting(8..<Self.headerByteCount)) == checksum else { return nil }
        func count(_ at: Int) -> Int { Int(BatchLayout.load(bytes, at: at, as: UInt32.self)) }
        func long(_ at: Int) -> Int64 { BatchLayout.load(bytes, at: at, as: Int64.self) }
        hasUnlabelled = count(12) & 1 != 0
        byteCount = count(16)
        batchCount = count(20)
        topicCount = count(24)
        blockCount = count(28)
        segment = Offset(rawValue: long(32))
        startPosition = long(40)
        endPosition = long(48)
        baseOffset = Offset(rawValue: long(56))
        nextOffset = Offset(rawValue: long(64))
        firstChecksum = UInt32(count(72))
        lastChecksum = UInt32(count(76))
        lastByteCount = count(80)
        filterLineCount = count(84)
        indexByteCount = count(88)
        lengthWidth = count(92)
        advanceWidth = count(96)
        guard isConsistent else { return nil }
    }

    /// Whether the numbers can be those of a section: nothing is read, or reserved, by others.
    private var isConsistent: Bool {
        guard byteCount.isMultiple(of: Self.alignment), byteCount <= Self.byteCountMax, byteCount >= 128,
            (1...4).contains(lengthWidth), (1...4).contains(advanceWidth), blocksStart <= byteCount,
            startPosition >= 0, startPosition < endPosition, baseOffset < nextOffset, baseOffset >= segment
        else { return false }
        return batchCount > 0 && lastByteCount > 0 && Int64(lastByteCount) <= endPosition - startPosition
    }
}

/// Unsigned integers of seven bits a byte, the least significant first.
enum TopicVarint {
    static func append(_ value: Int, to buffer: inout ByteBuffer) {
        var rest = UInt64(value)
        while rest >= 0x80 {
            buffer.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        buffer.append(UInt8(truncatingIfNeeded: rest))
    }

    static func byteCount(_ value: Int) -> Int {
        value < 0x80 ? 1 : (70 - UInt64(value).leadingZeroBitCount) / 7
    }

    /// Reads a value and moves `index` behind it; nil when the bytes end first, or it takes more than 32 bits.
    static func read(_ bytes: Span<UInt8>, at index: inout Int) -> Int? {
        var result = 0
        var shift = 0
        while index < bytes.count, shift < 35 {
            let byte = bytes[index]
            index += 1
            result |= Int(byte & 0x7F) << shift
            if byte < 0x80 { return result <= Int(UInt32.max) ? result : nil }
            shift += 7
        }
        return nil
    }
}

/// The Bloom filter in front of a section: about ten bits a topic, all of a topic's in one line.
///
/// One topic in a hundred that is not there seems to be; a look-up reads 64 bytes.
enum TopicFilter {
    private static let bitCount: UInt64 = 480
    private static let bitsPerTopic = 10
    private static let probeCount = 7

    static func lineCount(topicCount: Int) -> Int {
        topicCount == 0 ? 0 : (topicCount * bitsPerTopic + Int(bitCount) - 1) / Int(bitCount)
    }

    /// The line of a topic, by its hash.
    static func line(_ hash: UInt64, lineCount: Int) -> Int { Int(((hash >> 32) &* UInt64(lineCount)) >> 32) }

    /// The bits of a topic in its line.
    @inline(__always)
    private static func bit(_ hash: UInt64, _ number: Int) -> Int {
        // Double hashing within the low half; the high half chose the line.
        let mixed = (hash & 0xFFFF) &+ UInt64(number) &* ((hash >> 16 & 0xFFFF) | 1)
        return Int(((mixed & 0xFFFF) &* bitCount) >> 16)
    }

    static func insert(_ hash: UInt64, into lines: inout [UInt8], lineCount: Int) {
        let start = line(hash, lineCount: lineCount) * TopicSection.filterLineByteCount
        for number in 0..<probeCount {
            let bit = bit(hash, number)
            lines[start + bit / 8] |= 1 << UInt8(bit % 8)
        }
    }

    /// Whether a line may hold the topic.
    static func mayContain(_ hash: UInt64, line: Span<UInt8>) -> Bool {
        for number in 0..<probeCount {
            let bit = bit(hash, number)
            if line[bit / 8] & (1 << UInt8(bit % 8)) == 0 { return false }
        }
        return true
    }
}
