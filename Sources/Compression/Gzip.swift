private import CZlib

/// 15 bits of window, and 16 for gzip's header and trailer in place of zlib's.
private let gzipWindowBits: Int32 = 15 + 16

/// Writes gzip members.
@safe
final class GzipEncoder {
    /// zlib's state points back at the stream, which therefore stays where it is.
    private let stream: UnsafeMutablePointer<z_stream>

    init(level: Int?) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let level = level.map { Int32(max(1, min(9, $0))) } ?? Z_DEFAULT_COMPRESSION
        let status = unsafe deflateInit2_(
            stream, level, Z_DEFLATED, gzipWindowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib gives no context")
    }

    deinit {
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    func compress(_ input: UnsafeRawBufferPointer) -> [UInt8] {
        unsafe precondition(deflateReset(stream) == Z_OK)
        let bound = unsafe Int(deflateBound(stream, UInt(input.count)))
        return unsafe [UInt8](unsafeUninitializedCapacity: bound) { memory, count in
            unsafe stream.pointee.next_in = UnsafeMutablePointer(
                mutating: input.assumingMemoryBound(to: UInt8.self).baseAddress)
            unsafe stream.pointee.avail_in = UInt32(input.count)
            unsafe stream.pointee.next_out = memory.baseAddress
            unsafe stream.pointee.avail_out = UInt32(bound)
            let status = unsafe deflate(stream, Z_FINISH)
            precondition(status == Z_STREAM_END, "zlib needs more than its own bound")
            count = unsafe bound - Int(stream.pointee.avail_out)
        }
    }
}

/// Reads gzip members, one after the other.
///
/// Source: RFC 1952.
@safe
final class GzipDecoder: StreamDecoder {
    private let stream: UnsafeMutablePointer<z_stream>

    init() {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let status = unsafe inflateInit2_(
            stream, gzipWindowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib gives no context")
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    func begin(_ input: UnsafeRawBufferPointer, byteCountMax: Int) {
        unsafe precondition(inflateReset(stream) == Z_OK)
    }

    func decode(
        _ input: UnsafeRawBufferPointer, from position: inout Int, into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> DecodeStep {
        var written = 0
        while true {
            let status = unsafe inflate(input, &position, output, &written)
            switch status {
            case Z_STREAM_END:
                guard position < input.count else { return DecodeStep(byteCount: written, isFinished: true) }
                guard unsafe Self.startsMember(input, at: position) else {
                    throw .trailingBytes(.gzip, position: position)
                }
                unsafe precondition(inflateReset(stream) == Z_OK)
            case Z_OK, Z_BUF_ERROR:
                if written == output.count { return DecodeStep(byteCount: written, isFinished: false) }
                // There is room, so it is input that is missing.
                if position == input.count { throw .truncated(.gzip) }
                if status == Z_BUF_ERROR { throw .damaged(.gzip, position: position) }
            default:
                throw .damaged(.gzip, position: position)
            }
        }
    }

    private func inflate(
        _ input: UnsafeRawBufferPointer, _ position: inout Int, _ output: UnsafeMutableRawBufferPointer,
        _ written: inout Int
    ) -> Int32 {
        let source = unsafe input.assumingMemoryBound(to: UInt8.self)
        let target = unsafe output.assumingMemoryBound(to: UInt8.self)
        unsafe stream.pointee.next_in = source.baseAddress.map { unsafe UnsafeMutablePointer(mutating: $0 + position) }
        unsafe stream.pointee.avail_in = UInt32(input.count - position)
        unsafe stream.pointee.next_out = target.baseAddress.map { unsafe $0 + written }
        unsafe stream.pointee.avail_out = UInt32(output.count - written)
        let status = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
        position = unsafe input.count - Int(stream.pointee.avail_in)
        written = unsafe output.count - Int(stream.pointee.avail_out)
        return status
    }

    /// Whether `input` goes on with a member, or with the first byte of one.
    private static func startsMember(_ input: UnsafeRawBufferPointer, at position: Int) -> Bool {
        guard unsafe input[position] == 0x1F else { return false }
        return unsafe position + 1 == input.count || input[position + 1] == 0x8B
    }
}
