private import CLZ4

/// Writes one LZ4 frame for each input: independent blocks of 64 KiB, no checksums but the header's, as Kafka's Java
/// client does. The batch's CRC covers the content.
@safe
final class LZ4Encoder {
    private let context: OpaquePointer
    private var preferences = LZ4F_preferences_t()

    init(level: Int?) {
        var context: OpaquePointer?
        let status = unsafe LZ4F_createCompressionContext(&context, UInt32(LZ4F_VERSION))
        guard LZ4F_isError(status) == 0, let context = unsafe context else {
            preconditionFailure("lz4 gives no context")
        }
        unsafe self.context = context
        preferences.compressionLevel = level.map { Int32(max(0, min(Int(LZ4F_compressionLevel_max()), $0))) } ?? 0
        preferences.autoFlush = 1
        preferences.frameInfo.blockSizeID = LZ4F_max64KB
        preferences.frameInfo.blockMode = LZ4F_blockIndependent
    }

    deinit { unsafe _ = LZ4F_freeCompressionContext(context) }

    func compress(_ input: UnsafeRawBufferPointer) -> [UInt8] {
        // Nineteen bytes are the longest header; the bound counts the end.
        let bound = unsafe LZ4F_compressBound(input.count, &preferences) + 19
        return unsafe [UInt8](unsafeUninitializedCapacity: bound) { memory, count in
            guard let target = memory.baseAddress else { preconditionFailure("No memory for \(bound) bytes") }
            count = unsafe Self.checked(LZ4F_compressBegin(context, target, bound, &preferences))
            if let source = input.baseAddress, input.count > 0 {
                count += unsafe Self.checked(
                    LZ4F_compressUpdate(context, target + count, bound - count, source, input.count, nil))
            }
            count += unsafe Self.checked(LZ4F_compressEnd(context, target + count, bound - count, nil))
        }
    }

    private static func checked(_ result: Int) -> Int {
        precondition(LZ4F_isError(result) == 0, "lz4 needs more than its own bound")
        return result
    }
}

/// Reads LZ4 frames, one after the other, with blocks of any size, linked or not.
///
/// Source: LZ4 Frame Format 1.6.
@safe
final class LZ4Decoder: StreamDecoder {
    private var context: OpaquePointer
    private var isInStream = false

    init() { unsafe context = Self.makeContext() }

    deinit { unsafe _ = LZ4F_freeDecompressionContext(context) }

    private static func makeContext() -> OpaquePointer {
        var context: OpaquePointer?
        let status = unsafe LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))
        guard LZ4F_isError(status) == 0, let context = unsafe context else {
            preconditionFailure("lz4 gives no context")
        }
        return unsafe context
    }

    func begin(_ input: UnsafeRawBufferPointer, byteCountMax: Int) {
        // LZ4F_resetDecompressionContext of 1.9.4 keeps what was left of a declared content size, which the next frame
        // is then measured by; a context that a damaged frame was in is not used again. It costs an allocation.
        if isInStream {
            unsafe _ = LZ4F_freeDecompressionContext(context)
            unsafe context = Self.makeContext()
        }
        isInStream = true
    }

    func decode(
        _ input: UnsafeRawBufferPointer, from position: inout Int, into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> DecodeStep {
        guard let source = input.baseAddress, let target = output.baseAddress else { throw .truncated(.lz4) }
        var written = 0
        while true {
            var taken = input.count - position
            var given = output.count - written
            let hint = unsafe LZ4F_decompress(context, target + written, &given, source + position, &taken, nil)
            guard LZ4F_isError(hint) == 0 else { throw .damaged(.lz4, position: position) }
            position += taken
            written += given
            if hint == 0 {
                guard position < input.count else {
                    isInStream = false
                    return DecodeStep(byteCount: written, isFinished: true)
                }
                guard unsafe Self.startsFrame(input, at: position) else {
                    throw .trailingBytes(.lz4, position: position)
                }
                continue
            }
            if written == output.count { return DecodeStep(byteCount: written, isFinished: false) }
            if position == input.count { throw .truncated(.lz4) }
            guard taken > 0 || given > 0 else { throw .damaged(.lz4, position: position) }
        }
    }

    /// Whether `input` goes on with a frame, one to skip, or the first bytes of one.
    private static func startsFrame(_ input: UnsafeRawBufferPointer, at position: Int) -> Bool {
        let bytes = unsafe input[position..<min(position + 4, input.count)]
        guard unsafe !bytes.elementsEqual([0x04, 0x22, 0x4D, 0x18].prefix(bytes.count)) else { return true }
        return unsafe bytes[position] >> 4 == 5
            && bytes.dropFirst().elementsEqual([0x2A, 0x4D, 0x18].prefix(bytes.count - 1))
    }
}
