import Compression
package import LogInterface
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

    /// Does what `request` asks; see the read below.
    package func read(
        _ request: ReadRequest, access: any LogStateAccess, noteSuspect: (Offset) -> Void
    ) throws(StorageError) -> PartitionRead {
        var hint = request.hint
        if case .region = request.form {
            if let region = try region(request, access) { return region }
            // It does not lie where it should: the search begins anew.
            hint = nil
        }
        return try read(
            request.partition, from: request.offset, hint: hint, selection: request.selection,
            form: request.form, byteCountMax: request.byteCountMax, access: access, noteSuspect: noteSuspect)
    }

    /// Reads about `byteCountMax` bytes from `offset`; an offset below the oldest record kept continues at the oldest.
    ///
    /// With a selection, batches without a selected record are left out where the topic index knows them; then
    /// `nextOffset` is behind all that was ruled out, and there may be no batches though more follow.
    /// - Parameter noteSuspect: told the base offset of a segment whose topic index is missing, damaged or wrong.
    package func read(
        _ partition: PartitionID, from offset: Offset, hint: ReadHint?, selection: TopicSelection? = nil,
        form: ReadForm = .plain, byteCountMax: Int, access: any LogStateAccess,
        noteSuspect: (Offset) -> Void = { _ in }
    ) throws(StorageError) -> PartitionRead {
        let hint = hint?.value as? SegmentHint
        var suspect: Offset?
        var read = try whileUnchanged(partition, access) { () throws(StorageError) in
            if let selection {
                var reading = SelectiveRead(
                    storage, paths, selection, from: offset, hint: hint, byteCountMax: byteCountMax)
                defer { suspect = reading.suspect }
                return try self.read(partition, &reading, access)
            }
            return try self.read(partition, from: offset, hint: hint, byteCountMax: byteCountMax, access: access)
        }
        if let suspect { noteSuspect(suspect) }
        switch form {
        case .plain: Self.decompress(&read)
        case .stored, .region: break
        }
        return read
    }

    /// Where the records are in a file; nil when they have to be read.
    private func region(
        _ request: ReadRequest, _ access: any LogStateAccess
    ) throws(StorageError) -> PartitionRead? {
        let partition = request.partition
        return try whileUnchanged(partition, access) { () throws(StorageError) in
            let (start, segment) = access.withState { state in
                let state = state.partitions[partition.index]
                let from = max(request.offset, state.firstOffset)
                return (from, state.segment(holding: from))
            }
            guard let segment else { return nil }
            let key = WalkedSegments.Segment(
                partition: partition, baseOffset: segment.baseOffset, revision: segment.revision)
            let answer = try SegmentRegion.find(
                storage, paths, segment, from: max(start, segment.baseOffset),
                hint: request.hint?.value as? SegmentHint, byteCountMax: request.byteCountMax,
                walked: access.withState { $0.walked[key] })
            guard let (found, range) = answer else { return nil }
            access.withState { $0.walked.add(range, of: key) }
            var read = PartitionRead(nextOffset: found.nextOffset)
            read.removedCount = start.rawValue - request.offset.rawValue
            read.region = found.region
            read.hint = found.hint.map(ReadHint.init)
            return read
        }
    }

    private func read(
        _ partition: PartitionID, from offset: Offset, hint: SegmentHint?, byteCountMax: Int, access: any LogStateAccess
    ) throws(StorageError) -> PartitionRead {
        var read = PartitionRead(nextOffset: offset)
        let (start, found) = access.withState { state in
            let partition = state.partitions[partition.index]
            let from = max(offset, partition.firstOffset)
            return (from, partition.segment(holding: from))
        }
        read.nextOffset = start
        read.removedCount = start.rawValue - offset.rawValue
        guard let segment = found else { return read }
        let result = try SegmentReader.read(
            storage, paths, segment, from: start, hint: hint, byteCountMax: byteCountMax)
        read.batches = result.batches
        read.hint = result.hint.map(ReadHint.init)
        read.damagedByteCount = result.damagedByteCount
        read.nextOffset = result.batches.last?.nextOffset ?? max(start, segment.nextOffset)
        return read
    }

    /// What readers get is never compressed; a batch that does not decompress is damage like any other.
    private static func decompress(_ read: inout PartitionRead) {
        guard read.batches.contains(where: \.isCompressed) else { return }
        var decompressor = Decompressor()
        var plain: [RecordBatch] = []
        plain.reserveCapacity(read.batches.count)
        for batch in read.batches {
            do throws(BatchError) {
                plain.append(try batch.decompressed(byteCountMax: batchBytesMax, with: &decompressor))
            } catch {
                read.damagedByteCount += Int64(batch.byteCount)
            }
        }
        read.batches = plain
    }

    /// Bytes that a batch may grow to when it is decompressed.
    static let batchBytesMax = BatchLayout.plainBytesMax

    /// Does `body` again when retention removed, or housekeeping replaced, segments meanwhile: names that were looked
    /// up then stand for other files, or none.
    private func whileUnchanged<Result>(
        _ partition: PartitionID, _ access: any LogStateAccess, _ body: () throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        // A replacement takes milliseconds; one that seems to be under way for ten seconds is something else.
        for _ in 0..<10_000 {
            let before = access.withState { Version($0.partitions[partition.index]) }
            if before.isReplacing {
                access.pause()
                continue
            }
            do throws(StorageError) {
                let result = try body()
                if access.withState({ Version($0.partitions[partition.index]) == before }) { return result }
            } catch {
                if access.withState({ Version($0.partitions[partition.index]) == before }) { throw error }
            }
        }
        throw StorageError(.read, paths.directory, code: 0, reason: "its segments are being replaced without end")
    }

    /// Which files a partition has.
    private struct Version: Equatable {
        private let replacementCount: UInt32
        private let start: Offset

        init(_ partition: PartitionState) {
            replacementCount = partition.replacementCount
            start = partition.start
        }

        /// Whether files are just being replaced.
        var isReplacing: Bool { replacementCount & 1 == 1 }
    }

    /// Reads with a selection, through as many segments as a call may.
    private func read(
        _ partition: PartitionID, _ reading: inout SelectiveRead, _ access: any LogStateAccess
    ) throws(StorageError) -> PartitionRead {
        var read = PartitionRead(nextOffset: reading.offset)
        repeat {
            let (start, found, isSealed) = access.withState { state in
                let partition = state.partitions[partition.index]
                let from = max(reading.offset, partition.firstOffset)
                let segment = partition.segment(holding: from)
                return (from, segment, segment?.baseOffset != partition.segments.last?.baseOffset)
            }
            read.removedCount += start.rawValue - reading.offset.rawValue
            reading.skip(to: start)
            guard let segment = found else { break }
            do throws(StorageError) {
                try reading.read(segment, isSealed: isSealed)
            } catch {
                // What was read before the failure counts; the next call meets it again.
                guard !reading.batches.isEmpty else { throw error }
                break
            }
        } while reading.goesOn
        read.nextOffset = reading.offset
        read.batches = reading.batches
        read.hint = reading.hint.map(ReadHint.init)
        read.damagedByteCount = reading.damagedByteCount
        return read
    }

    /// The first offset whose record's timestamp is `time` or later; the end when there is none.
    /// - Complexity: reads from the time index's entry before `time` on.
    package func offset(_ partition: PartitionID, at time: Timestamp, access: any LogStateAccess) throws(StorageError)
        -> Offset
    {
        try whileUnchanged(partition, access) { () throws(StorageError) in
            let (segments, highWatermark) = access.withState { state in
                (state.partitions[partition.index].segments, state.partitions[partition.index].highWatermark)
            }
            guard let segment = segments.first(where: { $0.maxTimestamp >= time }) else {
                return segments.last.map(\.nextOffset) ?? highWatermark
            }
            return try offset(in: segment, at: time)
        }
    }

    private func offset(in segment: SegmentInfo, at time: Timestamp) throws(StorageError) -> Offset {
        var offset = try SegmentTimes.floorOffset(storage, paths, segment, before: time)
        var hint: SegmentHint?
        while offset < segment.nextOffset {
            let read = try SegmentReader.read(storage, paths, segment, from: offset, hint: hint, byteCountMax: 1 << 20)
            for batch in read.batches where batch.maxTimestamp >= time { return max(offset, batch.baseOffset) }
            guard let last = read.batches.last else { break }
            offset = last.nextOffset
            hint = read.hint
        }
        return segment.nextOffset
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
