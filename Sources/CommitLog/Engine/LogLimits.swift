/// How much the log keeps in memory, and when it asks publishers to wait.
package struct LogLimits: Sendable, Equatable {
    /// Bytes of batches kept behind the newest for readers; more only while they are not in segment files.
    package var tailBytesMax = 16 << 20
    /// Bytes that wait for the journal before publishers must wait. At 1 GB/s a group of 16 MiB takes 16 ms.
    package var pendingBytesMax = 16 << 20
    /// Bytes that wait for segment files before publishers must wait.
    package var unflushedBytesMax = 64 << 20
    /// Distinct topics listed with a batch; a batch with more is looked through by every reader.
    package var topicHashesMax = 64
    /// Bytes of batches between two entries of the indexes beside a segment; Kafka's `index.interval.bytes`.
    package var indexIntervalBytes = 4096

    /// The defaults.
    package init() { precondition(pendingBytesMax <= unflushedBytesMax) }
}
