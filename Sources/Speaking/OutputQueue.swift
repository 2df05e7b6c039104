package import SluiceCore

/// What a socket is to be sent: bytes, and regions of files between them, in order.
///
/// Layout: `ahead`, which only exists while there is a region or a buffer of its own, then `bytes`. A protocol without
/// regions appends to one `ByteBuffer`, and pays one test of a pointer for each flush.
/// Invariants: no piece ahead is empty.
/// Isolation: a value with one owner.
package struct OutputQueue: ~Copyable {
    /// The last bytes; what is appended to them goes behind all else.
    package var bytes = ByteBuffer()
    private var ahead: Pieces?

    private final class Pieces {
        var pieces = Ring<Piece>()
        var byteCount = 0
        var capacity = 0
    }

    private enum Piece {
        case bytes(Chunk)
        case region(FileRegion)
    }

    private final class Chunk {
        var buffer: ByteBuffer
        init(_ buffer: consuming ByteBuffer) { self.buffer = buffer }
    }

    /// An empty queue.
    package init() {}

    // MARK: Appending

    /// Puts a region of a file behind everything.
    package mutating func append(_ region: FileRegion) {
        guard region.count > 0 else { return }
        let ahead = sealed()
        ahead.pieces.append(.region(region))
        ahead.byteCount += region.count
    }

    /// Puts a buffer behind everything, without a copy.
    package mutating func append(_ buffer: consuming ByteBuffer) {
        guard !buffer.isEmpty else { return }
        let ahead = sealed()
        ahead.byteCount += buffer.count
        ahead.capacity += buffer.capacity
        ahead.pieces.append(.bytes(Chunk(buffer)))
    }

    /// Moves `bytes` in front: their memory stays where it is from now on until they are removed.
    private mutating func sealed() -> Pieces {
        let ahead = self.ahead ?? Pieces()
        self.ahead = ahead
        guard !bytes.isEmpty else { return ahead }
        var buffer = ByteBuffer()
        swap(&buffer, &bytes)
        ahead.byteCount += buffer.count
        ahead.capacity += buffer.capacity
        ahead.pieces.append(.bytes(Chunk(buffer)))
        return ahead
    }

    // MARK: Queries

    /// Bytes that wait, those of files included.
    package var count: Int { bytes.count + (ahead?.byteCount ?? 0) }
    /// Whether nothing waits.
    package var isEmpty: Bool { bytes.isEmpty && ahead == nil }
    /// Whether all that waits is in `bytes`.
    package var isOneBuffer: Bool { ahead == nil }
    /// Bytes of memory that it holds; those of files take none.
    package var heldByteCount: Int { bytes.capacity + (ahead?.capacity ?? 0) }

    /// The region that is next; nil when bytes are, or nothing.
    package var firstRegion: FileRegion? {
        guard case .region(let region)? = ahead?.pieces.first else { return nil }
        return region
    }

    /// Whether a region comes behind the bytes that `withFirstBytes` gives.
    package var hasRegionBehindFirst: Bool {
        guard let ahead, ahead.pieces.count > 1, case .region = ahead.pieces[1] else { return false }
        return true
    }

    /// Calls `body` with the bytes that are next: those of one buffer. None when a region is next.
    package borrowing func withFirstBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        switch ahead?.pieces.first {
        case .bytes(let chunk)?: unsafe chunk.buffer.withUnsafeBytes { bytes in unsafe body(bytes) }
        case .region?: unsafe body(UnsafeRawBufferPointer(start: nil, count: 0))
        case nil: unsafe bytes.withUnsafeBytes { bytes in unsafe body(bytes) }
        }
    }

    /// How many buffers follow each other up to the next region or the end.
    package var leadingBufferCount: Int {
        guard let ahead else { return bytes.isEmpty ? 0 : 1 }
        for index in 0..<ahead.pieces.count {
            if case .region = ahead.pieces[index] { return index }
        }
        return ahead.pieces.count + (bytes.isEmpty ? 0 : 1)
    }

    /// Calls `body` with each of the first `count` buffers, of at most `leadingBufferCount`.
    package borrowing func forEachBuffer(_ count: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
        precondition(count <= leadingBufferCount)
        for index in 0..<count {
            if let ahead, index < ahead.pieces.count {
                guard case .bytes(let chunk) = ahead.pieces[index] else {
                    preconditionFailure("Cannot find a region among buffers")
                }
                unsafe chunk.buffer.withUnsafeBytes { bytes in unsafe body(bytes) }
            } else {
                unsafe bytes.withUnsafeBytes { bytes in unsafe body(bytes) }
            }
        }
    }

    // MARK: Removing

    /// Drops the first `byteCount` bytes, which were sent.
    package mutating func removeFirst(_ byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= count)
        var left = byteCount
        while left > 0, let ahead, let first = ahead.pieces.first {
            let taken: Int
            switch first {
            case .bytes(let chunk):
                taken = min(left, chunk.buffer.count)
                chunk.buffer.removeFirst(taken)
                if chunk.buffer.isEmpty {
                    ahead.capacity -= chunk.buffer.capacity
                    _ = ahead.pieces.popFirst()
                }
            case .region(var region):
                taken = min(left, region.count)
                region.removeFirst(taken)
                if region.count == 0 { _ = ahead.pieces.popFirst() } else { ahead.pieces[0] = .region(region) }
            }
            ahead.byteCount -= taken
            left -= taken
            if ahead.pieces.isEmpty { self.ahead = nil }
        }
        if left > 0 { bytes.removeFirst(left) }
    }

    /// Drops everything, and the memory when it is more than `byteCount` bytes.
    package mutating func reset(keeping byteCount: Int) {
        ahead = nil
        bytes.reset(keeping: byteCount)
    }
}
