import SluiceCore
import Testing

@testable import Speaking

/// A file that nobody opens.
final class NoFile: RegionFile {
    let descriptor: Int32 = -1
}

@Suite("What a socket is to be sent")
struct OutputQueueTests {
    private func buffer(_ bytes: [UInt8]) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.append(bytes.span)
        return buffer
    }

    /// Takes everything in steps of `step` bytes; bytes of a region are its offsets.
    private func take(_ queue: inout OutputQueue, step: Int) -> [UInt8] {
        var taken: [UInt8] = []
        while !queue.isEmpty {
            let count: Int
            if let region = queue.firstRegion {
                count = min(step, region.count)
                taken += (0..<count).map { UInt8(truncatingIfNeeded: region.offset + Int64($0)) }
            } else {
                count = queue.withFirstBytes { bytes in
                    taken += bytes.prefix(step)
                    return min(step, bytes.count)
                }
            }
            queue.removeFirst(count)
        }
        return taken
    }

    @Test("bytes, buffers and regions leave in the order in which they came, in pieces of any size", arguments: 1...9)
    func keepsOrder(step: Int) {
        var queue = OutputQueue()
        queue.bytes.append([1, 2, 3].span)
        queue.append(FileRegion(NoFile(), offset: 100, count: 5))
        queue.append(buffer([4, 5]))
        queue.append(buffer([6]))
        queue.bytes.append([7, 8].span)
        queue.append(FileRegion(NoFile(), offset: 200, count: 2))
        queue.append(FileRegion(NoFile(), offset: 0, count: 0))
        queue.bytes.append([9].span)
        #expect(queue.count == 16)
        let expected: [UInt8] = [1, 2, 3, 100, 101, 102, 103, 104, 4, 5, 6, 7, 8, 200, 201, 9]
        #expect(take(&queue, step: step) == expected)
        #expect(queue.count == 0)
        queue.bytes.append([1].span)
        #expect(take(&queue, step: step) == [1])
    }

    @Test("its memory is that of its buffers; regions take none, and what is sent is given back")
    func accounts() {
        var queue = OutputQueue()
        #expect(queue.heldByteCount == 0)
        queue.append(FileRegion(NoFile(), offset: 0, count: 1 << 40))
        #expect(queue.count == 1 << 40)
        #expect(queue.heldByteCount == 0)
        queue.append(buffer([UInt8](repeating: 0, count: 4096)))
        queue.bytes.append([UInt8](repeating: 0, count: 1000).span)
        #expect(queue.heldByteCount == 5096)
        queue.removeFirst(1 << 40)
        queue.removeFirst(4095)
        #expect(queue.heldByteCount == 5096)
        queue.removeFirst(1)
        #expect(queue.heldByteCount == 1000)
        queue.append(FileRegion(NoFile(), offset: 0, count: 1))
        queue.reset(keeping: 0)
        #expect(queue.isEmpty == true)
        #expect(queue.heldByteCount == 0)
    }

    @Test("buffers up to the next region are told together")
    func gathers() {
        func gathered(_ queue: borrowing OutputQueue) -> [[UInt8]] {
            var all: [[UInt8]] = []
            queue.forEachBuffer(queue.leadingBufferCount) { all.append(Array($0)) }
            return all
        }
        var queue = OutputQueue()
        #expect(gathered(queue) == [])
        queue.bytes.append([1].span)
        #expect(gathered(queue) == [[1]])
        #expect(queue.hasRegionBehindFirst == false)
        queue.append(buffer([2]))
        queue.bytes.append([3].span)
        #expect(gathered(queue) == [[1], [2], [3]])
        queue.append(FileRegion(NoFile(), offset: 0, count: 1))
        queue.bytes.append([4].span)
        #expect(gathered(queue) == [[1], [2], [3]])
        queue.removeFirst(2)
        #expect(queue.hasRegionBehindFirst == true)
        queue.removeFirst(1)
        #expect(gathered(queue) == [])
        #expect(queue.firstRegion?.count == 1)
        queue.removeFirst(1)
        #expect(gathered(queue) == [[4]])
    }
}
