private import CZstd

/// Writes one zstd frame with its content size for each input, without a checksum: the batch's CRC covers the content.
@safe
final class ZstdEncoder {
    private let context: OpaquePointer

    init(level: Int?) {
        guard let context = unsafe ZSTD_createCCtx() else { preconditionFailure("zstd gives no context") }
        unsafe self.context = context
        let range = ZSTD_minCLevel()...ZSTD_maxCLevel()
        let level = level.map { max(range.lowerBound, min(range.upperBound, Int32(clamping: $0))) }
        let status = unsafe ZSTD_CCtx_setParameter(
            context, ZSTD_c_compressionLevel, level ?? ZSTD_defaultCLevel())
        precondition(ZSTD_isError(status) == 0)
    }

    deinit { unsafe _ = ZSTD_freeCCtx(context) }

    func compress(_ input: UnsafeRawBufferPointer) -> [UInt8] {
        let bound = ZSTD_compressBound(input.count)
        return unsafe [UInt8](unsafeUninitializedCapacity: bound) { memory, count in
            count = unsafe ZSTD_compress2(context, memory.baseAddress, bound, input.baseAddress, input.count)
            precondition(ZSTD_isError(count) == 0, "zstd needs more than its own bound")
        }
    }
}

/// Reads zstd frames, one after the other, with or without content size; frames to skip are skipped.
///
/// A frame's header declares the window that matches may reach back, up to 128 MiB at the highest levels, and the
/// library allocates it. No match reaches further back than the output is long, so the decoder lowers a larger window
/// to what the output may be at most.
/// Source: RFC 8878 §3.1.
@safe
final class ZstdDecoder: StreamDecoder {
    private let context: OpaquePointer
    private var byteCountMax = 0
    private var isBetweenFrames = true
    private var frameCount = 0
    /// What the frame's declared size leaves to come; nil when it declares none.
    private var remaining: Int?

    private static let magic: UInt32 = 0xFD2F_B528
    private static let skippableMagic: UInt32 = 0x184D_2A50

    init() {
        guard let context = unsafe ZSTD_createDCtx() else { preconditionFailure("zstd gives no context") }
        unsafe self.context = context
    }

    deinit { unsafe _ = ZSTD_freeDCtx(context) }

    func begin(_ input: UnsafeRawBufferPointer, byteCountMax: Int) {
        self.byteCountMax = byteCountMax
        isBetweenFrames = true
        frameCount = 0
    }

    func firstStep(_ input: UnsafeRawBufferPointer) -> Int {
        // The two values that are no size are the largest two.
        let declared = unsafe ZSTD_getFrameContentSize(input.baseAddress, input.count)
        return BoundedOutput.step(input.count, declared: Int(exactly: declared))
    }

    func decode(
        _ input: UnsafeRawBufferPointer, from position: inout Int, into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> DecodeStep {
        var written = 0
        while true {
            if isBetweenFrames {
                try unsafe beginFrame(input, &position)
                if isBetweenFrames { return DecodeStep(byteCount: written, isFinished: true) }
            }
            let before = (position, written)
            let hint = try unsafe step(input, &position, output, &written)
            if let left = remaining { remaining = left - (written - before.1) }
            if hint == 0 {
                // The library does not compare when the last block is empty.
                guard remaining == nil || remaining == 0 else { throw .damaged(.zstd, position: position) }
                isBetweenFrames = true
                frameCount += 1
                continue
            }
            if written == output.count { return DecodeStep(byteCount: written, isFinished: false) }
            if position == input.count { throw .truncated(.zstd) }
            guard before != (position, written) else { throw .damaged(.zstd, position: position) }
        }
    }

    /// Starts the frame at `position`, behind the frames to skip; at the end of the input no frame is started.
    private func beginFrame(_ input: UnsafeRawBufferPointer, _ position: inout Int) throws(CompressionError) {
        while position < input.count {
            guard input.count - position >= 5 else { throw .truncated(.zstd) }
            let found = unsafe Self.uint32(input, at: position)
            if found == Self.magic { return try unsafe beginFrame(input, at: &position) }
            guard found & ~0xF == Self.skippableMagic else {
                throw frameCount == 0
                    ? .damaged(.zstd, position: position) : .trailingBytes(.zstd, position: position)
            }
            guard input.count - position >= 8 else { throw .truncated(.zstd) }
            let byteCount = unsafe Int(Self.uint32(input, at: position + 4))
            guard byteCount <= input.count - position - 8 else { throw .truncated(.zstd) }
            position += 8 + byteCount
            frameCount += 1
        }
        guard frameCount > 0 else { throw .truncated(.zstd) }
    }

    private func beginFrame(_ input: UnsafeRawBufferPointer, at position: inout Int) throws(CompressionError) {
        isBetweenFrames = false
        unsafe precondition(ZSTD_isError(ZSTD_DCtx_reset(context, ZSTD_reset_session_only)) == 0)
        let rest = unsafe UnsafeRawBufferPointer(rebasing: input[position...])
        let declared = unsafe ZSTD_getFrameContentSize(rest.baseAddress, rest.count)
        // The two values that are no size do not fit.
        remaining = Int(exactly: declared)
        if let remaining, remaining > byteCountMax { throw .tooLarge(byteCountMax: byteCountMax) }
        // A frame of a single segment has no window of its own: it is the content size, which has just been bounded.
        let isSingleSegment = unsafe rest[4] & 0x20 != 0
        guard !isSingleSegment, rest.count > 5 else { return }
        // The window is at least 1 << (10 + the upper five bits). Blocks are up to 128 KiB, whatever the window above.
        let enough = max(17, Int.bitWidth - byteCountMax.leadingZeroBitCount)
        guard unsafe Int(rest[5] >> 3) + 10 >= enough else { return }
        var header: InlineArray<6, UInt8> = [0, 0, 0, 0, 0, UInt8(enough - 10) << 3]
        for index in 0..<5 { unsafe header[index] = rest[index] }
        var taken = 0
        let span = header.span
        try unsafe span.withUnsafeBytes { bytes throws(CompressionError) in
            var written = 0
            _ = try unsafe step(bytes, &taken, UnsafeMutableRawBufferPointer(start: nil, count: 0), &written)
        }
        precondition(taken == 6)
        position += taken
    }

    /// One call of the library; 0 at the end of a frame.
    private func step(
        _ input: UnsafeRawBufferPointer, _ position: inout Int, _ output: UnsafeMutableRawBufferPointer,
        _ written: inout Int
    ) throws(CompressionError) -> Int {
        var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: position)
        var target = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: written)
        let hint = unsafe ZSTD_decompressStream(context, &target, &source)
        guard ZSTD_isError(hint) == 0 else { throw .damaged(.zstd, position: position) }
        position = unsafe source.pos
        written = unsafe target.pos
        return hint
    }

    private static func uint32(_ input: UnsafeRawBufferPointer, at position: Int) -> UInt32 {
        unsafe UInt32(littleEndian: input.loadUnaligned(fromByteOffset: position, as: UInt32.self))
    }
}
