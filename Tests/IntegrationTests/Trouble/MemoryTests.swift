import Foundation
import Glibc
import Testing

/// A control group of this test, of whichever version the machine has.
final class ControlGroup {
    let path: String

    struct Refusal: Error {}

    /// Whether this process may make one: root, and not in a sandbox.
    static let isAvailable: Bool = {
        do {
            _ = try ControlGroup(byteCount: 64 << 20)
            return true
        } catch {
            return false
        }
    }()

    /// A group whose processes have `byteCount` bytes of memory.
    init(byteCount: Int) throws {
        let root = "/sys/fs/cgroup"
        let isUnified = FileManager.default.fileExists(atPath: root + "/cgroup.controllers")
        path = "\(root)\(isUnified ? "" : "/memory")/sluice-test-\(UUID().uuidString)"
        guard mkdir(path, 0o755) == 0 else { throw Refusal() }
        let limit = path + (isUnified ? "/memory.max" : "/memory.limit_in_bytes")
        guard let file = fopen(limit, "r+") else { throw Refusal() }
        defer { fclose(file) }
        guard fputs("\(byteCount)", file) >= 0 else { throw Refusal() }
    }

    deinit { rmdir(path) }
}

@Suite("A process with little memory")
struct MemoryTests {
    /// Clients that ask for everything and read nothing.
    private static let readerCount = 163
    private static let small = "journal:\n  file_size: 4MiB\nlog:\n  segment_size: 16MiB\n  reserve: 4MiB\n"

    /// How the memory is bounded.
    struct Bound: Sendable, CustomTestStringConvertible {
        var wrapper: [String] = []
        var setting = ""
        /// What the process may have resident; nil where the system sees to it.
        var residentMax: Int?
        var testDescription: String { (wrapper + [setting]).joined(separator: " ") }
    }

    private static let bounds = [
        Bound(wrapper: ["prlimit", "--as=\(400 << 20)"]), Bound(wrapper: ["prlimit", "--as=\(280 << 20)"]),
        Bound(setting: "memory: 128MiB\n", residentMax: 128 << 20),
    ]

    private func broker(_ bound: Bound) throws -> BrokerProcess {
        try BrokerProcess(bound.setting + Self.small, wrapper: bound.wrapper, isSameProcess: true)
    }

    /// Stores `count` messages of 200 kB, numbered.
    private func fill(_ broker: BrokerProcess, _ count: Int) throws {
        let publisher = try MosquittoClient(id: "publisher", version: 5)
        try publisher.connect(port: broker.port)
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<200_000).map { _ in UInt8.random(in: 33...126, using: &generator) }
        let padding = String(decoding: bytes, as: UTF8.self)
        for number in 0..<count {
            #expect(
                try publisher.waitForAcknowledgement(try publisher.publish("big/t", "\(number) \(padding)", qos: 1))
                    == 0)
        }
    }

    private func check(_ broker: BrokerProcess, _ bound: Bound) throws {
        #expect(broker.process.isRunning, "\(broker.log.suffix(5))")
        guard let most = bound.residentMax, ProcessInfo.processInfo.environment["SLUICE_SANITIZED"] == nil else {
            return
        }
        let resident = try broker.residentBytes()
        #expect(resident < most, "\(resident >> 20) MiB")
    }

    @Test("replays that nobody reads are bounded together, and whoever reads gets everything", arguments: bounds)
    func stuckReaders(_ bound: Bound) throws {
        let broker = try broker(bound)
        #expect(broker.logs("clients may hold"), "\(broker.log)")
        let count = 300
        try fill(broker, count)
        var stuck: [RawClient] = []
        for number in 0..<Self.readerCount {
            let client = try RawClient(port: broker.port, level: 4, id: "stuck\(number)")
            client.send(RawPacket.subscribe(level: 4, filter: "$replay/earliest/big/#", qos: 1))
            stuck.append(client)
            if number == Self.readerCount / 2 { try check(broker, bound) }
        }
        // Twice: while the others hold what they can, and when those that hold too much were closed.
        for round in 0..<2 {
            let consumed = try broker.sluice(["consume", "mqtt", "--limit", "\(count)", "--json"], within: 300)
            #expect(consumed.lines.count == count, "round \(round): \(consumed.errors)")
            try check(broker, bound)
        }
        let next = try MosquittoClient(id: "next", version: 5)
        try next.connect(port: broker.port)
        #expect(try next.waitForAcknowledgement(try next.publish("small", "x", qos: 1)) == 0)
        withExtendedLifetime(stuck) {}
        #expect(broker.stop() == 0)
    }

    @Test("packets that never become whole are bounded together, and others are served", arguments: bounds)
    func halfPackets(_ bound: Bound) throws {
        let broker = try broker(bound)
        var good = try RawClient(port: broker.port, level: 5, id: "good")
        var half: [RawClient] = []
        // 300 MiB if all were kept.
        let head: [UInt8] = [0x30, 0xF0, 0xFF, 0x7F]
        let body = [UInt8](repeating: 0x41, count: 1_900_000)
        for number in 0..<160 {
            let client = try RawClient(port: broker.port, level: 5, id: "half\(number)")
            client.send(head + [0, 1, 0x74, 0] + body)
            half.append(client)
            if number % 40 == 39 {
                #expect(good.answersPing())
                try check(broker, bound)
            }
        }
        #expect(broker.logs("there is no memory for the rest") || bound.residentMax == nil, "\(broker.log.suffix(5))")
        // While bytes of the others are still on their way, this packet may be the one that makes room for them.
        // Then it comes again, as a client's does.
        let large = RawPacket.publish(
            level: 5, topic: "t", payload: String(repeating: "x", count: 1_000_000), qos: 1, id: 7)
        var isStored = false
        for _ in 0..<100 where !isStored {
            good.send(large)
            isStored = good.next() == .packet([0x40, 2, 0, 7])
            if !isStored { good = try RawClient(port: broker.port, level: 5, id: "good") }
        }
        #expect(isStored)
        withExtendedLifetime(half) {}
        #expect(broker.stop() == 0)
    }

    @Test(
        "a control group's limit is taken for what the process may have",
        .enabled(if: ControlGroup.isAvailable, "needs the right to make a control group"))
    func controlGroup() throws {
        let group = try ControlGroup(byteCount: 200 << 20)
        let broker = try BrokerProcess(
            Self.small, wrapper: ["sh", "-c", "echo $$ > \(group.path)/cgroup.procs; exec \"$@\"", "sh"],
            isSameProcess: true)
        #expect(broker.logs("memory: 200 MiB (the control group), clients may hold 28.3 MiB"), "\(broker.log)")
        #expect(broker.stop() == 0)
    }

    @Test("a limit below what a node needs is refused at the start, with what it needs")
    func tooLittle() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("sluice.yaml", Self.small)
        let result = try Program.run([
            "prlimit", "--as=\(100 << 20)", Program.sluice, "serve", "--config", file, "--data",
            directory.path + "/data",
            "--mqtt", "127.0.0.1:0",
        ])
        #expect(
            result.code == 1 && result.errors.contains("ulimit -v allows 100 MiB of memory, and at least"),
            "\(result)")
    }
}
