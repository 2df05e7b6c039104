package import SluiceCore

/// Which records an engine is to take away for good, or only to count.
///
/// Isolation: an immutable value; its closures are called on a thread of the engine's.
package struct ErasureOrder: Sendable {
    /// Records of one partition.
    package struct Target: Sendable {
        /// The partition.
        package var partition: PartitionID
        /// Records from here on stay, and are not looked at.
        package var end: Offset
        /// Whether a record is meant, by its key and its offset.
        package var matches: @Sendable (Span<UInt8>, Offset) -> Bool
        /// What the report is to say of the records that are meant.
        package var note: Note

        /// Records of a partition before an offset.
        package init(
            _ partition: PartitionID, before end: Offset, noting note: Note = .nothing,
            matches: @escaping @Sendable (Span<UInt8>, Offset) -> Bool
        ) {
            self.partition = partition
            self.end = end
            self.note = note
            self.matches = matches
        }
    }

    /// What a report says of records besides their number.
    package enum Note: Sendable {
        /// Nothing.
        case nothing
        /// The MQTT topics that they have.
        case topics
        /// Their keys, with the newest record of each that has no value.
        case keys
    }

    /// The records, a partition each.
    package var targets: [Target]
    /// Whether they stay, and are only counted.
    package var isDryRun: Bool

    /// An order about `targets`, done in their order.
    package init(_ targets: [Target], isDryRun: Bool) {
        self.targets = targets
        self.isDryRun = isDryRun
    }
}

/// How far an engine has come with an erasure.
package struct ErasureReport: Sendable, Equatable {
    /// What was found in a partition.
    package struct Tally: Sendable, Equatable {
        /// Records that are meant.
        package var recordCount: Int64 = 0
        /// Bytes of these records, uncompressed.
        package var byteCount: Int64 = 0

        /// Nothing.
        package init() {}
    }

    /// What was found, by partition.
    package var tallies: [PartitionID: Tally] = [:]
    /// Bytes of files that were looked at.
    package var examinedBytes: Int64 = 0
    /// Bytes of files that there are to look at.
    package var totalBytes: Int64 = 0
    /// The topics, or the keys, that the targets asked for, with the newest record without a value of each key; nil
    /// where there is none.
    package var names: [[UInt8]: Offset?] = [:]
    /// Files with damage, which stay as they are, whatever is in them.
    package var damagedCount: Int64 = 0
    /// Whether it is over: nothing of the records is in any file that the engine keeps, unless a fault or damaged files
    /// say otherwise.
    package var isDone = false
    /// Why it ended early; the same order may be given again.
    package var fault: String?

    /// Nothing found.
    package init() {}
}
