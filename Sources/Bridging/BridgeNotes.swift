import Checksums
package import SluiceCore

/// What the upstream has acknowledged since the checkpoint, where a process that is killed leaves it behind.
///
/// A checkpoint costs a sync, and a window that waited for one would stand still meanwhile. So a bridge writes its
/// position into a file after each batch of acknowledgements, before it hands over more: a `kill -9` repeats no more
/// than what was not acknowledged. Nobody waits for the device, so a power cut may take notes back to where an older
/// checkpoint was; then what was acknowledged since that one is repeated, too.
///
/// Layout, big-endian, 64 bytes for each partition of the checkpoint, in its order; an entry never crosses a sector:
///
///     u64 epoch | i64 position | u64 forwarded | u64 refused | u64 dropped | u64 repeated
///     i64 behind all that was sent | 4 bytes 0 | u32 CRC-32C of the 60 bytes before
///
/// What is counted is counted with the position, so that both tell of the same records after a `kill -9`. What was sent
/// is noted before it leaves, so that what goes again is known as such. Entries of version 2 had 32 bytes: epoch,
/// position, messages forwarded from all partitions, of which the highest is the newest, 4 bytes 0, checksum.
///
/// A note counts when the newest checkpoint is of the same epoch, which changes with each start of the node and each
/// seek: the order of the partitions, and a position that went back, are of one epoch. A damaged note is none. Source:
/// ADR 0015.
package enum BridgeNotes {
    /// Bytes of one entry.
    package static let entryByteCount = 64
    private static let checkedByteCount = 60
    private static let (shortByteCount, shortCheckedByteCount) = (32, 28)

    /// What an entry says.
    package struct Note: Equatable, Sendable {
        /// The lowest offset of the partition that is not forwarded.
        package var position: Offset
        /// What became of those before it; its start and what was skipped are not noted.
        package var counts: BridgeCounts
        /// Every record that the upstream was given lies before this offset.
        package var sentEnd: Offset

        /// A note from its parts.
        package init(position: Offset, counts: BridgeCounts, sentEnd: Offset) {
            self.position = position
            self.counts = counts
            self.sentEnd = sentEnd
        }
    }

    /// The entry of a partition.
    package static func entry(epoch: UInt64, _ note: Note) -> [UInt8] {
        var buffer = ByteBuffer(capacity: entryByteCount)
        buffer.append(bigEndian: epoch)
        buffer.append(bigEndian: note.position.rawValue)
        buffer.append(bigEndian: note.counts.forwarded)
        buffer.append(bigEndian: note.counts.refused)
        buffer.append(bigEndian: note.counts.dropped)
        buffer.append(bigEndian: note.counts.repeated)
        buffer.append(bigEndian: note.sentEnd.rawValue)
        buffer.append(bigEndian: UInt32(0))
        buffer.append(bigEndian: CRC32C.checksum(buffer.bytes))
        return Array(copying: buffer.bytes)
    }

    /// Adds the note of the partition at `index` to what the checkpoint says of it, if there is a whole one of this
    /// epoch.
    package static func apply(
        _ contents: Span<UInt8>, at index: Int, epoch: UInt64, to partition: inout BridgeCheckpoint.Partition
    ) {
        guard let note = note(contents, at: index, epoch: epoch), note.position >= partition.position else { return }
        let start = partition.counts.start
        partition.position = note.position
        partition.counts = note.counts
        partition.counts.start = start
        partition.counts.fill(to: note.position)
        partition.sentEnd = max(partition.sentEnd, note.sentEnd)
    }

    /// The note of the partition at `index`; nil without a whole one of this epoch.
    package static func note(_ contents: Span<UInt8>, at index: Int, epoch: UInt64) -> Note? {
        let start = index * entryByteCount
        guard start + entryByteCount <= contents.count else { return nil }
        let entry = contents.extracting(start..<start + entryByteCount)
        var reader = FieldReader(entry)
        guard reader.integer(UInt64.self) == epoch, let position = reader.integer(Int64.self), position >= 0,
            let forwarded = reader.integer(UInt64.self), let refused = reader.integer(UInt64.self),
            let dropped = reader.integer(UInt64.self), let repeated = reader.integer(UInt64.self),
            let sentEnd = reader.integer(Int64.self), reader.integer(UInt32.self) == 0,
            reader.integer(UInt32.self) == CRC32C.checksum(entry.extracting(0..<checkedByteCount))
        else { return nil }
        var counts = BridgeCounts(start: .zero)
        counts.forwarded = forwarded
        counts.refused = refused
        counts.dropped = dropped
        counts.repeated = repeated
        return Note(
            position: Offset(rawValue: position), counts: counts, sentEnd: Offset(rawValue: sentEnd))
    }

    /// A note of version 2: the position, and how many messages the bridge had forwarded from all partitions.
    package static func shortNote(
        _ contents: Span<UInt8>, at index: Int, epoch: UInt64
    ) -> (position: Offset, forwardedCount: UInt64)? {
        let start = index * shortByteCount
        guard start + shortByteCount <= contents.count else { return nil }
        let entry = contents.extracting(start..<start + shortByteCount)
        var reader = FieldReader(entry)
        guard reader.integer(UInt64.self) == epoch, let position = reader.integer(Int64.self), position >= 0,
            let forwarded = reader.integer(UInt64.self), reader.integer(UInt32.self) == 0,
            reader.integer(UInt32.self) == CRC32C.checksum(entry.extracting(0..<shortCheckedByteCount))
        else { return nil }
        return (Offset(rawValue: position), forwarded)
    }
}

/// Where a bridge's notes are kept.
///
/// Isolation: one thread, the bridge's.
package protocol BridgeNotebook: AnyObject {
    /// What was noted before; empty when nothing was, or it cannot be read.
    func contents() -> [UInt8]
    /// Writes at a place. What is written outlives the process.
    /// - Returns: false when it could not be written, which the notebook has reported.
    func write(_ bytes: [UInt8], at byteIndex: Int) -> Bool
}
