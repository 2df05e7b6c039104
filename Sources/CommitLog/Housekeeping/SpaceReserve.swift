import SluiceCore

/// Space that is set aside for the day on which the disk is full.
///
/// A file of zeros, `meta/reserve`. When a write finds no space, publishes are refused and the file is given up: what
/// was taken before can then reach its segments, sessions and offsets can still be stored, and a node can start. Space
/// has returned when the file can be made again, and a quarter more, so that a disk at its brim does not flap.
/// Isolation: the housekeeping thread; before it runs, the opening.
package struct SpaceReserve {
    /// Where it is.
    package static let path = "meta/reserve"
    /// What must be free at least for publishes to be taken again, also when nothing is reserved.
    private static let probeBytes = 1 << 20

    private let storage: any Storage
    private let byteCount: Int
    /// Whether the space is set aside.
    package private(set) var isHeld = false

    /// A reserve of `byteCount` bytes; 0 reserves nothing.
    package init(storage: any Storage, byteCount: Int) {
        precondition(byteCount >= 0)
        self.storage = storage
        self.byteCount = byteCount
    }

    /// Sets the space aside.
    /// - Returns: false when the disk is too full.
    /// - Throws: `StorageError` for any other reason.
    package mutating func hold() throws(StorageError) -> Bool {
        guard !isHeld else { return true }
        let wanted = max(byteCount, Self.probeBytes)
        do throws(StorageError) {
            let file = try storage.open(Self.path, creating: true)
            defer { storage.close(file) }
            if try storage.byteCount(file) != Int64(byteCount) || byteCount == 0 {
                try storage.preallocate(file, byteCount: Int64(wanted + wanted / 4))
                try storage.truncate(file, to: Int64(byteCount))
            }
        } catch {
            try release()
            guard error.isFull else { throw error }
            return false
        }
        isHeld = true
        return true
    }

    /// Gives the space up.
    package mutating func release() throws(StorageError) {
        try storage.remove(Self.path)
        isHeld = false
    }
}
