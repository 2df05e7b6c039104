package import CommitLog
import Synchronization

extension SimDisk {
    /// The error number of calls after the world has stopped.
    package static let stoppedCode: Int32 = -1

    /// A promise that the disk breaks, to show that a checker notices.
    package enum Lie: Sendable {
        /// `synchronize` returns and nothing has reached the device.
        case synchronize
        /// `synchronizeDirectory` returns and nothing has reached the device.
        case synchronizeDirectory
    }

    /// A call that fails.
    package struct Fault: Sendable {
        /// The call.
        package var operation: StorageError.Operation
        /// Part of the path; empty fits every path.
        package var path: String
        /// How many fitting calls succeed first.
        package var after: Int
        /// How many calls fail then.
        package var count: Int
        /// The system's error number.
        package var code: Int32

        /// A fault of `operation`: `count` calls fail (EIO unless told), the first `after` of them excepted.
        package init(
            _ operation: StorageError.Operation, path: String = "", after: Int = 0, count: Int = Int.max,
            code: Int32 = 5
        ) {
            self.operation = operation
            self.path = path
            self.after = after
            self.count = count
            self.code = code
        }
    }

    /// Everything about the disk, behind its lock.
    struct World {
        var files: [SimFile] = []
        var directories: [String: SimDirectory] = ["": SimDirectory()]
        var handles: [Int32: (index: Int, path: String)] = [:]
        var nextHandle: Int32 = 2
        var random = SeededGenerator(seed: 0)
        var operationCount = 0
        var stopAt: Int?
        var isStopped = false
        var faults: [Fault] = []
        var lies: Set<Lie> = []
        var spaceLeft: Int?
        var isTracing = false
        var trace: [Event] = []

        func checkRunning(_ operation: StorageError.Operation, _ path: String) throws(StorageError) {
            guard isStopped else { return }
            throw StorageError(operation, path, code: SimDisk.stoppedCode, reason: "the world has stopped")
        }

        /// Counts a call that changes the disk, and fails it when it is its turn.
        mutating func step(_ operation: StorageError.Operation, _ path: String) throws(StorageError) {
            try checkRunning(operation, path)
            operationCount += 1
            if operationCount == stopAt {
                isStopped = true
                try checkRunning(operation, path)
            }
            try fault(operation, path)
            if isTracing { trace.append(Event(operation: operation, path: path)) }
        }

        mutating func fault(_ operation: StorageError.Operation, _ path: String) throws(StorageError) {
            guard !faults.isEmpty else { return }
            for index in faults.indices
            where faults[index].operation == operation
                && (faults[index].path.isEmpty || path.contains(faults[index].path))
            {
                if faults[index].after > 0 {
                    faults[index].after -= 1
                } else if faults[index].count > 0 {
                    faults[index].count -= 1
                    throw StorageError(operation, path, code: faults[index].code, reason: "injected")
                }
            }
        }
    }

    /// What a crash does to what was not synchronised.
    package enum Crash: Sendable {
        /// The process dies: everything written stays in the operating system's memory, still to be synchronised.
        case kill
        /// Power is cut: unsynchronised writes and names are lost, torn or kept, each by itself.
        case powerCut
    }

    /// Crashes, and starts the world again: open files are closed, planned faults are forgotten.
    package func crash(_ crash: Crash, seed: UInt64) {
        world.withLock { world in
            var random = SeededGenerator(seed: seed)
            world.handles.removeAll()
            world.isStopped = false
            world.stopAt = nil
            world.faults.removeAll()
            world.spaceLeft = nil
            world.random = SeededGenerator(seed: random.next())
            guard crash == .powerCut else { return }
            for index in world.files.indices { world.files[index].cutPower(&random) }
            for path in world.directories.keys.sorted() { world.directories[path]?.cutPower(&random) }
            // A directory whose own name is lost takes what is in it along.
            for path in world.directories.keys.sorted() where path != "" {
                let (parent, name) = World.split(path)
                if world.directories[parent]?.shown[name] != .directory { world.directories[path] = nil }
            }
        }
    }

    /// Stops the world at the `count`-th call from now that would change the disk; it and every later call fail.
    package func stop(after count: Int) {
        world.withLock { world in world.stopAt = world.operationCount + max(1, count) }
    }

    /// Whether the world has stopped.
    package var isStopped: Bool { world.withLock { $0.isStopped } }

    /// Calls that changed the disk so far.
    package var operationCount: Int { world.withLock { $0.operationCount } }

    /// Plans a fault.
    package func plan(_ fault: Fault) { world.withLock { $0.faults.append(fault) } }

    /// Forgets the planned faults.
    package func forgetFaults() { world.withLock { $0.faults.removeAll() } }

    /// Makes the disk break a promise from now on.
    package func lie(_ lie: Lie) { world.withLock { _ = $0.lies.insert(lie) } }

    /// Limits the disk to `byteCount` bytes in all files; nil lifts the limit.
    package func setSpace(_ byteCount: Int?) { world.withLock { $0.spaceLeft = byteCount } }

    /// Limits the disk to what its files have now and `byteCount` more; what is removed makes room.
    package func fill(leaving byteCount: Int = 0) {
        world.withLock { $0.spaceLeft = $0.usedByteCount + byteCount }
    }

    /// Starts a new trace of the calls that change the disk.
    package func startTrace() {
        world.withLock { world in
            world.isTracing = true
            world.trace = []
        }
    }

    /// The calls since the trace was started.
    package var trace: [Event] { world.withLock { $0.trace } }

    /// The content of a file as a process sees it; nil when there is no such file.
    package func content(_ path: String) -> [UInt8]? {
        world.withLock { world in
            let (directory, name) = World.split(path)
            guard case .file(let index)? = world.directories[directory]?.shown[name] else { return nil }
            return world.files[index].shown
        }
    }

    /// Changes a file behind everybody's back, as a failing device does.
    /// - Returns: whether there is such a file.
    @discardableResult
    package func tamper(_ path: String, _ body: (inout [UInt8]) -> Void) -> Bool {
        world.withLock { world in
            let (directory, name) = World.split(path)
            guard case .file(let index)? = world.directories[directory]?.shown[name] else { return false }
            world.files[index].tamper(body)
            return true
        }
    }

    /// Another disk with the same files, as a process sees them, all of it on the device.
    package func copy() -> SimDisk {
        let copy = SimDisk()
        var world = world.withLock { $0 }
        world.handles.removeAll()
        for index in world.files.indices { world.files[index].tamper { _ in } }
        for path in world.directories.keys { world.directories[path]?.synchronize() }
        copy.world.withLock { $0 = world }
        return copy
    }

    /// The paths of all files, sorted.
    package var paths: [String] {
        world.withLock { world in
            world.directories.flatMap { path, directory in
                directory.shown.compactMap { name, entry in
                    entry == .directory ? nil : path.isEmpty ? name : "\(path)/\(name)"
                }
            }.sorted()
        }
    }
}
