import SluiceCore
import Testing

@testable import RecordFormat

@Suite("The memory of batches")
struct BatchMemoryTests {
    /// A batch of one record, whose value is `byteCount` bytes of `byte`.
    private func batch(_ builder: inout RecordBatchBuilder, _ byteCount: Int, _ byte: UInt8) -> RecordBatch {
        let (key, headers) = (RecordFields.nullKey, RecordFields.headers([]))
        let value = [UInt8](repeating: byte, count: byteCount)
        builder.append(
            at: Timestamp(rawValue: 1_700_000_000_000), keyField: key.span, value: value.span,
            headersField: headers.span)
        return builder.finish()
    }

    private func bytes(_ batch: RecordBatch) -> [UInt8] { batch.withUnsafeBytes { Array($0) } }

    @Test("batches are the same whether they share memory or not, whatever comes after them")
    func sameBytes() throws {
        var alone = RecordBatchBuilder()
        var shared = RecordBatchBuilder(in: BatchMemory())
        var kept: [(expected: [UInt8], batch: RecordBatch)] = []
        for number in 0..<2000 {
            // Every size around the bound of shared memory, small ones in between.
            let byteCount = number % 7 == 0 ? (32 << 10) - 200 + number / 5 : number
            let expected = batch(&alone, byteCount, UInt8(number % 251))
            let one = batch(&shared, byteCount, UInt8(number % 251))
            expected.assign(Offset(rawValue: Int64(number)))
            one.assign(Offset(rawValue: Int64(number)))
            kept.append((bytes(expected), one))
            // Some go early, some stay.
            if number % 3 != 0, kept.count > 40 { kept.remove(at: number % 40) }
        }
        for (expected, batch) in kept {
            #expect(bytes(batch) == expected)
            #expect(try RecordBatch.verify(batch.bytes)?.byteCount == expected.count)
        }
    }

    @Test("a slab is filled again when no batch of it is left, and not before")
    func reuses() {
        let memory = BatchMemory()
        var builder = RecordBatchBuilder(in: memory)
        let pinned = batch(&builder, 1000, 0xFF)
        let content = bytes(pinned)
        var tail = Ring<RecordBatch>()
        for number in 0..<20_000 {
            tail.append(batch(&builder, 1000, UInt8(number % 200)))
            // A megabyte stays: four slabs, the one that is filled, and the one with the batch that stays for good.
            if tail.count > 1000 { _ = tail.popFirst() }
            #expect(memory.slabCount <= 8)
        }
        #expect(bytes(pinned) == content)
    }

    @Test("what a batch is said to take, with what its slab left over, is what the slabs are")
    func accounts() {
        let memory = BatchMemory()
        var builder = RecordBatchBuilder(in: memory)
        var batches: [RecordBatch] = []
        for number in 0..<500 { batches.append(batch(&builder, 20_000 + number * 20, 1)) }
        let taken = batches.reduce(0) { $0 + $1.memoryByteCount }
        #expect(taken > (memory.slabCount - 1) * BatchMemory.slabBytes)
        #expect(taken <= memory.slabCount * BatchMemory.slabBytes)
    }

    @Test("slabs without a batch are given back, but for a few")
    func releases() {
        let memory = BatchMemory()
        var builder = RecordBatchBuilder(in: memory)
        var batches: [RecordBatch] = []
        for _ in 0..<5000 { batches.append(batch(&builder, 1000, 1)) }
        let slabCount = memory.slabCount
        #expect(slabCount > 18)
        memory.releaseIdle()
        #expect(memory.slabCount == slabCount)
        batches = []
        memory.releaseIdle()
        #expect(memory.slabCount == 5)
    }
}
