import CommitLog
import LogInterface
package import RecordFormat
package import SluiceCore
import Synchronization

/// The reader threads: history that is no longer in memory.
extension LogRuntime {
    func runReader(_ number: Int) {
        while let fetch = nextFetch(number) {
            let request = fetch.request
            let partition = request.partition
            var read = PartitionRead(nextOffset: request.offset)
            var suspect: Offset?
            do throws(StorageError) {
                let files = files[partition.index]
                if let time = fetch.time {
                    read.nextOffset = try files.offset(partition, at: time, access: self)
                } else {
                    read = try files.read(request, access: self) { suspect = $0 }
                }
            } catch {
                read.isFailed = true
                reportRead(
                    "history of partition \(partition.rawValue) at \(request.offset.rawValue) is not readable: \(error)"
                )
            }
            if read.damagedByteCount > 0 {
                reportRead("partition \(partition.rawValue): \(read.damagedByteCount) damaged bytes passed over")
            }
            monitor.lock()
            if let suspect { noteSuspect(partition, suspect) }
            loops[fetch.loop.index].fetched.append((request.number, read))
            let wake = loops[fetch.loop.index].wake
            monitor.unlock()
            wake()
        }
    }

    /// Reports what a read has met; whoever reads the same place again does not fill the log.
    private func reportRead(_ text: String) {
        let now = MonotonicClock.nanoseconds()
        let (isAdmitted, leftOutCount) = readerLines.withLock { ($0.admits(at: now), $0.takeLeftOut(at: now)) }
        if isAdmitted { report(.warning, text) }
        if leftOutCount > 0 { report(.warning, "\(leftOutCount) more lines about reads were left out") }
    }

    private func nextFetch(_ number: Int) -> Fetch? {
        monitor.lock()
        defer { monitor.unlock() }
        while !isStopping {
            if let fetch = fetches.popFirst() { return fetch }
            idleReaders.append(number)
            readWork[number].wait()
            // It is off the list unless it woke by itself, or the log stops.
            idleReaders.removeAll { $0 == number }
        }
        return nil
    }

    /// Calls `body` with every batch of a partition's segment files, oldest first; for recovery, before appends.
    /// - Throws: `StorageError`, and what `body` throws.
    package func forEachBatch(of partition: PartitionID, _ body: (RecordBatch) throws -> Void) throws {
        var offset = bounds(partition).start
        var hint: ReadHint?
        while true {
            let read = try files[partition.index].read(
                partition, from: offset, hint: hint, byteCountMax: 1 << 20, access: self)
            for batch in read.batches { try body(batch) }
            guard read.nextOffset > offset else { return }
            offset = read.nextOffset
            hint = read.hint
        }
    }
}
