package import SluiceCore

/// Memory of one batch or of several, freed with the last of them.
///
/// Isolation: one thread fills it. What is in it stays where it is, and does not change once its batch is shared.
/// Sendable by that rule: whoever has a batch reads that batch's bytes only.
package final class BatchSlab: @unchecked Sendable {
    private var storage: ByteBuffer

    /// A slab for `byteCount` bytes.
    init(byteCount: Int) { storage = ByteBuffer(capacity: byteCount) }

    /// A slab of bytes that are there already.
    package init(_ storage: consuming ByteBuffer) { self.storage = storage }

    /// Bytes held.
    package var count: Int { storage.count }

    /// Bytes of memory that it is.
    var capacity: Int { storage.capacity }

    /// Bytes that still fit.
    var room: Int { storage.capacity - storage.count }

    /// The bytes held.
    package var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            // The memory does not move: an append fits.
            let pointer = unsafe UnsafePointer(address(of: 0).assumingMemoryBound(to: UInt8.self))
            let span = unsafe Span<UInt8>(_unsafeStart: pointer, count: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Appends bytes that fit.
    func append(_ bytes: Span<UInt8>) {
        precondition(bytes.count <= room)
        storage.append(bytes)
    }

    /// Forgets what is held; nobody refers to it any more.
    func removeAll() { storage.removeAll() }

    /// The address of the byte at `position`, valid while the slab is referred to.
    @unsafe
    func address(of position: Int) -> UnsafeMutableRawPointer {
        precondition(position >= 0 && position <= storage.count)
        return unsafe storage.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { preconditionFailure("Cannot point into a buffer without memory") }
            return unsafe UnsafeMutableRawPointer(mutating: base + position)
        }
    }
}

/// Where one thread's batches are built and kept.
///
/// Batches leave the log's memory in the order in which they came. In a heap they lie between what comes and goes in
/// other orders, and leave holes that the next ones do not quite fit into: with a tail of 64 MiB the heap had 60 MiB of
/// holes while consumers replayed. So small batches are copied behind each other into slabs, and a slab that no batch
/// refers to is filled again.
///
/// Isolation: one thread's.
package final class BatchMemory {
    /// A slab's size. A reader that keeps one batch keeps a slab, so it is not more than a client's output may be.
    package static let slabBytes = 256 << 10
    /// A larger batch has memory of its own; a slab has less than this left when it is full.
    private static let sharedBytesMax = 32 << 10
    /// Slabs remembered. One that is not is freed with its last batch.
    private static let slabCountMax = 1024
    /// Slabs without a batch that are kept for the next ones.
    private static let idleCountMax = 4

    private var current: BatchSlab?
    /// Those that are full, oldest first.
    private var slabs: [BatchSlab] = []
    private var scratch = ByteBuffer()

    /// Memory that holds nothing.
    package init() {}

    /// Slabs that it holds on to, with batches or without.
    var slabCount: Int { slabs.count + (current == nil ? 0 : 1) }

    /// A buffer to build a batch in, with or without room.
    func takeScratch() -> ByteBuffer {
        var taken = ByteBuffer()
        swap(&taken, &scratch)
        return taken
    }

    /// Keeps a batch that was built.
    /// - Returns: its memory, its position there, and what it takes of it.
    /// - Complexity: O(n), a copy; O(1) for a large batch.
    func keep(_ built: consuming ByteBuffer) -> (slab: BatchSlab, position: Int, byteCount: Int) {
        guard built.count <= Self.sharedBytesMax else {
            let byteCount = built.capacity
            return (BatchSlab(built), 0, byteCount)
        }
        var skipped = 0
        if let current, current.room < built.count {
            skipped = current.room
            slabs.append(current)
            self.current = nil
        }
        let slab = current ?? freeSlab()
        current = slab
        let position = slab.count
        slab.append(built.bytes)
        if built.capacity > scratch.capacity {
            built.removeAll()
            swap(&built, &scratch)
        }
        // What the slab before had left counts as this batch's.
        return (slab, position, slab.count - position + skipped)
    }

    /// Frees slabs that no batch refers to, but for a few; now and then, so that a thread that has little to do any
    /// more gives back what it had.
    /// - Complexity: O(slabs).
    package func releaseIdle() {
        var idleCount = 0
        for index in slabs.indices.reversed() where isKnownUniquelyReferenced(&slabs[index]) {
            idleCount += 1
            if idleCount > Self.idleCountMax { slabs.remove(at: index) }
        }
    }

    /// A slab with nothing in it: an old one that no batch refers to, or a new one.
    /// - Complexity: O(slabs), once for each slab that is filled.
    private func freeSlab() -> BatchSlab {
        for index in slabs.indices where isKnownUniquelyReferenced(&slabs[index]) {
            let slab = slabs.remove(at: index)
            slab.removeAll()
            return slab
        }
        if slabs.count >= Self.slabCountMax { slabs.removeFirst() }
        return BatchSlab(byteCount: Self.slabBytes)
    }
}
