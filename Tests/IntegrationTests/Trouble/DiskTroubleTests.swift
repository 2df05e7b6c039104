import Foundation
import Glibc
import Testing

/// A file system in memory that is soon full.
final class SmallDisk {
    let path: String

    struct MountError: Error { let text: String }

    /// Whether this process may mount: root, and not in a sandbox.
    static let isAvailable: Bool = {
        do {
            let directory = try TemporaryDirectory()
            _ = try SmallDisk(at: directory.path + "/probe", mebibytes: 1)
            return true
        } catch {
            return false
        }
    }()

    init(at path: String, mebibytes: Int) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let result = try Program.run(["mount", "-t", "tmpfs", "-o", "size=\(mebibytes)m", "none", path])
        guard result.code == 0 else { throw MountError(text: result.errors) }
    }

    deinit { umount2(path, Int32(MNT_DETACH)) }

    /// Takes `byteCount` bytes, as far as there are so many.
    func fill(_ name: String, _ byteCount: Int) {
        let file = open(path + "/" + name, O_WRONLY | O_CREAT, 0o600)
        defer { close(file) }
        let chunk = [UInt8](repeating: 0, count: 64 << 10)
        var left = byteCount
        while left > 0 {
            let count = write(file, chunk, min(left, chunk.count))
            guard count > 0 else { return }
            left -= count
        }
    }

    func remove(_ name: String) { unlink(path + "/" + name) }
}

@Suite("Disks that are full, slow or broken")
struct DiskTroubleTests {
    private static let small = """
        journal:
          file_size: 1MiB
        log:
          tail_memory: 1MiB
          segment_size: 1MiB
          reserve: 24MiB

        """

    /// Publishes numbered payloads at QoS 1 until the broker refuses one.
    /// - Returns: the numbers that it acknowledged.
    private func publishUntilRefused(_ client: MosquittoClient, from first: Int) throws -> [Int] {
        let padding = String(repeating: "x", count: 20_000)
        for number in first..<first + 20_000 {
            let code = try client.waitForAcknowledgement(
                try client.publish("full", "\(number) \(padding)", qos: 1))
            if code != 0 {
                #expect(code == 0x97)
                return Array(first..<number)
            }
        }
        throw MosquittoClient.Failure(text: "nothing was refused")
    }

    private func stored(_ broker: BrokerProcess) throws -> [Int] {
        let result = try broker.sluice(["consume", "mqtt", "--json"])
        #expect(result.code == 0, "\(result.errors)")
        return try result.lines.map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            let payload = try #require(object?["payload"] as? String)
            return try #require(Int(payload.prefix { $0 != " " }))
        }
    }

    /// What every refusal looks like on the wire.
    private func checkRefusals(_ broker: BrokerProcess) throws {
        let old = try RawClient(port: broker.port, level: 4, id: "old")
        old.send(RawPacket.publish(level: 4, topic: "full", payload: "-1", qos: 1))
        #expect(old.next() == .closed)
        let exact = try RawClient(port: broker.port, level: 5, id: "exact")
        exact.send(RawPacket.publish(level: 5, topic: "full", payload: "-1", qos: 2, id: 7))
        guard case .packet(let pubrec) = exact.next() else {
            Issue.record("no PUBREC")
            return
        }
        #expect(pubrec.starts(with: [0x50]) && pubrec[2...4].elementsEqual([0, 7, 0x97]), "\(pubrec)")
        #expect(exact.answersPing())
    }

    @Test(
        "a full disk: 0x97, no acknowledgement in 3.1.1, readers served, and on again when space returns",
        .enabled(if: SmallDisk.isAvailable, "needs the right to mount a tmpfs"))
    func full() throws {
        let directory = try TemporaryDirectory()
        let disk = try SmallDisk(at: directory.path + "/data", mebibytes: 144)
        // What comes back is enough for the reserve and a quarter more.
        for round in 0..<2 { disk.fill("filler\(round)", 44 << 20) }
        var broker = try BrokerProcess(Self.small, directory: directory)
        var acknowledged: [Int] = []
        for round in 0..<2 {
            let client = try MosquittoClient(id: "publisher", version: 5)
            try client.connect(port: broker.port)
            acknowledged += try publishUntilRefused(client, from: round * 100_000)
            #expect(broker.logs("publishes are refused"))
            try checkRefusals(broker)
            #expect(Set(acknowledged).subtracting(try stored(broker)).isEmpty)
            if round == 1 {
                // A full disk also opens: what was taken has gone to its segments, out of the reserve.
                broker.crash()
                broker = try broker.restarted(Self.small)
                #expect(!broker.log.contains { $0.contains("damage") }, "\(broker.log)")
                #expect(Set(acknowledged).subtracting(try stored(broker)).isEmpty)
            }
            disk.remove("filler\(round)")
            #expect(round == 1 || broker.logs("space has returned"))
            let next = try MosquittoClient(id: "next", version: 5)
            try next.connect(port: broker.port)
            let number = round * 100_000 + 50_000
            var code = 0x97
            let deadline = Deadline(120)
            while code == 0x97, !deadline.isOver {
                code = try next.waitForAcknowledgement(try next.publish("full", "\(number)", qos: 1))
            }
            #expect(code == 0)
            acknowledged.append(number)
        }
        #expect(broker.stop() == 0)
        let verify = try Program.sluice(["log", "verify", broker.data])
        #expect(verify.code == 0, "\(verify)")
        let values = try OfflineLog.values(broker.data, stream: "mqtt").compactMap { Int($0.prefix { $0 != " " }) }
        #expect(values == values.sorted() && Set(values).count == values.count)
        #expect(Set(acknowledged).subtracting(values).isEmpty)
        #expect(!values.contains(-1))
    }

    /// Runs a broker whose system calls fail as strace makes them.
    /// - Parameter calls: the file that gets them.
    private func injected(_ rules: String..., calls: String = "/dev/null") throws -> BrokerProcess {
        let arguments = rules.flatMap { ["-e", "inject=\($0)"] }
        return try BrokerProcess(
            Self.small,
            wrapper: ["strace", "-f", "-e", "trace=fdatasync,fsync,pwritev,pwrite64", "-o", calls]
                + arguments)
    }

    @Test(
        "EIO of a sync, of a file or a directory, poisons: no acknowledgement any more, and none lost",
        .enabled(if: Program.isInstalled("strace"), "strace is not installed"),
        arguments: ["fdatasync:error=EIO:when=60+", "fdatasync:error=EIO:when=60", "fsync:error=EIO:when=29"])
    func failingSync(rule: String) throws {
        let broker = try injected(rule)
        let client = try MosquittoClient(id: "publisher", version: 5)
        try client.connect(port: broker.port)
        let padding = String(repeating: "x", count: 20_000)
        var acknowledged: [Int] = []
        for number in 0..<5000 {
            let id = try client.publish("t", "\(number) \(padding)", qos: 1)
            guard !broker.log.contains(where: { $0.contains("poisoned") }) else { break }
            do {
                guard try client.waitForAcknowledgement(id) == 0 else { break }
            } catch {
                break
            }
            acknowledged.append(number)
        }
        #expect(acknowledged.count > 20 && acknowledged.count < 5000)
        #expect(broker.logs("the log is poisoned and acknowledges nothing any more"), "\(broker.log)")
        let late = try RawClient(port: broker.port, level: 5, id: "late")
        late.send(RawPacket.publish(level: 5, topic: "t", payload: "late", qos: 1, id: 9))
        var puback: [UInt8] = []
        if case .packet(let packet) = late.next() { puback = packet }
        #expect(puback.first == 0x40 && puback.count > 4 && puback[4] >= 0x80, "\(puback)")
        // What was acknowledged is read on, also by a client that has asked for something with a publish.
        let consumed = try broker.sluice(["consume", "mqtt", "--limit", "20", "--json"])
        #expect(consumed.lines.count == 20, "\(consumed.errors)")
        broker.crash()
        let next = try broker.restarted(Self.small)
        let values = Set(try stored(next))
        #expect(values.isSuperset(of: acknowledged))
        #expect(next.stop() == 0)
    }

    @Test(
        "consume waits for what a slow device has not taken yet",
        .enabled(if: Program.isInstalled("strace"), "strace is not installed"))
    func slowConsumption() throws {
        let broker = try injected("fdatasync:delay_exit=4000000:when=1")
        #expect(try broker.sluice(["publish", "t", "-m", "late", "-q", "0"]).code == 0)
        let consumed = try broker.sluice(["consume", "mqtt", "--json"])
        #expect(consumed.lines.count == 1 && consumed.errors.isEmpty, "\(consumed)")
        #expect(broker.stop() == 0)
    }

    @Test(
        "EDQUOT refuses and passes; a slow device holds nobody up for longer than a few syncs",
        .enabled(if: Program.isInstalled("strace"), "strace is not installed"))
    func quotaAndSlowness() throws {
        // Five seconds of tries, so that a publish meets them also when this test is held up.
        let world = try TemporaryDirectory()
        let broker = try injected(
            "pwritev:error=EDQUOT:when=20..70", "fdatasync:delay_exit=100000", calls: world.path + "/calls")
        let client = try MosquittoClient(id: "publisher", version: 5)
        try client.connect(port: broker.port)
        var refusedCount = 0
        var acknowledged: [Int] = []
        let deadline = Deadline(300)
        var number = 0
        while !deadline.isOver, refusedCount == 0 || acknowledged.count < 1000 {
            // A hundred at a time, which share their syncs.
            let ids = try (number..<number + 100).map { number in
                (number, try client.publish("t", "\(number) " + String(repeating: "x", count: 2000), qos: 1))
            }
            number += 100
            for (number, id) in ids {
                let code = try client.waitForAcknowledgement(id)
                if code == 0 { acknowledged.append(number) } else { refusedCount += 1 }
                #expect(code == 0 || code == 0x97)
            }
        }
        #expect(acknowledged.count >= 1000)
        #expect(refusedCount > 0)
        #expect(broker.logs("publishes are refused"))
        #expect(broker.logs("space has returned"))
        #expect(Set(acknowledged).subtracting(try stored(broker)).isEmpty)
        #expect(broker.stop() == 0)
        let calls = try String(contentsOfFile: world.path + "/calls", encoding: .utf8)
        let syncCount = calls.split(separator: "\n").count { $0.contains("fdatasync(") }
        #expect(syncCount < acknowledged.count / 5, "\(syncCount) for \(acknowledged.count)")
    }
}
