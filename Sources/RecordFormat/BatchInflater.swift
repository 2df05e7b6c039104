import Compression

/// Decompresses batches for one loop, each once: the last ones are remembered for a while, since several readers of a
/// loop come to the same batch at about the same time.
///
/// Isolation: one thread's.
package final class BatchInflater {
    /// Bytes of decompressed batches that are remembered; one larger batch is.
    package static let keptBytesMax = 8 << 20
    /// Batches that are remembered.
    static let keptCountMax = 64

    private var decompressor = Decompressor()
    private var kept: [(source: RecordBatch, plain: RecordBatch)] = []
    private var keptByteCount = 0

    /// An inflater that remembers nothing.
    package init() {}

    /// Bytes of what it remembers.
    package var rememberedByteCount: Int { keptByteCount }

    /// The batch with its records uncompressed; itself when it is not compressed.
    /// - Throws: `BatchError` when it does not decompress, or would be larger than any that was taken.
    package func plain(_ batch: RecordBatch) throws(BatchError) -> RecordBatch {
        guard batch.isCompressed else { return batch }
        if let known = kept.first(where: { $0.source === batch }) { return known.plain }
        let plain = try batch.decompressed(byteCountMax: BatchLayout.plainBytesMax, with: &decompressor)
        kept.append((batch, plain))
        keptByteCount += plain.byteCount
        while kept.count > 1, keptByteCount > Self.keptBytesMax || kept.count > Self.keptCountMax {
            keptByteCount -= kept.removeFirst().plain.byteCount
        }
        return plain
    }

    /// Forgets what it remembers: nobody has come to it for a while.
    package func forget() {
        kept = []
        keptByteCount = 0
    }
}
