import CLinux
import Glibc
import Testing

/// As many tails as somebody may have.
@Suite("HTTP: ten thousand tails", .serialized)
struct OpenTailTests {
    private static let wantedCount = 10_000
    /// How many files this process and the broker may have open; raises both to what the system allows.
    private static let fileCount = Int(clamping: sluice_raise_file_limit())
    /// The others of this process's tests need those below the first.
    private static let tailCount = max(0, min(wantedCount, fileCount - Int(TailCrowd.firstDescriptor)))

    private static let configuration =
        "memory: 1GiB\nlisteners: { mqtt: 127.0.0.1:0, http: 127.0.0.1:0 }\n"
        + "streams: [{ name: sensors, partitions: 1 }]\nrules: [{ from: sensors/#, stream: sensors }]\n"
        + BrokerProcess.plain

    @Test(
        "ten thousand get a record, each costs a few KiB, and half that read nothing hold up nobody",
        .enabled(
            if: tailCount >= 2000,
            "this process may have \(fileCount) files open ('ulimit -Hn'), which is not enough for 2,000 tails"))
    func crowd() throws {
        if Self.tailCount < Self.wantedCount {
            print("\(Self.tailCount) tails of \(Self.wantedCount): 'ulimit -Hn' is \(Self.fileCount)")
        }
        let broker = try BrokerProcess(Self.configuration)
        let publisher = try RawClient(port: broker.port, level: 4, id: "publisher")
        func publish(_ payload: String) {
            publisher.send(RawPacket.publish(level: 4, topic: "sensors/a", payload: payload, qos: 1))
            #expect(publisher.next() == .packet([0x40, 2, 0, 1]))
        }
        let (all, readers) = (0..<Self.tailCount, 0..<(Self.tailCount / 2))
        let before = try broker.residentBytes()
        let crowd = TailCrowd()
        for number in all {
            try crowd.open("/v1/streams/sensors/tail", port: broker.http, isSlow: !readers.contains(number))
        }
        #expect(crowd.missing("retry: 1000", all) == 0)
        publish("the first")
        #expect(crowd.missing("the first", all) == 0)
        let each = (try broker.residentBytes() - before) / Self.tailCount
        #expect(each < 24 << 10, "\(each) bytes for a tail")
        #expect(try broker.ask("GET", "/metrics").text.contains("\nsluice_tails \(Self.tailCount)\n"))

        // 400 KB for each, more than a connection's output and its socket take.
        let filler = String(repeating: "x", count: 8000)
        for number in 0..<50 {
            publish("\(filler) \(number).")
            #expect(crowd.missing(" \(number).", readers) == 0)
        }
        let held = try broker.residentBytes()
        #expect(held < 400 << 20, "\(held) bytes")
        #expect(publisher.answersPing())
    }
}
