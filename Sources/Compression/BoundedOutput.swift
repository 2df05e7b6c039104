/// What one step of a decoder did.
struct DecodeStep {
    /// Bytes written to the step's output.
    var byteCount: Int
    /// Whether the stream is at its end; if not, the step's output is full.
    var isFinished: Bool
}

/// A codec's decoder, which sees the whole input at each step and fills one output after the other.
protocol StreamDecoder: AnyObject {
    /// Forgets the stream before.
    func begin(_ input: UnsafeRawBufferPointer, byteCountMax: Int)
    /// The bytes to make room for at first; a guess that `input`'s own size bounds.
    func firstStep(_ input: UnsafeRawBufferPointer) -> Int
    /// Decodes from `position` on until `output`, which is not empty, is full or the stream ends.
    func decode(
        _ input: UnsafeRawBufferPointer, from position: inout Int, into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> DecodeStep
}

extension StreamDecoder {
    func firstStep(_ input: UnsafeRawBufferPointer) -> Int { BoundedOutput.step(input.count, declared: nil) }
}

/// Output whose memory grows with what is produced, not with what an input declares.
enum BoundedOutput {
    /// Room that costs nothing to speak of.
    static let stepByteCount = 64 << 10

    /// The first step for an input of `inputByteCount` bytes that says it holds `declared`.
    ///
    /// Real batches shrink to a quarter; a declared size is believed up to a sixteenth.
    static func step(_ inputByteCount: Int, declared: Int?) -> Int {
        guard let declared else { return max(4096, inputByteCount * 4) }
        return min(declared, max(stepByteCount, inputByteCount * 16))
    }

    /// Collects what `decode` writes until it is finished.
    /// - Throws: `.tooLarge` as soon as there is one byte more than `byteCountMax`, and what `decode` throws.
    static func collect(
        firstStep: Int, byteCountMax: Int,
        _ decode: (UnsafeMutableRawBufferPointer) throws(CompressionError) -> DecodeStep
    ) throws(CompressionError) -> [UInt8] {
        var bytes: [UInt8] = []
        var room = firstStep + 1
        while true {
            // Room for one byte more than allowed tells an output that just fits from one that does not.
            room = max(1, min(room, byteCountMax + 1 - bytes.count))
            let isFinished = try unsafe append(room, to: &bytes, decode)
            guard bytes.count <= byteCountMax else { throw .tooLarge(byteCountMax: byteCountMax) }
            if isFinished { return bytes }
            room = max(stepByteCount, bytes.count)
        }
    }

    private static func append(
        _ room: Int, to bytes: inout [UInt8],
        _ decode: (UnsafeMutableRawBufferPointer) throws(CompressionError) -> DecodeStep
    ) throws(CompressionError) -> Bool {
        var isFinished = false
        try bytes.append(addingCapacity: room) { (output: inout OutputSpan<UInt8>) throws(CompressionError) in
            try unsafe output.withUnsafeMutableBufferPointer { (memory, count) throws(CompressionError) in
                let free = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(memory)[count..<count + room])
                let step = try unsafe decode(free)
                precondition(step.byteCount >= 0 && step.byteCount <= room)
                precondition(step.isFinished || step.byteCount == room)
                count += step.byteCount
                isFinished = step.isFinished
            }
        }
        return isFinished
    }
}
