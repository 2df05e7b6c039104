import CLinux
import CommitLog
import Glibc

/// Writes whole blocks past the page cache, out of one aligned staging buffer.
///
/// A write into new pages of the cache costs 0.3 to 3 ns a byte on the machines measured, most of it for the pages; the
/// same bytes with O_DIRECT cost 0.05 to 0.1 (ADR 0002). The caller writes what is before the first and behind the last
/// whole block through the cache.
/// Isolation: one file's writer at a time; the storage hands out one for each file.
// Sendable: a file has one writer at a time, which the log sees to; nothing else is shared.
final class DirectWriter: @unchecked Sendable {
    /// Bytes copied before each system call; a processor's second-level cache holds them.
    private static let stagingBytes = 1 << 20

    /// Positions and lengths are multiples of this.
    let alignment: Int
    private let descriptor: Int32
    private let staging = UnsafeMutableRawPointer.allocate(byteCount: stagingBytes, alignment: 4096)

    /// A writer of `file`; nil when its file system has no direct I/O, or wants blocks larger than 4 KiB.
    init?(file: Int32) {
        alignment = Int(sluice_direct_alignment(file))
        descriptor = alignment > 0 && alignment <= 4096 ? sluice_open_direct(file) : -1
        guard descriptor >= 0 else { return nil }
    }

    deinit {
        if descriptor >= 0 { Glibc.close(descriptor) }
        staging.deallocate()
    }

    /// Writes `count` bytes of `pieces`, from byte `skipping` of them on, at `position`; both are multiples of the
    /// alignment.
    /// - Returns: false, with errno, when the system refuses; a part may have been written.
    func write(_ pieces: [UnsafeRawBufferPointer], skipping: Int, count: Int, at position: Int64) -> Bool {
        var cursor = PieceCursor(pieces, skipping: skipping)
        var done = 0
        while done < count {
            let chunk = min(Self.stagingBytes, count - done)
            cursor.copy(chunk, to: staging)
            var written = 0
            while written < chunk {
                let result = pwrite(
                    descriptor, staging + written, chunk - written, off_t(position) + off_t(done + written))
                if result < 0 {
                    if errno == EINTR { continue }
                    return false
                }
                // A short write of direct I/O ends at a block.
                written += result
            }
            done += chunk
        }
        return true
    }
}

/// A place in a list of pieces.
struct PieceCursor {
    private let pieces: [UnsafeRawBufferPointer]
    private var index = 0
    private var offset = 0

    init(_ pieces: [UnsafeRawBufferPointer], skipping: Int) {
        self.pieces = pieces
        advance(skipping)
    }

    private mutating func advance(_ count: Int) {
        var left = count
        while left > 0 {
            let step = min(left, pieces[index].count - offset)
            left -= step
            offset += step
            if offset == pieces[index].count {
                index += 1
                offset = 0
            }
        }
    }

    /// Copies the next `count` bytes.
    mutating func copy(_ count: Int, to target: UnsafeMutableRawPointer) {
        var done = 0
        while done < count {
            let step = min(count - done, pieces[index].count - offset)
            if step > 0, let base = pieces[index].baseAddress {
                (target + done).copyMemory(from: base + offset, byteCount: step)
            }
            done += step
            advance(step)
            if step == 0 { index += 1 }
        }
    }

    /// The next `count` bytes as pieces.
    mutating func take(_ count: Int) -> [UnsafeRawBufferPointer] {
        var taken: [UnsafeRawBufferPointer] = []
        var left = count
        while left > 0 {
            let step = min(left, pieces[index].count - offset)
            if step > 0 { taken.append(UnsafeRawBufferPointer(rebasing: pieces[index][offset..<offset + step])) }
            left -= step
            advance(step)
            if step == 0 { index += 1 }
        }
        return taken
    }
}
