import CommitLog
import CommitLogPosix
import Compression
import DeviceProfiles
import Foundation
import LogInterface
import PayloadFormats
import RecordFormat
import SluiceBroker
import SluiceCore
import SluiceTesting
import Testing
import TopicRouting

@testable import LogTools

@Suite("A stream as a table")
struct ExportTests {
    /// A data directory with the records of one stream, one a batch, of the milliseconds 0, 10, 20 and so on.
    private final class World {
        let root = NSTemporaryDirectory() + "sluice-export-\(UUID().uuidString)"
        private let log: LogRuntime
        private let loop: TestLoop
        private var count: Int64 = 0

        init() throws {
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            var stream = StreamSettings(name: "sensors")
            stream.policy.granuleBytesMax = 4000
            stream.policy.sealing = .none
            log = try LogRuntime(
                storage: PosixStorage(root: root), streams: [stream], settings: LogRuntimeSettings(),
                report: { _, _ in })
            loop = TestLoop(log)
        }

        deinit {
            log.stop()
            do { try FileManager.default.removeItem(atPath: root) } catch { Issue.record("\(error)") }
        }

        func publish(_ topic: String, _ payload: [UInt8]) {
            var builder = RecordBatchBuilder()
            let key = RecordFields.key(Array("k".utf8))
            let headers = RecordFields.headers([RecordHeader(name: TopicHeader.name, value: Array(topic.utf8))])
            builder.append(
                at: Timestamp(rawValue: count * 10), keyField: key.span, value: payload.span, headersField: headers.span
            )
            count += 1
            let append = Append(
                partition: log.streams[0].partitions[0], batch: builder.finish(), isAwaited: true, topicHashes: nil)
            #expect(loop.settle(log.append([append], from: loop.id)) == .stored)
        }

        func publish(_ topic: String, _ payload: String) { publish(topic, Array(payload.utf8)) }

        /// The lines of an export.
        func export(
            _ format: ExportFormat, filter: String = "#", from: ReplayPosition = .earliest,
            until: ReplayPosition? = nil, profiles: ProfileSet = ProfileSet()
        ) throws -> [String] {
            let lines = Lines()
            let request = StreamExport.Request(
                stream: "sensors", filter: Array(filter.utf8), from: from, until: until, format: format,
                profiles: profiles)
            let export = StreamExport(try InspectedPlace(root), request, to: lines)
            try export.run()
            #expect(export.findings.isEmpty)
            return lines.lines
        }
    }

    private final class Lines: LineOutput {
        var lines: [String] = []
        func line(_ text: String) { lines.append(text) }
        func flush() {}
    }

    private func profiles(_ messages: [(String, PayloadFormat, [PayloadField])]) throws -> ProfileSet {
        try ProfileSet([
            DeviceProfile(
                name: "test", stream: "sensors", key: "{topic}",
                messages: messages.map { pattern, format, fields in
                    DeviceMessage(
                        pattern: try TopicPattern(pattern),
                        schema: try PayloadSchema(format: format, fields: fields),
                        signals: Array(repeating: nil, count: fields.count))
                }, place: "test:1")
        ])
    }

    @Test("Fields of profiles are typed columns; what is not as the profile says has its reason")
    func columns() throws {
        let world = try World()
        let profiles = try profiles([
            (
                "s/+/t", .json,
                [
                    PayloadField(name: "t", path: "t", type: .number, range: 0...50),
                    PayloadField(name: "n", path: "n", type: .integer),
                    PayloadField(name: "ok", path: "ok", type: .boolean),
                    PayloadField(name: "at", path: "at", type: .time(.microseconds)),
                    PayloadField(name: "text", path: "x.y", type: .text),
                ]
            ), ("s/+/raw", .number, [PayloadField(name: "t", path: "", type: .number)]),
        ])
        world.publish("s/1/t", #"{"t":21.5,"n":7,"ok":true,"at":1500,"x":{"y":"a,\"b\"\n"}}"#)
        world.publish("s/1/t", #"{"t":99}"#)
        world.publish("s/1/raw", " 4.5")
        world.publish("s/1/other", "x")
        world.publish("s/1/t", #"{"x":{"y":""},"t":null}"#)
        #expect(
            try world.export(.csv, profiles: profiles) == [
                "_partition,_offset,_time,_topic,_key,t,n,ok,at,text,_fault",
                #"0,0,1970-01-01T00:00:00.000Z,s/1/t,k,21.5,7,true,1970-01-01T00:00:00.001500000Z,"a,""b"""# + "\n\",",
                "0,1,1970-01-01T00:00:00.010Z,s/1/t,k,,,,,,out-of-range",
                "0,2,1970-01-01T00:00:00.020Z,s/1/raw,k,4.5,,,,,", "0,3,1970-01-01T00:00:00.030Z,s/1/other,k,,,,,,",
                "0,4,1970-01-01T00:00:00.040Z,s/1/t,k,,,,,\"\",",
            ])
        #expect(
            try world.export(.ndjson, filter: "s/+/raw", profiles: profiles) == [
                #"{"_partition":0,"_offset":2,"_time":"1970-01-01T00:00:00.020Z","_topic":"s/1/raw","_key":"k","#
                    + #""t":4.5,"n":null,"ok":null,"at":null,"text":null,"_fault":null}"#
            ])
    }

    @Test("Without fields there is the payload, as text or as base64")
    func payloads() throws {
        let world = try World()
        world.publish("a", "plain")
        world.publish("a", [0xFF, 0x00])
        #expect(
            try world.export(.csv) == [
                "_partition,_offset,_time,_topic,_key,_payload,_encoding",
                "0,0,1970-01-01T00:00:00.000Z,a,k,plain,", "0,1,1970-01-01T00:00:00.010Z,a,k,/wA=,base64",
            ])
    }

    @Test("What is written lies between the positions, by time and by offset, in segments and in the journal")
    func bounds() throws {
        let world = try World()
        for number in 0..<200 { world.publish("a/\(number % 2)", "\(number)") }
        func offsets(
            _ from: ReplayPosition, _ until: ReplayPosition? = nil, filter: String = "#"
        ) throws -> [Int] {
            try world.export(.ndjson, filter: filter, from: from, until: until).map { line in
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                return try #require(object?["_offset"] as? Int)
            }
        }
        func time(_ milliseconds: Int64) -> ReplayPosition { .time(Timestamp(rawValue: milliseconds)) }
        func offset(_ offset: Int64) -> ReplayPosition { .offset(partition: 0, Offset(rawValue: offset)) }
        #expect(try offsets(.earliest) == Array(0..<200))
        #expect(try offsets(time(500), time(600)) == Array(50..<60))
        #expect(try offsets(time(501), time(601)) == Array(51..<61))
        #expect(try offsets(time(1985)) == [199])
        #expect(try offsets(time(5000)) == [])
        #expect(try offsets(offset(195)) == Array(195..<200))
        #expect(try offsets(offset(3), offset(6)) == Array(3..<6))
        #expect(try offsets(.latest) == [])
        #expect(try offsets(time(500), time(600), filter: "a/1") == [51, 53, 55, 57, 59])
        #expect(throws: ToolFault.self) { try offsets(.offset(partition: 1, .zero)) }
    }

    @Test("Sparkplug's aliases mean what the birth in force says, wherever an export begins")
    func births() throws {
        let world = try World()
        /// A metric with a name and an alias, of type Int32.
        func metric(_ name: String, _ alias: UInt8, _ value: UInt8) -> [UInt8] {
            let body = [0x0A, UInt8(name.utf8.count)] + Array(name.utf8) + [0x10, alias, 0x20, 3, 0x50, value]
            return [0x12, UInt8(body.count)] + body
        }
        func reading(_ alias: UInt8, _ value: UInt8) -> [UInt8] { [0x12, 4, 0x10, alias, 0x50, value] }
        let profiles = try profiles([
            (
                "spBv1.0/{g}/NDATA/{n}", .sparkplug,
                [
                    PayloadField(name: "temperature", path: "Temperature", type: .number),
                    PayloadField(name: "pressure", path: "Pressure", type: .number),
                ]
            ), ("spBv1.0/{g}/DDATA/{n}/{d}", .sparkplug, [PayloadField(name: "level", path: "Level", type: .number)]),
        ])
        world.publish("spBv1.0/g/NBIRTH/n", metric("Temperature", 1, 0) + metric("Pressure", 2, 0))
        world.publish("spBv1.0/g/NBIRTH/m", metric("Pressure", 1, 0))
        world.publish("spBv1.0/g/DBIRTH/n/d", metric("Level", 3, 0))
        for number: UInt8 in 0..<60 { world.publish("spBv1.0/g/NDATA/n", reading(1, number)) }
        world.publish("spBv1.0/g/NDATA/m", reading(1, 77))  // 63
        world.publish("spBv1.0/g/DDATA/n/d", reading(3, 9))  // 64
        world.publish("spBv1.0/g/NBIRTH/n", metric("Temperature", 2, 0) + metric("Pressure", 1, 0))  // 65
        world.publish("spBv1.0/g/NDATA/n", reading(1, 88))  // 66
        world.publish("spBv1.0/g/DDATA/n/d", reading(3, 9))  // 67: the node was born again, and its device was not
        func export(_ from: Int64, filter: String = "#") throws -> [String] {
            let lines = try world.export(
                .csv, filter: filter, from: .offset(partition: 0, Offset(rawValue: from)), profiles: profiles)
            // From the offset, the fields: temperature, pressure, level, fault.
            return lines.dropFirst().map { line in
                let cells = line.split(separator: ",", omittingEmptySubsequences: false)
                return ([cells[1]] + cells[5...]).joined(separator: ",")
            }
        }
        let tail = ["63,,77.0,,", "64,,,9.0,", "65,,,,", "66,,88.0,,", "67,,,,unknown-alias"]
        #expect(try export(0).suffix(6) == ["62,59.0,,,"] + tail)
        #expect(try export(50).first == "50,47.0,,,")
        #expect(try export(62) == ["62,59.0,,,"] + tail)
        #expect(try export(64) == Array(tail[1...]))
        #expect(try export(66) == Array(tail[3...]))
        // Births that the filter leaves out count.
        #expect(
            try export(60, filter: "spBv1.0/+/NDATA/#") == ["60,57.0,,,", "61,58.0,,,", "62,59.0,,,", tail[0], tail[3]])
    }
}
