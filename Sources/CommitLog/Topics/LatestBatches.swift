package import LogInterface
package import SluiceCore

/// Where in a segment the last records of topics are, the newest stretch first.
///
/// A stretch is what a section of the topic index covers, of which only the batches that topics were last in have to be
/// read, or what lies between sections, of which everything has to. Whatever in the index is damaged or does not fit
/// the log counts as not there.
/// Isolation: a value with files open; `close` closes them.
package struct LatestBatches {
    private let storage: any Storage
    private let log: FileID
    private let index: TopicIndexFile?
    private let selection: TopicSelection
    private let end: Offset
    /// The sections that have not been asked for, oldest first.
    private var sections: [TopicIndexFile.Found] = []
    /// Everything from here on has been answered.
    private var position: Int64 = 0
    /// Bytes of the index that were read.
    package private(set) var indexByteCount = 0

    /// A part of the log that has to be read.
    package enum Stretch: Equatable {
        /// Everything between two positions, which are ends of batches.
        case all(Range<Int64>)
        /// Single batches, by their positions.
        case batches([Range<Int64>])
    }

    /// Opens a segment.
    /// - Parameters:
    ///   - selection: the topics.
    ///   - end: the offset before which records count.
    package init(
        _ storage: any Storage, _ paths: SegmentPaths, segment base: Offset, _ selection: TopicSelection,
        before end: Offset
    ) throws(StorageError) {
        self.storage = storage
        self.selection = selection
        self.end = end
        log = try storage.open(paths.log(base), creating: false)
        index = TopicIndexFile(storage, paths.topics(base))
        do throws(StorageError) {
            let byteCount = try storage.byteCount(log)
            position = byteCount
            try findSections(base, byteCount)
        } catch {
            close()
            throw error
        }
    }

    /// Closes the files.
    package func close() {
        storage.close(log)
        index?.close()
    }

    private mutating func findSections(_ base: Offset, _ byteCount: Int64) throws(StorageError) {
        guard let index else { return }
        var isDamaged = false
        var next = index.next(at: 0, isDamaged: &isDamaged)
        while let found = next, found.section.baseOffset < end {
            let section = found.section
            if section.segment == base, section.endPosition <= byteCount,
                section.startPosition >= sections.last?.section.endPosition ?? 0,
                try section.fits(storage, log: log)
            {
                sections.append(found)
            }
            next = index.next(at: found.end, isDamaged: &isDamaged)
        }
        // Behind a section that reaches to the end nothing counts.
        if let last = sections.last, last.section.nextOffset >= end { position = last.section.endPosition }
    }

    /// The next stretch towards the beginning of the segment; nil when there is none.
    /// - Parameter isWanted: whether the last record of a topic of the selection is still looked for.
    package mutating func next(isWanted: (Span<UInt8>) -> Bool) -> Stretch? {
        while position > 0 {
            let start = sections.last?.section.endPosition ?? 0
            if start < position {
                defer { position = start }
                return .all(start..<position)
            }
            guard let found = sections.popLast(), let index else { return nil }
            position = found.section.startPosition
            var lookup = TopicLookup(index, found)
            defer { indexByteCount += lookup.byteCount }
            do throws(TopicDamage) {
                let batches = try lookup.lastBatches(selection, before: end, isWanted: isWanted)
                if batches.isEmpty { continue }
                return .batches(
                    batches.map { batch in
                        let start = found.section.startPosition + Int64(batch.position)
                        return start..<start + Int64(batch.byteCount)
                    })
            } catch {
                return .all(found.section.startPosition..<found.section.endPosition)
            }
        }
        return nil
    }
}
