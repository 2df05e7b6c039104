package import RecordFormat
package import SluiceCore

/// How far a scan of the tail may see.
package enum Visibility: Sendable {
    /// Everything appended: deliveries at QoS 0.
    case appended
    /// What is durable by its stream's policy, below the high watermark: deliveries at QoS 1 and 2.
    case durable
}

/// A batch as a scan of the newest records hands it over.
package struct TailEntry: Sendable {
    /// The batch; its offsets are final.
    package let batch: RecordBatch
    /// The partition it belongs to.
    package let partition: PartitionID
    /// The distinct XXH3 hashes of the topics in the batch, or nil when nobody asked or there are too many to list.
    package let topicHashes: [UInt64]?
    /// When it became durable, in nanoseconds of the loops' clock; nil when that was not measured.
    package let durableAt: Int64?

    /// An entry from its parts.
    package init(batch: RecordBatch, partition: PartitionID, topicHashes: [UInt64]?, durableAt: Int64? = nil) {
        self.batch = batch
        self.partition = partition
        self.topicHashes = topicHashes
        self.durableAt = durableAt
    }
}

/// Where a reader left off, in the engine's own terms, so that it need not search again. It may be forgotten at any
/// time, and goes with the partition and the selection that it was made for.
package struct ReadHint: Sendable {
    /// The engine's own value.
    package let value: any Sendable

    /// Wraps an engine's value.
    package init(_ value: any Sendable) { self.value = value }
}

/// The form in which records are read.
package enum ReadForm: Sendable {
    /// Batches that are not compressed.
    case plain
    /// Batches as they are stored, some of them perhaps compressed.
    case stored
    /// A region of a file with whole batches as they are stored, where the engine has one that covers the offset;
    /// otherwise as `stored`.
    case region
}

/// What is to be read of a partition's history.
package struct ReadRequest: Sendable {
    /// The partition.
    package var partition: PartitionID
    /// The first offset that is wanted.
    package var offset: Offset
    /// Where the reader left off.
    package var hint: ReadHint?
    /// The topics that are wanted; an engine may leave out batches without a record of them, and need not. Nil wants
    /// everything.
    package var selection: TopicSelection?
    /// The form of the answer.
    package var form = ReadForm.plain
    /// Bytes that are wanted; at least one batch comes if there is any.
    package var byteCountMax: Int
    /// What the answer is known by.
    package var number: UInt64

    /// A request for plain batches of every topic.
    package init(_ partition: PartitionID, from offset: Offset, byteCountMax: Int, number: UInt64) {
        self.partition = partition
        self.offset = offset
        self.byteCountMax = byteCountMax
        self.number = number
    }
}

/// Whole batches in a file, as they are stored, for `sendfile`.
package struct StoredRegion: Sendable {
    /// The open file, which stays readable for as long as somebody holds this, also when retention removes it.
    package let file: any RegionFile
    /// The position of the first byte, and how many there are.
    package let range: Range<Int64>

    /// A region from its parts.
    package init(file: any RegionFile, range: Range<Int64>) {
        self.file = file
        self.range = range
    }
}

/// What a read of one partition found.
package struct PartitionRead: Sendable {
    /// Whole batches; the first may start before the offset asked for, holes between them are possible.
    package var batches: [RecordBatch] = []
    /// In place of the batches, where they lie in a file.
    package var region: StoredRegion?
    /// Where to ask next: behind the batches, and behind whatever else was ruled out.
    package var nextOffset: Offset
    /// Whether the reader has seen all that the tail scan of its loop has, so that the scan can take over.
    package var isCaughtUp = false
    /// An engine's own position for `nextOffset`.
    package var hint: ReadHint?
    /// Bytes that were damaged and passed over.
    package var damagedByteCount: Int64 = 0
    /// Offsets that were asked for and that retention has taken.
    package var removedCount: Int64 = 0
    /// Whether the stream was deleted: there is nothing to read, and never will be.
    package var isGone = false
    /// Whether it could not be read now; the answer to the same question may be another one later.
    package var isFailed = false

    /// A read that found nothing yet.
    package init(nextOffset: Offset) { self.nextOffset = nextOffset }
}

/// The bounds of a partition.
package struct PartitionBounds: Sendable, Equatable {
    /// The offset of the oldest record kept.
    package var start: Offset
    /// The offset behind the newest record that is durable by its stream's policy: Kafka's high watermark.
    package var highWatermark: Offset
    /// The offset behind the newest record.
    package var end: Offset

    /// Bounds as an engine found them.
    package init(start: Offset, highWatermark: Offset, end: Offset) {
        self.start = start
        self.highWatermark = highWatermark
        self.end = end
    }
}

/// What a partition takes, for people to look at.
package struct PartitionFigures: Sendable, Equatable {
    /// Bytes of its records at rest.
    package var byteCount: Int64
    /// Whether there is something that retention could remove, were it old enough.
    package var hasRemovable: Bool
    /// What else the engine knows of it, by names that it chooses.
    package var details: [Detail] = []

    /// Bytes that some of its records take, about: their share of all that `bounds` has.
    package func byteCount(of recordCount: Int64, in bounds: PartitionBounds) -> Int64 {
        let kept = max(1, bounds.highWatermark.rawValue - bounds.start.rawValue)
        return Int64(Double(byteCount) * Double(min(recordCount, kept)) / Double(kept))
    }

    /// A named figure.
    package struct Detail: Sendable, Equatable {
        /// Its name, in lower case.
        package var name: String
        /// The figure.
        package var value: Int64

        /// A figure from its parts.
        package init(_ name: String, _ value: Int64) {
            self.name = name
            self.value = value
        }
    }

    /// Figures without details.
    package init(byteCount: Int64, hasRemovable: Bool) {
        self.byteCount = byteCount
        self.hasRemovable = hasRemovable
    }
}

/// An idempotent producer that a partition remembers.
package struct ProducerFigures: Sendable, Equatable {
    /// Its number.
    package var id: ProducerID
    /// Its epoch.
    package var epoch: Int16
    /// The number of its last record.
    package var lastSequence: Int32

    /// Figures from their parts.
    package init(id: ProducerID, epoch: Int16, lastSequence: Int32) {
        self.id = id
        self.epoch = epoch
        self.lastSequence = lastSequence
    }
}
