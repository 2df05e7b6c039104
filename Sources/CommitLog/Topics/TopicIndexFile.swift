import RecordFormat
import SluiceCore

/// A `.topics` file, open for the time of a read.
///
/// Whatever cannot be read or is damaged is passed over: it costs time and no record.
struct TopicIndexFile {
    private let storage: any Storage
    private let file: FileID
    private let byteCount: Int64

    /// A section and where it is in the file.
    struct Found {
        var section: TopicSection
        var position: Int64
        /// Where the next one should be.
        var end: Int64 { position + Int64(section.byteCount) }
    }

    /// Opens the file at `path`; nil when there is none, or it cannot be opened.
    init?(_ storage: any Storage, _ path: String) {
        self.storage = storage
        do throws(StorageError) {
            file = try storage.open(path, creating: false)
        } catch {
            return nil
        }
        do throws(StorageError) {
            byteCount = try storage.byteCount(file)
        } catch {
            storage.close(file)
            return nil
        }
    }

    /// Gives up what is at `position` and behind it.
    func cut(at position: Int64) throws(StorageError) { try storage.truncate(file, to: position) }

    /// Whether something else than zeros, which an unfinished section begins with, stands at `position`.
    func isDamaged(at position: Int64) -> Bool {
        guard let bytes = bytes(at: position, count: TopicSection.headerByteCount) else { return true }
        return bytes.contains { $0 != 0 }
    }

    /// Closes the file.
    func close() { storage.close(file) }

    /// Bytes of the file when it was opened.
    var end: Int64 { byteCount }

    /// The section that starts at `position`; nil when none does.
    func section(at position: Int64) -> Found? {
        guard position + Int64(TopicSection.headerByteCount) <= byteCount,
            let bytes = bytes(at: position, count: TopicSection.headerByteCount),
            let section = TopicSection(bytes.span), position + Int64(section.byteCount) <= byteCount
        else { return nil }
        return Found(section: section, position: position)
    }

    /// The first section that starts at `position` or behind it. Behind damage it is searched for.
    /// - Parameter isDamaged: is set when something else than a section, or an end that is being written, is there.
    func next(at position: Int64, isDamaged: inout Bool) -> Found? {
        if let found = section(at: position) { return found }
        guard position + Int64(TopicSection.headerByteCount) <= byteCount else { return nil }
        let alignment = TopicSection.alignment
        let chunkByteCount = 64 << 10
        var start = position
        while start < byteCount, let chunk = bytes(at: start, count: chunkByteCount), !chunk.isEmpty {
            let bytes = chunk.span
            var at = 0
            while at + 4 <= bytes.count {
                let magic = BatchLayout.load(bytes, at: at, as: UInt32.self)
                // A header is written last: where one is still to come there are zeros.
                if start == position, at == 0, magic != 0 { isDamaged = true }
                if magic == TopicSection.magic, let found = section(at: start + Int64(at)) {
                    isDamaged = true
                    return found
                }
                at += alignment
            }
            start += Int64(chunkByteCount)
        }
        return nil
    }

    /// A piece's bytes; nil when they cannot be read whole.
    func piece(_ found: Found, _ place: Range<Int>) -> [UInt8]? {
        guard place.upperBound <= found.section.byteCount,
            let bytes = bytes(at: found.position + Int64(place.lowerBound), count: place.count),
            bytes.count == place.count
        else { return nil }
        return bytes
    }

    private func bytes(at position: Int64, count: Int) -> [UInt8]? {
        do throws(StorageError) {
            return try storage.bytes(file, at: position, count: count)
        } catch {
            return nil
        }
    }
}

extension TopicSection {
    /// Whether the section's first and last batch are those in the log: a section of other bytes must not be believed,
    /// since what it does not name would be passed over.
    /// - Complexity: two reads of 61 bytes.
    func fits(_ storage: any Storage, log: FileID) throws(StorageError) -> Bool {
        guard let first = try SegmentIndexes.header(storage, log, at: startPosition), first.checksum == firstChecksum,
            first.baseOffset == baseOffset,
            let last = try SegmentIndexes.header(storage, log, at: endPosition - Int64(lastByteCount))
        else { return false }
        return last.checksum == lastChecksum && last.byteCount == lastByteCount && last.nextOffset == nextOffset
    }
}
