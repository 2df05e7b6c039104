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
