package import LogInterface
import RecordFormat
import SluiceCore
import Synchronization

/// Erasure in the engine in memory: at once.
extension MemoryEngine {
    /// See `LogEngine`.
    package func erase(_ order: ErasureOrder, number: UInt64, for loop: LoopID) {
        let wake = state.withLock { state in
            var report = ErasureReport()
            for target in order.targets where !state.partitions[target.partition.index].isGone {
                Self.erase(target, isDryRun: order.isDryRun, &state, &report)
            }
            report.isDone = true
            state.loops[loop.index].erasures.append((number, report))
            return state.loops[loop.index].wake
        }
        wake()
    }

    /// See `LogEngine`.
    package func takeErasures(_ loop: LoopID) -> [(number: UInt64, report: ErasureReport)] {
        state.withLock { state in
            defer { state.loops[loop.index].erasures = [] }
            return state.loops[loop.index].erasures
        }
    }

    private static func erase(
        _ target: ErasureOrder.Target, isDryRun: Bool, _ state: inout State, _ report: inout ErasureReport
    ) {
        for index in state.partitions[target.partition.index].entries.indices {
            let stored = state.partitions[target.partition.index].entries[index].batch
            let batch = plain(stored)
            var tally = report.tallies[target.partition] ?? ErasureReport.Tally()
            var names = report.names
            let left = filtered(batch) { record, bytes in
                let offset = batch.baseOffset.advanced(by: record.offsetDelta)
                guard offset < target.end, !batch.isControl, let key = record.key,
                    target.matches(bytes.extracting(key.indices), offset)
                else { return true }
                tally.recordCount += 1
                tally.byteCount += Int64(key.count) + Int64(record.value?.count ?? 0) + Int64(record.headers.count)
                switch target.note {
                case .nothing: break
                case .topics:
                    let topic = TopicHeader.topic(of: record, in: bytes, isFromKafka: batch.isFromKafka)
                    if let topic { names[topic.copy(from: bytes)] = .some(nil) }
                case .keys:
                    let name = key.copy(from: bytes)
                    names[name] = .some(record.value == nil ? offset : names[name] ?? nil)
                }
                return false
            }
            let isChanged = tally != report.tallies[target.partition] ?? ErasureReport.Tally()
            report.tallies[target.partition] = tally
            report.names = names
            guard isChanged, !isDryRun else { continue }
            let entry = TailEntry(batch: left, partition: target.partition, topicHashes: nil)
            state.partitions[target.partition.index].entries[index] = entry
            let place = state.order.firstIndex {
                $0.partition == target.partition && $0.batch.baseOffset == stored.baseOffset
            }
            if let place { state.order[place] = entry }
        }
    }

    private static func plain(_ batch: RecordBatch) -> RecordBatch {
        do throws(BatchError) {
            return try BatchInflater().plain(batch)
        } catch {
            preconditionFailure("Cannot erase in a batch that does not decode: \(error)")
        }
    }

    private static func filtered(_ batch: RecordBatch, _ keeping: (RecordView, Span<UInt8>) -> Bool) -> RecordBatch {
        var merger = BatchMerger(recordByteCountMax: 16 << 20)
        do throws(BatchError) {
            let merged = try merger.append(batch, keeping: keeping) + merger.finish()
            precondition(merged.count == 1, "a batch becomes one batch")
            return merged[0]
        } catch {
            preconditionFailure("Cannot erase in a batch that does not decode: \(error)")
        }
    }
}
