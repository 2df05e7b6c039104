/// A growable byte buffer with a read position: output queues, packets and batches under construction.
///
/// Invariants: `0 <= start <= end <= capacity`; bytes in `start..<end` are initialised.
/// Isolation: a value with one owner; growing moves the bytes.
@safe
@usableFromInline package struct ByteBuffer: ~Copyable {
    @usableFromInline var base: UnsafeMutableRawPointer
    @usableFromInline var start = 0
    @usableFromInline var end = 0
    /// How many bytes fit before the buffer grows.
    package private(set) var capacity: Int {
        @inlinable get { limit }
        set { limit = newValue }
    }
    @usableFromInline var limit: Int

    /// A buffer that holds `capacity` bytes before it first grows; zero allocates nothing.
    package init(capacity: Int = 0) {
        precondition(capacity >= 0)
        limit = capacity
        unsafe base = Self.allocate(capacity)
    }

    deinit { unsafe Self.free(base, limit) }

    /// The number of bytes held.
    @inlinable package var count: Int { end - start }

    /// Whether no byte is held.
    @inlinable package var isEmpty: Bool { end == start }

    /// The bytes held, as a borrowed view.
    @inlinable package var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let pointer = unsafe UnsafePointer(base.advanced(by: start).assumingMemoryBound(to: UInt8.self))
            let span = unsafe Span<UInt8>(_unsafeStart: pointer, count: end - start)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    // MARK: Appending

    /// Makes room for `byteCount` more bytes. Amortised O(1): capacity at least doubles.
    @inlinable @inline(__always)
    package mutating func reserve(_ byteCount: Int) {
        if limit - end < byteCount { grow(by: byteCount) }
    }

    /// Appends one byte.
    @inlinable @inline(__always)
    package mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe base.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
        end += 1
    }

    /// Appends an integer, most significant byte first.
    @inlinable @inline(__always)
    package mutating func append<Integer: FixedWidthInteger & BitwiseCopyable>(bigEndian value: Integer) {
        let byteCount = Integer.bitWidth / 8
        reserve(byteCount)
        unsafe base.storeBytes(of: value.bigEndian, toByteOffset: end, as: Integer.self)
        end += byteCount
    }

    /// Appends a copy of `bytes`.
    @inlinable @inline(__always)
    package mutating func append(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { source in unsafe append(source) }
    }

    /// Appends the UTF-8 bytes of a literal.
    @inlinable @inline(__always)
    package mutating func append(literal text: StaticString) {
        precondition(text.hasPointerRepresentation, "Cannot append a scalar")
        unsafe append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends the UTF-8 bytes of `string`.
    package mutating func append(utf8 string: String) {
        var string = string
        string.withUTF8 { source in unsafe append(UnsafeRawBufferPointer(source)) }
    }

    /// Appends a copy of `source`.
    @unsafe @inlinable @inline(__always)
    package mutating func append(_ source: UnsafeRawBufferPointer) {
        guard let address = source.baseAddress else { return }
        reserve(source.count)
        let target = unsafe base + end
        end += source.count
        // Topics, keys and sensor readings are short: up to 64 bytes are copied as two overlapping halves, in place. A
        // call of memmove for each took 15 % of a 16-byte publish.
        switch source.count {
        case 33...64:
            unsafe Self.copy(SIMD32<UInt8>.self, address, target, source.count)
        case 16...32:
            unsafe Self.copy(SIMD16<UInt8>.self, address, target, source.count)
        case 8...15:
            unsafe Self.copy(UInt64.self, address, target, source.count)
        case 4...7:
            unsafe Self.copy(UInt32.self, address, target, source.count)
        default:
            unsafe target.copyMemory(from: address, byteCount: source.count)
        }
    }

    /// Copies the first and the last `Unit` of `count` bytes, which overlap unless `count` is two units.
    @inlinable @inline(__always)
    static func copy<Unit: BitwiseCopyable>(
        _ type: Unit.Type, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int
    ) {
        let last = count - MemoryLayout<Unit>.size
        let head = unsafe source.loadUnaligned(as: Unit.self)
        let tail = unsafe source.loadUnaligned(fromByteOffset: last, as: Unit.self)
        unsafe target.storeBytes(of: head, as: Unit.self)
        unsafe target.storeBytes(of: tail, toByteOffset: last, as: Unit.self)
    }

    /// Lets `body` write up to `byteCount` bytes at the end; it returns how many it wrote.
    @unsafe
    package mutating func append<Failure: Error>(
        upTo byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) {
        reserve(byteCount)
        let written = try unsafe body(UnsafeMutableRawBufferPointer(start: base + end, count: byteCount))
        precondition(written >= 0 && written <= byteCount)
        end += written
    }

    /// Overwrites bytes from `offset` (counted from the first byte held) with a big-endian integer.
    @inlinable @inline(__always)
    package mutating func set<Integer: FixedWidthInteger & BitwiseCopyable>(bigEndian value: Integer, at offset: Int) {
        precondition(offset >= 0 && start + offset + Integer.bitWidth / 8 <= end)
        unsafe base.storeBytes(of: value.bigEndian, toByteOffset: start + offset, as: Integer.self)
    }

    // MARK: Consuming

    /// Drops the first `byteCount` bytes.
    package mutating func removeFirst(_ byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= count)
        start += byteCount
        if start == end {
            start = 0
            end = 0
        }
    }

    /// Drops every byte after the first `byteCount`.
    package mutating func truncate(to byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= count)
        end = start + byteCount
    }

    /// Drops every byte and keeps the memory.
    package mutating func removeAll() {
        start = 0
        end = 0
    }

    /// Drops every byte and the memory when it is larger than `keeping` bytes.
    package mutating func reset(keeping byteCount: Int) {
        removeAll()
        guard capacity > byteCount else { return }
        unsafe Self.free(base, limit)
        capacity = 0
        unsafe base = Self.allocate(0)
    }

    /// Calls `body` with the bytes held.
    @unsafe
    package borrowing func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: base + start, count: end - start))
    }

    // MARK: Memory

    /// `byteCount` rounded up to a quarter of its power of two: buffers of few sizes reuse each other's memory, and the
    /// heap does not creep upwards under a load whose batches are never quite the same size.
    private static func rounded(_ byteCount: Int) -> Int {
        guard byteCount > 1024 else { return byteCount }
        let step = 1 << (Int.bitWidth - byteCount.leadingZeroBitCount - 3)
        return (byteCount + step - 1) / step * step
    }

    private static func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
        // malloc(0) costs as much as any other: an address that nobody reads or writes does as well.
        guard byteCount > 0 else {
            guard let nowhere = unsafe UnsafeMutableRawPointer(bitPattern: 16) else {
                preconditionFailure("Cannot make an address of 16")
            }
            return unsafe nowhere
        }
        return UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 16)
    }

    private static func free(_ base: UnsafeMutableRawPointer, _ byteCount: Int) {
        if byteCount > 0 { unsafe base.deallocate() }
    }

    @usableFromInline @inline(never)
    mutating func grow(by byteCount: Int) {
        let held = end - start
        if start > 0, capacity - held >= byteCount, start >= capacity / 2 {
            unsafe base.copyMemory(from: base + start, byteCount: held)
        } else {
            let larger = Self.rounded(max(64, max(capacity * 2, held + byteCount)))
            let memory = unsafe Self.allocate(larger)
            unsafe memory.copyMemory(from: base + start, byteCount: held)
            unsafe Self.free(base, limit)
            unsafe base = memory
            capacity = larger
        }
        start = 0
        end = held
    }
}
