import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

/// What an engine must do with orders to erase: one suite, run against all of them.
@Suite("The contract of a log's erasures")
struct ErasureContractTests {
    /// A batch with a record for each key, which is its value too.
    private static func batch(_ keys: [String]) -> RecordBatch {
        var builder = RecordBatchBuilder()
        for key in keys {
            let (field, value) = (RecordFields.key(Array(key.utf8)), Array(key.utf8))
            let headers = RecordFields.headers([
                RecordHeader(name: TopicHeader.name, value: Array("fleet/\(key)".utf8))
            ])
            builder.append(
                at: Timestamp(rawValue: 1), keyField: field.span, value: value.span, headersField: headers.span)
        }
        return builder.finish()
    }

    private static func order(_ world: EngineWorld, _ key: String, isDryRun: Bool = false) throws -> ErasureOrder {
        let ends = world.engine.endOffsets()
        let targets = try (0..<2).map { number in
            let partition = try world.partition("first", number)
            return ErasureOrder.Target(partition, before: ends[partition.index], noting: .topics) { field, _ in
                field.count == key.utf8.count && field[0] == key.utf8.first
            }
        }
        return ErasureOrder(targets, isDryRun: isDryRun)
    }

    /// The keys and offsets of a partition, from memory or from files.
    private static func records(_ world: EngineWorld, _ partition: PartitionID) throws -> [String] {
        var (offset, records): (Offset, [String]) = (.zero, [])
        let inflater = BatchInflater()
        let end = world.engine.bounds(partition).highWatermark
        while offset < end {
            let read =
                world.engine.readTail(
                    partition, from: offset, visibility: .durable, loop: world.loop.id, byteCountMax: 2000)
                ?? world.loop.fetch(partition, from: offset, byteCountMax: 2000)
            for stored in read.batches {
                let batch = try inflater.plain(stored)
                var reader = RecordReader(batch)
                while let record = try reader.next(batch.bytes) {
                    let at = batch.baseOffset.advanced(by: record.offsetDelta)
                    guard at >= offset, let key = record.key else { continue }
                    records.append("\(at.rawValue) \(String(decoding: key.copy(from: batch.bytes), as: UTF8.self))")
                }
            }
            offset = max(offset, read.nextOffset)
        }
        return records
    }

    @Test(
        "counts a key's records and topics, then takes them from every reader, and leaves the others",
        arguments: EngineKind.allCases)
    func erases(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind)
        let partitions = try (0..<2).map { try world.partition("first", $0) }
        for partition in partitions {
            for _ in 0..<100 {
                let append = EngineWorld.append(Self.batch(["gone", "kept", "gone"]), to: partition)
                #expect(world.loop.settle(world.loop.append([append]).ticket) == .stored)
            }
        }
        let before = try partitions.map { try Self.records(world, $0) }
        let counted = world.loop.erase(try Self.order(world, "gone", isDryRun: true))
        #expect(counted.fault == nil)
        #expect(partitions.allSatisfy { counted.tallies[$0]?.recordCount == 200 })
        #expect(counted.names.keys.map { String(decoding: $0, as: UTF8.self) } == ["fleet/gone"])
        #expect(try partitions.map { try Self.records(world, $0) } == before)
        let order = try Self.order(world, "gone")
        let late = EngineWorld.append(Self.batch(["gone"]), to: partitions[0])
        #expect(world.loop.settle(world.loop.append([late]).ticket) == .stored)
        let erased = world.loop.erase(order)
        #expect(erased.fault == nil && erased.damagedCount == 0)
        #expect(partitions.allSatisfy { erased.tallies[$0]?.recordCount == 200 })
        let kept = before.map { $0.filter { $0.hasSuffix(" kept") } }
        #expect(try Self.records(world, partitions[0]) == kept[0] + ["300 gone"])
        #expect(try Self.records(world, partitions[1]) == kept[1])
        #expect(world.engine.endOffsets()[partitions[0].index].rawValue == 301)
        // Nothing is in the way of what comes.
        let next = EngineWorld.append(Self.batch(["kept"]), to: partitions[1])
        #expect(world.loop.settle(world.loop.append([next]).ticket) == .stored)
        #expect(try Self.records(world, partitions[1]) == kept[1] + ["300 kept"])
    }
}
