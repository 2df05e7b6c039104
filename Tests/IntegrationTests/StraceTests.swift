import Foundation
import Testing

@Suite("The order of system calls")
struct StraceTests {
    @Test(
        "the journal's fdatasync returns before the PUBACK is sent",
        .enabled(if: Program.isInstalled("strace"), "strace is not installed"))
    func syncsBeforePuback() throws {
        let directory = try TemporaryDirectory()
        let trace = directory.path + "/trace"
        let calls = "trace=fdatasync,fsync,pwrite64,pwritev,pwritev2,sendto,sendmsg,write,writev"
        let broker = try BrokerProcess(wrapper: ["strace", "-f", "-y", "-s", "8192", "-e", calls, "-o", trace])
        let client = try RawClient(port: broker.port, level: 4, id: "traced")
        client.send(RawPacket.publish(level: 4, topic: "proof", payload: "in-the-journal", qos: 1, id: 0x5150))
        #expect(client.next() == .packet([0x40, 2, 0x51, 0x50]))
        #expect(broker.stop() == 0)
        let record = SystemCall.read(try String(contentsOfFile: trace, encoding: .utf8))
        // As strace writes the four bytes of the PUBACK.
        let puback = try #require(record.first { $0.text.contains(#""@\2QP""#) })
        let journal = record.filter { $0.text.contains(".wal>") }
        // The write with the message, not one with what the session or its presence left.
        let write = try #require(journal.first { $0.text.contains("pwrite") && $0.text.contains("in-the-journal") })
        let sync = try #require(journal.first { $0.text.contains("fdatasync(") && $0.start > write.end })
        #expect(sync.text.hasSuffix("= 0"))
        #expect(sync.end < puback.start, "\(sync) \(puback)")
    }

    @Test(
        "a stream's catalogue and directories are on the device before who made it hears so, and who deletes it",
        .enabled(if: Program.isInstalled("strace"), "strace is not installed"))
    func syncsStreams() throws {
        let directory = try TemporaryDirectory()
        let trace = directory.path + "/trace"
        let calls =
            "trace=fdatasync,fsync,rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat,rmdir,"
            + "sendto,sendmsg,write,writev"
        let broker = try BrokerProcess(wrapper: ["strace", "-f", "-y", "-s", "8192", "-e", calls, "-o", trace])
        #expect(try broker.sluice(["streams", "create", "traced"]).code == 0)
        #expect(try broker.sluice(["streams", "delete", "traced"]).code == 0)
        let partition = broker.data + "/streams/traced-0"
        #expect(broker.process.wait { !FileManager.default.fileExists(atPath: partition) })
        #expect(broker.stop() == 0)
        let record = SystemCall.read(try String(contentsOfFile: trace, encoding: .utf8))

        /// The first call that has all of these words, and begins when `call` has returned.
        func next(_ words: String..., after call: SystemCall?) throws -> SystemCall {
            let found = record.first { candidate in
                candidate.start > call?.end ?? -1 && words.allSatisfy { candidate.text.contains($0) }
            }
            let first = try #require(found, "\(words) after \(call?.text ?? "the start")")
            #expect(first.text.hasSuffix("= 0") || first.text.contains("write") || first.text.contains("send"))
            return first
        }
        let made = try next("mkdir", "/streams/traced-0\"", after: nil)
        // The catalogue that names it came before, and its name was on the device.
        let named = try #require(
            record.last { $0.end < made.start && $0.text.contains("rename") && $0.text.contains("/meta/catalogue\"") })
        #expect(try next("fsync(", "/meta>", after: named).end < made.start)
        let files = try next("fsync(", "/streams/traced-0>", after: made)
        let answer = try next(#"done\":true"#, after: made)
        #expect(files.end < answer.start)
        #expect(try next("fsync(", "/streams>", after: made).end < answer.start)

        let unnamed = try next("rename", "/meta/catalogue\"", after: answer)
        let stored = try next("fsync(", "/meta>", after: unnamed)
        #expect(stored.end < (try next(#"done\":true"#, after: answer)).start)
        let removed = try next("rmdir", "/streams/traced-0\"", after: stored)
        _ = try next("fsync(", "/streams>", after: removed)
    }
}

/// A call in strace's record, from the line where it begins to the line where it returns.
struct SystemCall {
    var text: String
    var start: Int
    var end: Int

    static func read(_ record: String) -> [SystemCall] {
        var calls: [SystemCall] = []
        var unfinished: [Substring: Int] = [:]
        for (number, line) in record.split(separator: "\n").enumerated() {
            let thread = line.prefix { $0 != " " }
            if line.contains(" resumed>"), let index = unfinished.removeValue(forKey: thread) {
                calls[index].text += line.drop { $0 != ">" }
                calls[index].end = number
            } else {
                let isUnfinished = line.hasSuffix("<unfinished ...>")
                if isUnfinished { unfinished[thread] = calls.count }
                calls.append(SystemCall(text: String(line), start: number, end: isUnfinished ? .max : number))
            }
        }
        return calls
    }
}
