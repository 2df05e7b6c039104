import CWslay
import SluiceCore

/// What is known of a frame that comes in.
struct FrameHead: Equatable {
    /// Its opcode, as RFC 6455 §5.2 numbers it.
    var opcode: UInt8
    /// Whether it ends its message.
    var isFinal: Bool
    /// Its reserved bits.
    var reserved: UInt8
    var isMasked: Bool
    var payloadByteCount: UInt64

    /// Bytes before the payload.
    var headByteCount: Int {
        2 + (payloadByteCount < 126 ? 0 : payloadByteCount < 1 << 16 ? 2 : 8) + (isMasked ? 4 : 0)
    }
}

/// wslay's frame layer, which reads and writes frames piece by piece and knows nothing of messages.
///
/// Isolation: one loop's thread.
final class FrameCodec {
    /// What reading comes to.
    enum Piece {
        /// A part of a frame's payload, unmasked, valid until the next call.
        case payload(FrameHead, UnsafeRawBufferPointer, isFirst: Bool, isLast: Bool)
        /// All that came is read.
        case needsMore
        /// Not a frame.
        case malformed
    }

    private var context: wslay_frame_context_ptr?
    private var input = UnsafeRawBufferPointer(start: nil, count: 0)
    private var output = ByteBuffer()
    /// Bytes that wslay took and that no frame has accounted for.
    private var heldByteCount = 0
    /// Bytes of the current frame's payload so far.
    private var payloadByteCount: UInt64 = 0
    private var isInFrame = false

    init() {
        var callbacks = wslay_frame_callbacks(
            send_callback: { data, count, _, user in
                FrameCodec.of(user).output.append(UnsafeRawBufferPointer(start: data, count: count))
                return count
            },
            recv_callback: { target, capacity, _, user in
                FrameCodec.of(user).supply(UnsafeMutableRawBufferPointer(start: target, count: capacity))
            },
            genmask_callback: nil)
        guard wslay_frame_context_init(&context, &callbacks, Unmanaged.passUnretained(self).toOpaque()) == 0 else {
            preconditionFailure("No memory for a frame context")
        }
    }

    deinit { wslay_frame_context_free(context) }

    private static func of(_ user: UnsafeMutableRawPointer?) -> FrameCodec {
        guard let user else { preconditionFailure("Cannot move bytes while no codec is set") }
        return Unmanaged<FrameCodec>.fromOpaque(user).takeUnretainedValue()
    }

    private func supply(_ target: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(target.count, input.count)
        guard count > 0 else { return -1 }
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[..<count]))
        input = UnsafeRawBufferPointer(rebasing: input[count...])
        heldByteCount += count
        return count
    }

    /// Whether no part of a frame is held, so that another connection can use it.
    var isIdle: Bool { heldByteCount == 0 && !isInFrame && input.isEmpty }

    /// Reads pieces until `body` says that it is enough, or all is read.
    func read(_ bytes: UnsafeRawBufferPointer, _ body: (Piece) -> Bool) {
        input = bytes
        defer { input = UnsafeRawBufferPointer(start: nil, count: 0) }
        while body(next()) {}
    }

    private func next() -> Piece {
        var frame = wslay_frame_iocb()
        let count = wslay_frame_recv(context, &frame)
        guard count >= 0 else {
            return count == Int(WSLAY_ERR_WANT_READ.rawValue) ? .needsMore : .malformed
        }
        let head = FrameHead(
            opcode: frame.opcode, isFinal: frame.fin == 1, reserved: frame.rsv, isMasked: frame.mask == 1,
            payloadByteCount: frame.payload_length)
        let isFirst = !isInFrame
        if isFirst { heldByteCount -= head.headByteCount }
        heldByteCount -= count
        payloadByteCount += UInt64(count)
        precondition(heldByteCount >= 0 && payloadByteCount <= head.payloadByteCount)
        let isLast = payloadByteCount == head.payloadByteCount
        isInFrame = !isLast
        if isLast { payloadByteCount = 0 }
        return .payload(
            head, UnsafeRawBufferPointer(start: frame.data, count: count), isFirst: isFirst, isLast: isLast)
    }

    /// Writes one whole frame, as a server does: unmasked.
    func write(opcode: UInt8, _ payload: Span<UInt8>, into target: inout ByteBuffer) {
        swap(&output, &target)
        payload.withUnsafeBufferPointer { bytes in
            var frame = wslay_frame_iocb(
                fin: 1, rsv: 0, opcode: opcode, payload_length: UInt64(bytes.count), mask: 0, data: bytes.baseAddress,
                data_length: bytes.count)
            let count = wslay_frame_send(context, &frame)
            precondition(count == bytes.count, "wslay does not write a frame: \(count)")
        }
        swap(&output, &target)
    }
}

/// The contexts of one loop's WebSockets. Each has 4 KiB of buffer, so a connection holds one only while a frame of its
/// is half received; an idle one holds none.
///
/// Isolation: one loop's thread.
package final class FrameCodecPool {
    private var free: [FrameCodec] = []
    /// Codecs that are kept for the next connection.
    private static let keptMax = 16

    /// An empty pool.
    package init() {}

    func take() -> FrameCodec { free.popLast() ?? FrameCodec() }

    func give(_ codec: FrameCodec) {
        if free.count < Self.keptMax { free.append(codec) }
    }
}
