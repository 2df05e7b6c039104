import CommitLog
import RecordFormat
import SluiceCore

/// A segment's `.log` file, read batch by batch without trusting a byte of it.
struct SegmentFile {
    let storage: any Storage
    let path: String

    /// What stands at a place in the file.
    enum Item {
        /// A whole batch with a right checksum.
        case batch(BatchHeader)
        /// Bytes that are none; `isLast` when no batch follows them.
        case damage(byteCount: Int64, reason: String, isLast: Bool)
    }

    private enum Look {
        case batch(BatchHeader)
        case incomplete
        case bad(String)
    }

    private static let chunkByteCount = 4 << 20
    /// Larger than any packet that the configuration allows, with its batch around it.
    static let batchByteCountMax = 300 << 20

    /// Calls `body` with each item, its position, and its bytes (none for damage), from the batch at `start` on.
    /// - Returns: the bytes looked at.
    func forEach(from start: Int64 = 0, _ body: (Item, Int64, Span<UInt8>) throws -> Void) throws -> Int64 {
        let file = try storage.open(path, creating: false)
        defer { storage.close(file) }
        // What a running broker appends from here on is not looked at.
        let end = try storage.byteCount(file)
        var position = start
        var wanted = Self.chunkByteCount
        while position < end {
            let bytes = try storage.bytes(file, at: position, count: Int(min(Int64(wanted), end - position)))
            guard !bytes.isEmpty else { break }
            let isLast = position + Int64(bytes.count) >= end
            let taken = try take(bytes.span, at: position, isLast: isLast, body)
            position += Int64(taken)
            wanted = taken == 0 ? wanted * 2 : Self.chunkByteCount
        }
        return end
    }

    /// Takes items off the front of a chunk.
    /// - Returns: the bytes taken; the rest belongs to a batch that is not whole in the chunk.
    private func take(
        _ bytes: Span<UInt8>, at position: Int64, isLast: Bool, _ body: (Item, Int64, Span<UInt8>) throws -> Void
    ) throws -> Int {
        var index = 0
        while index < bytes.count {
            let rest = bytes.extracting(index..<bytes.count)
            let reason: String
            switch look(rest) {
            case .batch(let header):
                try body(.batch(header), position + Int64(index), rest.extracting(0..<header.byteCount))
                index += header.byteCount
                continue
            case .incomplete:
                if !isLast { return index }
                reason = "not a whole batch"
            case .bad(let text): reason = text
            }
            let next = nextBatch(rest)
            // The end of a chunk may hold the start of a batch that the next one shows whole.
            let skipped = next ?? (isLast ? rest.count : max(1, rest.count - BatchLayout.headerByteCount))
            let damage = Item.damage(byteCount: Int64(skipped), reason: reason, isLast: next == nil && isLast)
            try body(damage, position + Int64(index), Span())
            index += skipped
            if next == nil { return index }
        }
        return index
    }

    /// The index of the next whole batch behind the first byte.
    /// - Complexity: O(n), plus a checksum for each place that looks like a header.
    private func nextBatch(_ bytes: Span<UInt8>) -> Int? {
        for index in 1..<max(1, bytes.count - BatchLayout.headerByteCount + 1) {
            // Magic 2, and an offset and a length whose first bytes are zero in any file that was written here.
            guard bytes[index + 16] == 2, bytes[index] == 0, bytes[index + 8] == 0 else { continue }
            if case .batch = look(bytes.extracting(index..<bytes.count)) { return index }
        }
        return nil
    }

    private func look(_ bytes: Span<UInt8>) -> Look {
        do throws(BatchError) {
            if let header = try RecordBatch.verify(bytes) { return .batch(header) }
            guard let header = try BatchHeader(bytes), header.byteCount > Self.batchByteCountMax else {
                return .incomplete
            }
            return .bad("a length of \(header.byteCount) bytes")
        } catch {
            return .bad(error.text)
        }
    }
}

extension RecordBatch {
    /// The batch in verified `bytes`, with its records uncompressed.
    static func plain(_ header: BatchHeader, _ bytes: Span<UInt8>) throws(BatchError) -> RecordBatch {
        var buffer = ByteBuffer(capacity: header.byteCount)
        buffer.append(bytes)
        return try RecordBatch(buffer, header: header).decompressed(byteCountMax: SegmentFile.batchByteCountMax)
    }
}

extension BatchHeader {
    /// What the records are compressed with, for people.
    var codecName: String {
        do throws(BatchError) { return "\(try codec)" } catch { return "unknown" }
    }
}

extension BatchError {
    /// What is wrong, in a few words.
    var text: String {
        switch self {
        case .magic(let magic): "format \(magic) in place of 2"
        case .length(let length): "a length of \(length)"
        case .offset(let offset): "a base offset of \(offset)"
        case .counts(let records, let delta): "\(records) records in \(delta + 1) offsets"
        case .checksum(let stored, let computed):
            "checksum \(String(computed, radix: 16)) in place of \(String(stored, radix: 16))"
        case .record(let number, let position): "record \(number) at byte \(position) of its batch does not decode"
        case .codec(let number): "codec \(number), which is none"
        case .compression(let error): "records that do not decompress: \(error)"
        }
    }
}
