import Checksums
import RecordFormat
import SluiceCore

/// The file `.snapshot` beside a segment: the producers as of the segment's base offset.
///
/// Layout (big-endian): 0 magic u32 "SLPS" | 4 CRC-32C u32 over all bytes behind it | 8 version u32 (1) | 12 producers
/// u32 | 16 base offset i64; then for each producer: number i64 | epoch i16 | batches u16 | for each batch: first
/// sequence i32 | last sequence i32 | base offset i64.
/// What it stands for besides: a newest segment without one has no batch of a producer, so that an opening need not
/// read it. It is on the device before the first such batch is in the segment.
/// What is rebuilt: a damaged or missing one, from an older one and the batches since, as long as there is any.
enum ProducerSnapshot {
    private static let magic: UInt32 = 0x534C_5053
    private static let version: UInt32 = 1
    private static let headerByteCount = 24
    private static let byteCountMax = 64 << 20

    static func encode(_ states: ProducerStates, at base: Offset) -> [UInt8] {
        var buffer = ByteBuffer(capacity: 64)
        buffer.append(bigEndian: magic)
        buffer.append(bigEndian: UInt32(0))
        buffer.append(bigEndian: version)
        buffer.append(bigEndian: UInt32(states.count))
        buffer.append(bigEndian: base.rawValue)
        for (id, producer) in states.producers.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            buffer.append(bigEndian: id.rawValue)
            buffer.append(bigEndian: producer.epoch)
            buffer.append(bigEndian: UInt16(producer.batches.count))
            for batch in producer.batches {
                buffer.append(bigEndian: batch.firstSequence)
                buffer.append(bigEndian: batch.lastSequence)
                buffer.append(bigEndian: batch.baseOffset.rawValue)
            }
        }
        let checksum = CRC32C.checksum(buffer.bytes.extracting(8..<buffer.count))
        buffer.set(bigEndian: checksum, at: 4)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(buffer.count)
        let written = buffer.bytes
        for index in written.indices { bytes.append(written[index]) }
        return bytes
    }

    /// The states in `bytes`; nil when they are damaged, or of another segment.
    static func decode(_ bytes: Span<UInt8>, base: Offset) -> ProducerStates? {
        guard bytes.count >= headerByteCount, load(bytes, 0, UInt32.self) == magic,
            CRC32C.checksum(bytes.extracting(8..<bytes.count)) == load(bytes, 4, UInt32.self),
            load(bytes, 8, UInt32.self) == version, load(bytes, 16, Int64.self) == base.rawValue
        else { return nil }
        let count = Int(load(bytes, 12, UInt32.self))
        guard count <= ProducerStates.countMax else { return nil }
        var producers: [ProducerID: ProducerStates.Producer] = [:]
        var index = headerByteCount
        for _ in 0..<count {
            guard bytes.count - index >= 12 else { return nil }
            let id = ProducerID(rawValue: load(bytes, index, Int64.self))
            var producer = ProducerStates.Producer(epoch: load(bytes, index + 8, Int16.self), batches: [])
            let batchCount = Int(load(bytes, index + 10, UInt16.self))
            index += 12
            guard batchCount <= ProducerStates.batchCountMax, bytes.count - index >= 16 * batchCount else { return nil }
            for _ in 0..<batchCount {
                producer.batches.append(
                    ProducerStates.Batch(
                        firstSequence: load(bytes, index, Int32.self), lastSequence: load(bytes, index + 4, Int32.self),
                        baseOffset: Offset(rawValue: load(bytes, index + 8, Int64.self))))
                index += 16
            }
            producers[id] = producer
        }
        return index == bytes.count && producers.count == count ? ProducerStates(producers) : nil
    }

    private static func load<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: Span<UInt8>, _ index: Int, _ type: Integer.Type
    ) -> Integer {
        BatchLayout.load(bytes, at: index, as: type)
    }

    // MARK: The file

    /// Writes the snapshot of the segment at `base`, to the device but for its name.
    static func store(
        _ states: ProducerStates, _ storage: any Storage, _ paths: SegmentPaths, _ base: Offset
    ) throws(StorageError) {
        let file = try storage.open(paths.snapshot(base), creating: true)
        defer { storage.close(file) }
        try storage.truncate(file, to: 0)
        let bytes = encode(states, at: base)
        try storage.write(file, bytes: bytes.span, at: 0)
        try storage.synchronize(file)
    }

    /// Reads the snapshot of the segment at `base`.
    /// - Returns: nil when it is damaged or not readable.
    static func load(_ storage: any Storage, _ paths: SegmentPaths, _ base: Offset) -> ProducerStates? {
        let bytes: [UInt8]
        do throws(StorageError) {
            bytes = try storage.contents(paths.snapshot(base), byteCountMax: byteCountMax)
        } catch {
            // It is a cache; whatever keeps it from being read, the batches say the same.
            return nil
        }
        return decode(bytes.span, base: base)
    }
}
