package import LogInterface
import RecordFormat
package import SluiceCore
import Synchronization

/// What the engine in memory says of its partitions.
extension MemoryEngine {
    /// See `LogEngine`.
    package func newestTime(_ partition: PartitionID) -> Timestamp? {
        state.withLock { $0.partitions[partition.index].entries.map(\.batch.maxTimestamp).max() }
    }

    /// See `LogEngine`.
    package func producers(_ partition: PartitionID) -> [ProducerFigures] {
        state.withLock { state in
            state.partitions[partition.index].producers.sorted { $0.key.rawValue < $1.key.rawValue }.map {
                ProducerFigures(id: $0.key, epoch: $0.value.epoch, lastSequence: $0.value.due - 1)
            }
        }
    }

    /// See `LogEngine`.
    package func figures(_ partition: PartitionID) -> PartitionFigures {
        state.withLock { state in
            let entries = state.partitions[partition.index].entries
            return PartitionFigures(
                byteCount: entries.reduce(0) { $0 + Int64($1.batch.byteCount) }, hasRemovable: entries.count > 1)
        }
    }

    /// See `LogEngine`.
    package func bounds(_ partition: PartitionID) -> PartitionBounds {
        state.withLock { state in
            let partition = state.partitions[partition.index]
            return PartitionBounds(start: partition.start, highWatermark: partition.end, end: partition.end)
        }
    }
}
