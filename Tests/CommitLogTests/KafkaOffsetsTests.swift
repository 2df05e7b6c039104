import CommitLog
import CommitLogPosix
import Foundation
import GroupCoordination
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@Suite("Kafka's own tool on the offsets of groups", .serialized)
struct KafkaOffsetsTests {
    @Test(
        "kafka-dump-log --offsets-decoder reads what groups have committed",
        .enabled(if: Kafka.isPresent, "needs ../shared/kafka or SLUICE_KAFKA_HOME, and java"))
    func decodes() throws {
        let directory = try TemporaryDirectory()
        let partition = StreamPartition(stream: "sensors", number: 3)
        let committed = CommittedOffset(
            offset: Offset(rawValue: 1200), metadata: "m", committedAt: Timestamp(rawValue: 1_800_000_000_000))
        let member = GroupMetadata.Member(
            memberID: "w1", clientID: "w1", host: "127.0.0.1", partitions: [partition])
        let metadata = GroupMetadata(
            generation: 7, assignor: "sticky", changedAt: Timestamp(rawValue: 1_800_000_000_000), members: [member])
        try Self.write(
            [.offset(group: "g", partition, committed), .metadata(group: "g", metadata)], to: directory.path)
        let file = "\(directory.path)/streams/\(GroupRecord.stream)-0/00000000000000000000.log"
        let dump = try Kafka.run(["dump-log", "--offsets-decoder", "--files", file])
        #expect(dump.status == 0)
        for part in [
            #""group":"g","topic":"sensors","partition":3"#, #""offset":1200,"leaderEpoch":-1,"metadata":"m""#,
            #""generation":7,"protocol":"sticky","leader":"w1""#, #""memberId":"w1""#,
        ] {
            #expect(dump.output.contains(part), "\(part) in \(dump.output)")
        }
    }

    private static func write(_ records: [GroupRecord], to path: String) throws {
        let log = try LogRuntime(
            storage: PosixStorage(root: path), streams: [StreamSettings(name: GroupRecord.stream)],
            settings: LogRuntimeSettings(), report: { _, _ in })
        var builder = RecordBatchBuilder()
        let headers = RecordFields.headers([])
        for record in records {
            let key = RecordFields.key(record.key)
            let value = record.value ?? []
            builder.append(
                at: Timestamp(rawValue: 1), keyField: key.span, value: value.span, headersField: headers.span)
        }
        let append = Append(
            partition: log.streams[0].partitions[0], batch: builder.finish(), isAwaited: true, topicHashes: nil)
        let loop = TestLoop(log)
        guard loop.settle(log.append([append], from: loop.id)) == .stored else { throw CocoaError(.fileWriteUnknown) }
        log.stop()
    }
}
