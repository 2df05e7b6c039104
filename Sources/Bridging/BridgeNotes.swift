import Checksums
package import SluiceCore

/// What the upstream has acknowledged since the checkpoint, where a process that is killed leaves it behind.
///
/// A checkpoint costs a sync, and a window that waited for one would stand still meanwhile. So a bridge writes its
/// position into a file after each batch of acknowledgements, before it hands over more: a `kill -9` repeats no more
/// than what was not acknowledged. Nobody waits for the device, so a power cut may take notes back to where an older
/// checkpoint was; then what was acknowledged since that one is repeated, too.
///
/// Layout, big-endian, 32 bytes for each partition of the checkpoint, in its order; an entry never crosses a sector:
///
///     u64 epoch | i64 position | u64 messages forwarded, of all partitions | 4 bytes 0
///     u32 CRC-32C of the 28 bytes before
///
/// The messages forwarded are counted with the position, so that both tell of the same acknowledgements after a
/// `kill -9`: what is counted is not sent again. Of several notes the highest count is the newest.
///
/// A note counts when the newest checkpoint is of the same epoch, which changes with each start of the node and each
/// seek: the order of the partitions, and a position that went back, are of one epoch. A damaged note is none. Source:
/// ADR 0015.
package enum BridgeNotes {
    /// Bytes of one entry.
    package static let entryByteCount = 32
    private static let checkedByteCount = 28

    /// What an entry says.
    package struct Note: Equatable, Sendable {
        /// The lowest offset of the partition that is not forwarded.
        package var position: Offset
        /// Messages that the bridge had forwarded by then, from all partitions.
        package var forwardedCount: UInt64

        /// A note from its parts.
        package init(position: Offset, forwardedCount: UInt64) {
            self.position = position
            self.forwardedCount = forwardedCount
        }
    }

    /// The entry of a partition.
    package static func entry(epoch: UInt64, _ note: Note) -> [UInt8] {
        var buffer = ByteBuffer(capacity: entryByteCount)
        buffer.append(bigEndian: epoch)
        buffer.append(bigEndian: note.position.rawValue)
        buffer.append(bigEndian: note.forwardedCount)
        buffer.append(bigEndian: UInt32(0))
        buffer.append(bigEndian: CRC32C.checksum(buffer.bytes))
        return Array(copying: buffer.bytes)
    }

    /// The note of the partition at `index`; nil without a whole one of this epoch.
    package static func note(_ contents: Span<UInt8>, at index: Int, epoch: UInt64) -> Note? {
        let start = index * entryByteCount
        guard start + entryByteCount <= contents.count else { return nil }
        let entry = contents.extracting(start..<start + entryByteCount)
        var reader = FieldReader(entry)
        guard reader.integer(UInt64.self) == epoch, let position = reader.integer(Int64.self), position >= 0,
            let forwarded = reader.integer(UInt64.self), reader.integer(UInt32.self) == 0,
            reader.integer(UInt32.self) == CRC32C.checksum(entry.extracting(0..<checkedByteCount))
        else { return nil }
        return Note(position: Offset(rawValue: position), forwardedCount: forwarded)
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
