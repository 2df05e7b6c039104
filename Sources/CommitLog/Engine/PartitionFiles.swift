import RecordFormat
package import SluiceCore

/// Reads a partition's history from its segment files.
///
/// Isolation: reader threads; the log's state is looked at through its lock, the files without it.
package struct PartitionFiles: Sendable {
    private let storage: any Storage
    private let paths: SegmentPaths

    /// The files of a stream's partition.
    package init(storage: any Storage, paths: SegmentPaths) {
        self.storage = storage
        self.paths = paths
    }

    /// Reads about `byteCountMax` bytes from `offset`; an offset below the oldest record kept continues at the oldest.
    ///
    /// With a selection, batches without a selected record are left out where the topic index knows them; then
    /// `nextOffset` is behind all that was ruled out, and there may be no batches though more follow.
    package func read(
        _ partition: PartitionID, from offset: Offset, hint: ReadHint?, selection: TopicSelection? = nil,
        byteCountMax: Int, access: any LogStateAccess
    ) throws(StorageError) -> PartitionRead {
        if let selection {
            var reading = SelectiveRead(storage, paths, selection, from: offset, hint: hint, byteCountMax: byteCountMax)
            return try read(partition, &reading, access)
        }
        var read = PartitionRead(nextOffset: offset)
        // A segment that retention removes between the look-up and the opening moves the start; then the next one is
        // it.
        for _ in 0..<8 {
            let (start, found) = access.withState { state in
                let partition = state.partitions[partition.index]
                let from = max(offset, partition.start)
                return (from, partition.segment(holding: from))
            }
            guard let segment = found else {
                read.nextOffset = start
                return read
            }
            do throws(StorageError) {
                let result = try SegmentReader.read(
                    storage, paths, segment, from: start, hint: hint, byteCountMax: byteCountMax)
                read.batches = result.batches
                read.hint = result.hint
                read.damagedByteCount = result.damagedByteCount
                read.nextOffset = result.batches.last?.nextOffset ?? max(start, segment.nextOffset)
                return read
            } catch {
                let isGone = access.withState { state in
                    state.partitions[partition.index].start > segment.baseOffset
                }
                guard isGone else { throw error }
            }
        }
        return read
    }

    /// Reads with a selection, through as many segments as a call may.
    private func read(
        _ partition: PartitionID, _ reading: inout SelectiveRead, _ access: any LogStateAccess
    ) throws(StorageError) -> PartitionRead {
        var goneCount = 0
        repeat {
            let (start, found, isSealed) = access.withState { state in
                let partition = state.partitions[partition.index]
                let from = max(reading.offset, partition.start)
                let segment = partition.segment(holding: from)
                return (from, segment, segment?.baseOffset != partition.segments.last?.baseOffset)
            }
            reading.skip(to: start)
            guard let segment = found else { break }
            do throws(StorageError) {
                try reading.read(segment, isSealed: isSealed)
            } catch {
                let isGone = access.withState { $0.partitions[partition.index].start > segment.baseOffset }
                goneCount += 1
                // What was read before the failure counts; the next call meets it again.
                guard isGone && goneCount < 8 || !reading.batches.isEmpty else { throw error }
                if !isGone { break }
            }
        } while reading.goesOn
        var read = PartitionRead(nextOffset: reading.offset)
        read.batches = reading.batches
        read.hint = reading.hint
        read.damagedByteCount = reading.damagedByteCount
        read.suspectSegment = reading.suspect
        return read
    }

    /// The first offset whose record's timestamp is `time` or later; the end when there is none.
    /// - Complexity: reads from the time index's entry before `time` on.
    package func offset(_ partition: PartitionID, at time: Timestamp, access: any LogStateAccess) throws(StorageError)
        -> Offset
    {
        let (segments, durable) = access.withState { state in
            (state.partitions[partition.index].segments, state.partitions[partition.index].durable)
        }
        guard let index = segments.firstIndex(where: { $0.maxTimestamp >= time }) else {
            return segments.last.map(\.nextOffset) ?? durable
        }
        var offset = try SegmentTimes.floorOffset(storage, paths, segments[index], before: time)
        var hint: ReadHint?
        while offset < segments[index].nextOffset {
            let read = try SegmentReader.read(
                storage, paths, segments[index], from: offset, hint: hint, byteCountMax: 1 << 20)
            for batch in read.batches where batch.maxTimestamp >= time { return max(offset, batch.baseOffset) }
            guard let last = read.batches.last else { break }
            offset = last.nextOffset
            hint = read.hint
        }
        return segments[index].nextOffset
    }
}

/// Looks up times in a segment's time index.
enum SegmentTimes {
    /// An offset before every record of `time` or later, as near as the sparse index knows. The entry that is used must
    /// name the largest timestamp and the last offset of a batch: what is damaged is not believed.
    static func floorOffset(
        _ storage: any Storage, _ paths: SegmentPaths, _ segment: SegmentInfo, before time: Timestamp
    ) throws(StorageError) -> Offset {
        let base = segment.baseOffset
        let bytes: [UInt8]
        do throws(StorageError) {
            bytes = try storage.contents(paths.timeIndex(base), byteCountMax: 16 << 20)
        } catch {
            return base
        }
        var low = 0
        var high = bytes.count / 12
        var found: (timestamp: Timestamp, delta: Int32)?
        while low < high {
            let middle = (low + high) / 2
            let (timestamp, delta) = entry(bytes.span, middle)
            if timestamp < time {
                found = (timestamp, delta)
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard let found, found.delta >= 0 else { return base }
        let last = base.advanced(by: Int(found.delta))
        let read = try SegmentReader.read(storage, paths, segment, from: last, hint: nil, byteCountMax: 4096)
        guard let batch = read.batches.first, batch.lastOffset == last, batch.maxTimestamp == found.timestamp else {
            return base
        }
        return last.advanced(by: 1)
    }

    private static func entry(_ bytes: Span<UInt8>, _ index: Int) -> (Timestamp, Int32) {
        (
            Timestamp(rawValue: Int64(bitPattern: big(bytes, index * 12, 8))),
            Int32(truncatingIfNeeded: big(bytes, index * 12 + 8, 4))
        )
    }

    private static func big(_ bytes: Span<UInt8>, _ start: Int, _ count: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in start..<start + count { value = value << 8 | UInt64(bytes[index]) }
        return value
    }
}
