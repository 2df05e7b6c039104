import Checksums
import Compression
import RecordFormat
import SluiceCore

private let outputByteCountMax = 64 << 10

/// One run: the first byte chooses the codec, the rest is a compressed stream; the same bytes are then the records
/// section of a batch with a right checksum.
///
/// A trap, memory that the sanitiser objects to, or more output than allowed is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count > 0 else { return 0 }
    let codec = Codec.allCases[Int(start[0]) % Codec.allCases.count]
    let stream = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    if let output = decompressed(stream, codec, outputByteCountMax) {
        precondition(output.count <= outputByteCountMax)
        let again = codec.compress(output.span, level: 1)
        precondition(decompressed(again, codec, output.count) == output)
    }
    readBatch(codec, stream)
    return 0
}

private func decompressed(_ stream: [UInt8], _ codec: Codec, _ byteCountMax: Int) -> [UInt8]? {
    do throws(CompressionError) {
        return try codec.decompress(stream.span, byteCountMax: byteCountMax)
    } catch {
        return nil
    }
}

private func isWhole(_ batch: RecordBatch) -> Bool {
    do throws(BatchError) {
        return try RecordBatch.verify(batch.bytes) == batch.header
    } catch {
        return false
    }
}

/// Decompresses, reads and merges a batch whose section is `section`.
private func readBatch(_ codec: Codec, _ section: [UInt8]) {
    var bytes: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0]
    bytes += [0, 0, UInt8((section.count + 49) >> 8 & 0xFF), UInt8((section.count + 49) & 0xFF)]
    bytes += [0, 0, 0, 0, 2, 0, 0, 0, 0, 0, codec.rawValue, 0, 0, 0, 9]
    bytes += [UInt8](repeating: 0, count: 16) + [UInt8](repeating: 0xFF, count: 14)
    // As many records as the section's last byte says, up to ten.
    bytes += [0, 0, 0, (section.last ?? 0) % 11]
    bytes += section
    guard bytes.count < 60_000 else { return }
    let checksum = CRC32C.checksum(bytes.span.extracting(BatchLayout.checksummedFrom..<bytes.count))
    for index in 0..<4 { bytes[17 + index] = UInt8(truncatingIfNeeded: checksum >> (24 - 8 * index)) }
    do throws(BatchError) {
        guard let header = try RecordBatch.verify(bytes.span) else { preconditionFailure("the length is right") }
        var buffer = ByteBuffer()
        buffer.append(bytes.span)
        let plain = try RecordBatch(buffer, header: header).decompressed(byteCountMax: outputByteCountMax)
        precondition(isWhole(plain))
        var merger = BatchMerger(recordByteCountMax: 100, codec: codec, level: 1)
        let merged = try merger.append(plain) { record, bytes in (record.offsetDelta & 1) == 0 } + merger.finish()
        for batch in merged { precondition(isWhole(batch)) }
    } catch {
        switch error {
        case .record, .compression: return
        case .magic, .length, .offset, .counts, .checksum, .codec: preconditionFailure("\(error)")
        }
    }
}
