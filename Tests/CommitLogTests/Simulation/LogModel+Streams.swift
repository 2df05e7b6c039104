import CommitLog
import LogInterface
import SluiceCore
import SluiceTesting

/// What the log has promised of its streams.
extension LogModel {
    /// Notes what became of a request: done, refused, or unknown, since the log ended in it (nil).
    mutating func administered(
        _ request: StreamRequest, _ result: Result<StreamDescription, StreamFault>?, _ log: SimLog
    ) throws {
        switch result {
        case .success:
            uncertain.remove(request.name)
            try checkNumbers(log)
            adopt(log)
        case .failure(.storage):
            // What was not taken back yet is there, empty, when the log ends now. A deletion has not begun.
            if case .delete = request { return }
            uncertain.insert(request.name)
        case .failure: break
        case nil: uncertain.insert(request.name)
        }
    }

    /// Compares the streams of a freshly opened log with what was promised, and takes them for promised.
    mutating func checkStreams(_ log: SimLog) throws {
        try checkNumbers(log)
        let found = Dictionary(uniqueKeysWithValues: log.streams.map { ($0.settings.name, $0) })
        for (name, stream) in streams where !uncertain.contains(name) {
            guard let found = found[name], found.id == stream.id else { throw Violation("stream \(name) is lost") }
            guard found.partitions == stream.partitions else { throw Violation("stream \(name) has other partitions") }
        }
        for (name, stream) in streams {
            guard let found = found[name], found.id == stream.id else { continue }
            guard found.partitions.starts(with: stream.partitions) else {
                throw Violation("stream \(name) has lost partitions")
            }
        }
        for name in found.keys where streams[name] == nil && !uncertain.contains(name) && !configured.contains(name) {
            throw Violation("stream \(name) is there, and nobody has made it")
        }
        let directories = Set(
            log.streams.flatMap { stream in
                stream.partitions.indices.map { "\(stream.settings.name)-\($0)" }
            })
        let left = Set(try log.disk.list("streams"))
        guard left == directories else { throw Violation("directories: \(left.symmetricDifference(directories))") }
        uncertain = []
        adopt(log)
    }

    /// No number is given twice, nor to another stream.
    private func checkNumbers(_ log: SimLog) throws {
        for stream in log.streams {
            for partition in stream.partitions {
                if let owner = numbers[partition], owner != stream.id {
                    throw Violation("number \(partition.rawValue) is given again, to \(stream.settings.name)")
                }
            }
        }
    }

    /// Takes the log's streams for what there is.
    mutating func adopt(_ log: SimLog) {
        log.withState { state in
            streams = Dictionary(uniqueKeysWithValues: state.registry.streams.map { ($0.settings.name, $0) })
            for stream in state.registry.streams {
                for partition in stream.partitions { numbers[partition] = stream.id }
            }
            for (index, partition) in state.partitions.enumerated() {
                if index == partitions.count {
                    let policy = state.policy(ofStream: partition.streamIndex)
                    partitions.append(Partition(isCompacted: policy.cleanup.compacts, isGone: partition.isGone))
                }
                if partition.isGone { partitions[index].isGone = true }
            }
        }
        // A stream that was made and lost again, without anybody having seen it.
        let count = log.withState { $0.partitions.count }
        for index in partitions.indices where index >= count { partitions[index].isGone = true }
    }
}
