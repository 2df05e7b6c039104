package import LogInterface
import SluiceCore

/// Makes, changes and deletes streams of a running log, one request after the other.
///
/// The catalogue comes first, and the directories behind it, both on the device before the log knows of a stream; a
/// deleted stream leaves the catalogue on the device, then the log, and its directories go when nobody writes to them
/// any more. A crash between two steps leaves a catalogue that says which it is, and the next opening does the rest.
/// Isolation: the housekeeping thread, since it is housekeeping that rewrites and removes segments; or a simulation.
package final class StreamAdministrator {
    /// A deleted partition whose directory is still there.
    private struct Doomed {
        var partition: PartitionID
        var directory: String
        /// Whether it was never handed to the flusher.
        var isFree: Bool
    }

    private let storage: any Storage
    private let access: any LogStateAccess
    private let housekeeper: Housekeeper
    private let makeID: () -> String
    private var catalogue: Catalogue
    /// Whether the device has the catalogue: one that takes back what could not be made may have to wait for space.
    private var isStored = true
    private var doomed: [Doomed] = []

    /// The administration of an opened log; `makeID` makes random stream identifiers.
    package init(
        storage: any Storage, access: any LogStateAccess, housekeeper: Housekeeper, catalogue: Catalogue,
        makeID: @escaping () -> String
    ) {
        self.storage = storage
        self.access = access
        self.housekeeper = housekeeper
        self.catalogue = catalogue
        self.makeID = makeID
    }

    /// Whether directories of deleted streams are still there.
    package var hasRemovals: Bool { !doomed.isEmpty || !isStored }

    /// Does what is asked.
    /// - Returns: the stream as it is now, or was; or why nothing has changed.
    /// - Throws: `StorageError` when it is not known any more which names the device has: the log is to be poisoned.
    package func perform(
        _ request: StreamRequest
    ) throws(StorageError) -> Result<StreamDescription, StreamFault> {
        do throws(Failure) {
            switch request {
            case .create(let settings): return .success(try create(settings))
            case .alter(let name, let change): return .success(try alter(name, change))
            case .delete(let name): return .success(try delete(name))
            }
        } catch {
            switch error {
            case .fault(let fault): return .failure(fault)
            case .inDoubt(let error): throw error
            }
        }
    }

    /// Removes what deleted streams have left, as far as nobody writes there any more.
    /// - Throws: `HousekeepingError`; the rest is done next time.
    package func removeFiles() throws(HousekeepingError) {
        do throws(StorageError) {
            try storeIfDue()
            while let index = doomed.firstIndex(where: isRemovable) {
                try PartitionRemoval.run(doomed[index].directory, storage)
                try storage.synchronizeDirectory("streams")
                let gone = doomed.remove(at: index)
                if !gone.isFree { access.withState { $0.partitions[gone.partition.index].removedFiles() } }
            }
        } catch {
            throw error.operation == .synchronizeDirectory ? .inDoubt(error) : .failed(error)
        }
    }

    private func isRemovable(_ doomed: Doomed) -> Bool {
        doomed.isFree || access.withState { $0.registry.isReleased(doomed.partition) }
    }

    // MARK: Requests

    private enum Failure: Error {
        case fault(StreamFault)
        case inDoubt(StorageError)

        /// What a call that failed leaves: names that were not synchronised are in doubt, all else can be taken back.
        init(_ error: StorageError) {
            self = error.operation == .synchronizeDirectory ? .inDoubt(error) : .fault(.storage("\(error)"))
        }
    }

    private func create(_ settings: StreamSettings) throws(Failure) -> StreamDescription {
        if let fault = settings.fault { throw .fault(fault) }
        guard catalogue.index(of: settings.name) == nil else { throw .fault(.exists) }
        return try apply(settings, from: 0)
    }

    private func alter(_ name: String, _ change: StreamAlteration) throws(Failure) -> StreamDescription {
        let stream = try stream(name)
        let settings: StreamSettings
        do throws(StreamFault) { settings = try stream.settings.altered(by: change) } catch { throw .fault(error) }
        return try apply(settings, from: stream.partitions.count)
    }

    private func delete(_ name: String) throws(Failure) -> StreamDescription {
        let stream = try stream(name)
        if stream.settings.isInternal { throw .fault(.isInternal) }
        var changed = catalogue
        changed.remove(name)
        try store(changed)
        guard access.withState({ $0.remove(name) }) != nil else {
            preconditionFailure("Cannot delete a stream that the log does not know")
        }
        doom(stream.partitions[...], of: name, from: 0, areFree: false)
        housekeeper.forget(stream.partitions)
        return stream
    }

    private func stream(_ name: String) throws(Failure) -> StreamDescription {
        guard let stream = access.withState({ $0.registry.stream(name) }) else { throw .fault(.unknown) }
        return stream
    }

    /// Brings a stream to `settings`; its partitions from `count` on are new.
    private func apply(_ settings: StreamSettings, from count: Int) throws(Failure) -> StreamDescription {
        let countMax = Limits.partitionsMax - Limits.ownPartitionsMax
        let isWithin = settings.partitionCount - count <= max(0, countMax - Int(catalogue.nextPartition))
        guard isWithin else { throw .fault(.partitionLimit(countMax)) }
        let directories = (count..<settings.partitionCount).map { "\(settings.name)-\($0)" }
        if doomed.contains(where: { directories.contains($0.directory) }) { throw .fault(.isBeingDeleted) }
        let former = catalogue
        var changed = catalogue
        let index = changed.ensure(settings.name, partitionCount: settings.partitionCount, makeID: makeID)
        changed.keep(settings, at: index)
        try store(changed)
        let stream = changed.streams[index]
        let writers: [SegmentWriter]
        do throws(StorageError) {
            writers = count < stream.partitions.count ? try makeFiles(of: stream, from: count, settings) : []
        } catch {
            let failure = Failure(error)
            if case .inDoubt = failure { throw failure }
            try revert(to: former, stream, from: count)
            throw failure
        }
        let description = StreamDescription(settings: settings, id: stream.id, partitions: stream.partitions)
        access.withState { state in
            state.enter(description, adding: writers.map(\.active))
            for (id, writer) in zip(stream.partitions[count...], writers) { state.registry.arrived(id, writer) }
        }
        return description
    }

    // MARK: Files

    private func makeFiles(
        of stream: Catalogue.Stream, from count: Int, _ settings: StreamSettings
    ) throws(StorageError) -> [SegmentWriter] {
        try LogOpening.makeDirectories(of: stream, storage)
        try storage.synchronizeDirectory("streams")
        let interval = access.withState { $0.limits.indexIntervalBytes }
        var writers: [SegmentWriter] = []
        for number in count..<stream.partitions.count {
            var recovery = SegmentRecovery(
                storage: storage, paths: SegmentPaths(stream: stream.name, number: number),
                shape: SegmentShape(settings.policy, indexIntervalBytes: interval),
                journalStart: Offset(rawValue: Int64.max), journalEnd: nil)
            writers.append(try recovery.recover().writer)
        }
        return writers
    }

    /// A stream could not be made, or grown: its new numbers are retired, since directories of them may be there.
    private func revert(to former: Catalogue, _ stream: Catalogue.Stream, from count: Int) throws(Failure) {
        catalogue = former
        catalogue.retire(stream.partitions[count...])
        isStored = false
        doom(stream.partitions[count...], of: stream.name, from: count, areFree: true)
        do throws(StorageError) {
            try storeIfDue()
        } catch {
            // What the device has until that succeeds is a stream with nothing in it.
            if case .inDoubt(let error) = Failure(error) { throw .inDoubt(error) }
        }
    }

    private func doom(_ partitions: ArraySlice<PartitionID>, of name: String, from count: Int, areFree: Bool) {
        for (index, partition) in partitions.enumerated() {
            doomed.append(Doomed(partition: partition, directory: "\(name)-\(count + index)", isFree: areFree))
        }
    }

    private func store(_ changed: Catalogue) throws(Failure) {
        do throws(StorageError) {
            try storeIfDue()
            try LogOpening.store(changed, storage)
        } catch {
            throw Failure(error)
        }
        catalogue = changed
    }

    private func storeIfDue() throws(StorageError) {
        if isStored { return }
        try LogOpening.store(catalogue, storage)
        isStored = true
    }
}
