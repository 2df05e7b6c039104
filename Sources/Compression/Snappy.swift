private import CSnappy

/// Snappy as Kafka's clients frame it.
///
/// Layout of xerial's framing (big-endian):
///
///     0 "\x82SNAPPY\0" | 8 version i32 = 1 | 12 least version that reads it i32 = 1
///     then blocks: length i32 | a raw block of at most 32 KiB of input
///
/// Java and Python write that; librdkafka, Sarama and franz-go write one raw block. A raw block cannot begin like the
/// framing: its first element would be a copy of bytes before the first.
/// Source: org.xerial.snappy `SnappyOutputStream`.
enum SnappyFraming {
    private static let magic: [UInt8] = [0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59, 0]
    private static let headerByteCount = 16
    private static let lengthByteCount = 4
    /// Java's, which its reader's buffers grow to.
    private static let blockByteCount = 32 << 10
    /// The densest element makes 64 bytes of 3: what a block declares beyond this it does not hold.
    private static let ratioMax = 22

    static func compress(_ input: UnsafeRawBufferPointer) -> [UInt8] {
        let blockCount = (input.count + blockByteCount - 1) / blockByteCount
        let blockBound = snappy_max_compressed_length(min(input.count, blockByteCount)) + lengthByteCount
        var output: [UInt8] = []
        output.reserveCapacity(headerByteCount + blockCount * blockBound)
        output += magic
        output += [0, 0, 0, 1, 0, 0, 0, 1]
        for start in stride(from: 0, to: input.count, by: blockByteCount) {
            let end = min(start + blockByteCount, input.count)
            unsafe append(block: UnsafeRawBufferPointer(rebasing: input[start..<end]), to: &output)
        }
        return output
    }

    private static func append(block: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        let lengthAt = output.count
        output += [0, 0, 0, 0]
        let source = unsafe block.assumingMemoryBound(to: CChar.self).baseAddress
        let byteCount = unsafe append(upTo: snappy_max_compressed_length(block.count), to: &output) {
            target, byteCount in
            let status = unsafe snappy_compress(source, block.count, target, &byteCount)
            precondition(status == SNAPPY_OK, "snappy needs more than its own bound")
        }
        for index in 0..<lengthByteCount {
            output[lengthAt + index] = UInt8(truncatingIfNeeded: byteCount >> (24 - 8 * index))
        }
    }

    static func decompress(
        _ input: UnsafeRawBufferPointer, byteCountMax: Int
    ) throws(CompressionError) -> [UInt8] {
        var output: [UInt8] = []
        guard unsafe isMagic(input, at: 0) else {
            try unsafe append(uncompressing: input, at: 0, to: &output, byteCountMax)
            return output
        }
        var position = 0
        while position < input.count {
            // Java begins a header anew where two outputs were joined.
            if unsafe isMagic(input, at: position) {
                guard input.count - position >= headerByteCount else { throw .truncated(.snappy) }
                guard unsafe int32(input, at: position + magic.count) >= 1 else {
                    throw .damaged(.snappy, position: position)
                }
                position += headerByteCount
                continue
            }
            guard input.count - position >= lengthByteCount else { throw .truncated(.snappy) }
            let byteCount = unsafe int32(input, at: position)
            guard byteCount > 0 else { throw .damaged(.snappy, position: position) }
            position += lengthByteCount
            guard byteCount <= input.count - position else { throw .truncated(.snappy) }
            let block = unsafe UnsafeRawBufferPointer(rebasing: input[position..<position + byteCount])
            try unsafe append(uncompressing: block, at: position, to: &output, byteCountMax)
            position += byteCount
        }
        return output
    }

    private static func append(
        uncompressing block: UnsafeRawBufferPointer, at position: Int, to output: inout [UInt8], _ byteCountMax: Int
    ) throws(CompressionError) {
        let source = unsafe block.assumingMemoryBound(to: CChar.self).baseAddress
        var byteCount = 0
        guard block.count > 0, unsafe snappy_uncompressed_length(source, block.count, &byteCount) == SNAPPY_OK,
            byteCount <= block.count * ratioMax
        else { throw .damaged(.snappy, position: position) }
        guard byteCount <= byteCountMax - output.count else { throw .tooLarge(byteCountMax: byteCountMax) }
        // The library wants the whole output's memory at once; a large one is decoded into nothing before, so that it
        // is not allocated for a lie.
        let isSmall = byteCount <= BoundedOutput.stepByteCount
        guard unsafe isSmall || snappy_validate_compressed_buffer(source, block.count) == SNAPPY_OK else {
            throw .damaged(.snappy, position: position)
        }
        var status = SNAPPY_OK
        _ = unsafe append(upTo: byteCount, to: &output) { target, byteCount in
            unsafe status = snappy_uncompress(source, block.count, target, &byteCount)
            if status != SNAPPY_OK { byteCount = 0 }
        }
        guard status == SNAPPY_OK else { throw .damaged(.snappy, position: position) }
    }

    /// Lets `body` write up to `room` bytes behind `output`; it says in its second argument how many it wrote.
    private static func append(
        upTo room: Int, to output: inout [UInt8], _ body: (UnsafeMutablePointer<CChar>?, inout Int) -> Void
    ) -> Int {
        var byteCount = room
        output.append(addingCapacity: room) { (span: inout OutputSpan<UInt8>) in
            unsafe span.withUnsafeMutableBufferPointer { memory, count in
                let free = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(memory)[count...])
                unsafe body(free.assumingMemoryBound(to: CChar.self).baseAddress, &byteCount)
                precondition(byteCount >= 0 && byteCount <= room)
                count += byteCount
            }
        }
        return byteCount
    }

    private static func isMagic(_ input: UnsafeRawBufferPointer, at position: Int) -> Bool {
        guard input.count - position >= magic.count else { return false }
        return unsafe input[position..<position + magic.count].elementsEqual(magic)
    }

    private static func int32(_ input: UnsafeRawBufferPointer, at position: Int) -> Int {
        Int(unsafe Int32(bigEndian: input.loadUnaligned(fromByteOffset: position, as: Int32.self)))
    }
}
