import CommitLog
import CommitLogPosix
import Glibc
import SluiceConfiguration
import SluiceCore
import SluiceTransport

/// How a start comes by its data directory and its sockets when another process has them.
enum TakingOver {
    /// Tries at the lock of a data directory whose process has just ended: its children may hold it a moment longer.
    private static let lockTries = 200
    private static let lockPauseMicroseconds: UInt32 = 10_000

    /// Takes the sockets that others have for this process, and the data directory.
    /// - Parameter takesOver: whether it takes the place of a process that runs there.
    static func begin(_ configuration: Configuration, takesOver: Bool) throws -> (PosixStorage, [InheritedSocket]) {
        let given = try ActivatedSockets.take(configuration.listeners)
        let handed = takesOver ? try sockets(of: configuration.dataDirectory) : []
        return (try storage(configuration.dataDirectory, isLeft: !handed.isEmpty), given + handed)
    }

    /// Has the process that runs on a data directory hand over its sockets and end, and waits for that.
    /// - Returns: the sockets; none where nobody runs.
    /// - Throws: `ListenError`.
    private static func sockets(of directory: String) throws -> [InheritedSocket] {
        guard let takeover = try Takeover.ask(directory) else {
            Console.log(.takeoverUnneeded, "nothing runs on '\(directory, as: .path)' that could be taken over")
            return []
        }
        let places = takeover.sockets.map { "\($0.name) on \($0.address)" }.joined(separator: ", ")
        Console.log(.takeoverBegun, "taking over \(places, as: .address)")
        try takeover.waitForEnd()
        return takeover.sockets
    }

    /// The storage of a data directory.
    /// - Parameter isLeft: whether another process has just left it.
    private static func storage(_ directory: String, isLeft: Bool) throws(StorageError) -> PosixStorage {
        var tryCount = 1
        while true {
            do {
                return try PosixStorage(root: directory)
            } catch {
                guard isLeft, case .lock = error.operation, tryCount < lockTries else { throw error }
                tryCount += 1
                usleep(lockPauseMicroseconds)
            }
        }
    }
}
