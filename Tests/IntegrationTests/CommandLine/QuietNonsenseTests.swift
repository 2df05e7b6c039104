import Foundation
import Testing

@Suite("What cannot be is said")
struct QuietNonsenseTests {
    private static let configuration = """
        streams:
          - name: s
            partitions: 4
        rules:
          - from: s/#
            stream: s
            key: same

        """ + BrokerProcess.plain

    @Test("a client before MQTT 5 only gets a code; the log and `sluice refusals` have the reason")
    func refusals() throws {
        let broker = try BrokerProcess(Self.configuration)
        for _ in 1...2 {
            let old = try broker.mosquitto("sub", ["-i", "old", "-t", "$replay/yesterday/s/#", "-W", "60"])
            #expect(old.errors.contains("denied"), "\(old)")
        }
        let modern = try broker.mosquitto(
            "sub", ["-V", "5", "-i", "new", "-t", "$stream/s", "-D", "subscribe", "user-property", "stream-ofset", "1"])
        #expect(modern.errors.contains("denied"), "\(modern)")
        #expect(broker.logs("subscription refused, 'yesterday' is no position: expected earliest"))
        let table = try broker.sluice(["refusals"])
        #expect(table.code == 0, "\(table)")
        try #require(table.lines.count == 3, "\(table)")
        #expect(table.lines[0].hasPrefix("LAST "), "\(table.output)")
        #expect(table.lines[1].contains("'stream-ofset' is no property of a replay; did you mean 'stream-offset'?"))
        #expect(
            table.lines[2].contains("$replay/yesterday/s/#") && table.lines[2].contains(" 2  old"), "\(table.output)")
        let json = try broker.sluice(["refusals", "--json"])
        let document = try #require(
            JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        let entries = try #require(document["refusals"] as? [[String: Any]])
        #expect(entries.map { $0["times"] as? Int } == [1, 2])
        #expect(entries.map { $0["client_id"] as? String } == ["new", "old"])
        #expect(document["forgotten"] as? Int == 0)
    }

    @Test("consume of a partition that is not there, or beyond its end, fails with the nearest that is")
    func consume() throws {
        let broker = try BrokerProcess(Self.configuration)
        #expect(try broker.sluice(["publish", "s/x", "-m", "1", "-n", "3"]).code == 0)
        let all = try broker.sluice(["consume", "s", "--json"])
        let line = try #require(all.lines.first)
        let record = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        let partition = try #require(record["partition"] as? Int)
        for (options, text) in [
            (["--from", "9:0"], "there is no partition 9: 's' has partitions 0 to 3"),
            (["--until", "9:0"], "there is no partition 9: 's' has partitions 0 to 3"),
            (["--from", "\(partition):999"], "the nearest is \(partition):3"),
            (["--from", "\(partition):999", "--follow"], "the nearest is \(partition):3"),
            (["--from", "2:0", "--until", "1:0"], "--from is of partition 2, --until of partition 1"),
            (["--from", "-1h", "--until", "-2h"], "--until lies before --from"),
            (["--from", "2999-01-01T00:00:00Z"], "is yet to come"),
        ] {
            let result = try broker.sluice(["consume", "s"] + options)
            #expect(result.code == 1 && result.output.isEmpty && result.errors.contains(text), "\(options) \(result)")
        }
        // The end itself is a place to wait at.
        let end = try broker.sluice(["consume", "s", "--from", "\(partition):3"])
        #expect(end.code == 0 && end.output.isEmpty, "\(end)")
        let broken = try Program.sluice(["log", "export", broker.data, "--stream", "s", "--from", "9:0"])
        #expect(broken.code == 1 && broken.errors.contains("there is no partition 9, but 0, 1, 2, 3"), "\(broken)")
    }

    @Test("every spelling of a time works in a filter, in a property and on the command line; a + is told apart")
    func times() throws {
        let broker = try BrokerProcess(Self.configuration)
        #expect(try broker.sluice(["publish", "s/x", "-m", "1"]).code == 0)
        let past = [
            "earliest", "1h", "-1h", "@-1h", "2020-01-01", "2020-01-01T00:00:00Z", "2020-01-01T02:00:00e02:00",
            "2019-12-31T19:00:00-05:00", "1577836800000000",
        ]
        for text in past {
            let replay = try broker.mosquitto("sub", ["-t", "$replay/\(text)/s/#", "-C", "1", "-W", "60"])
            #expect(replay.output == "1\n", "\(text): \(replay)")
        }
        for text in past + ["2020-01-01T02:00:00+02:00"] {
            let stream = try broker.mosquitto(
                "sub",
                [
                    "-V", "5", "-t", "$stream/s", "-D", "subscribe", "user-property", "stream-offset", text, "-C", "1",
                    "-W", "60",
                ]
            )
            #expect(stream.output == "1\n", "\(text): \(stream)")
            let consumed = try broker.sluice(["consume", "s", "--from", text, "--until", "now", "--limit", "1"])
            #expect(consumed.code == 0 && consumed.lines.count == 1, "\(text): \(consumed)")
        }
        let wrong = try RawClient(port: broker.port, level: 4, id: "plus")
        wrong.send(RawPacket.subscribe(level: 4, filter: "$replay/2020-01-01T02:00:00+02:00/s/#", qos: 0))
        #expect(wrong.next() == .closed)
        let refusals = try broker.sluice(["refusals"])
        #expect(
            refusals.output.contains("plus ") && refusals.output.contains("e02:00 stands for +02:00"), "\(refusals)")
    }

    @Test("a group is not moved to an offset that is not there; a shift stops at the ends and says so")
    func groups() throws {
        let broker = try BrokerProcess(Self.configuration)
        #expect(try broker.sluice(["publish", "s/x", "-m", "1", "-n", "3"]).code == 0)
        let member = try broker.mosquitto("sub", ["-q", "1", "-i", "w", "-t", "$share/g/$stream/s", "-E"])
        #expect(member.code == 0, "\(member)")
        let far = try broker.sluice(["groups", "reset", "g", "--to-offset", "999999999"])
        #expect(far.code == 1 && far.errors.contains("and 999999999 is not in it; the nearest is "), "\(far)")
        #expect(far.errors.contains("Nothing is changed") && far.output.isEmpty, "\(far)")
        let nowhere = try broker.sluice(["groups", "reset", "g", "--to-earliest", "--partition", "9"])
        #expect(nowhere.code == 1 && nowhere.errors.contains("there is no partition 9: the last of 's' is 3"))
        let shifted = try broker.sluice(["groups", "reset", "g", "--shift-by", "-100"])
        #expect(shifted.code == 0 && shifted.errors.contains("the nearest is 0"), "\(shifted)")
        #expect(try broker.sluice(["groups", "reset", "g", "--to-offset", "0"]).code == 0)
    }

    @Test("rules that never match are named by check, explain and the broker's log")
    func rules() throws {
        let configuration =
            "rules:\n  - from: '#'\n    stream: mqtt\n  - from: a/{b}\n    stream: mqtt\n" + BrokerProcess.plain
        let broker = try BrokerProcess(configuration)
        let warning =
            "sluice.yaml:4:11: rule 2 ('a/{b}') never matches: rule 1 ('#') takes all of its topics; "
            + "put it before that one"
        #expect(broker.logs(warning))
        let file = broker.directory.path + "/sluice.yaml"
        let check = try Program.sluice(["check", "--config", file])
        #expect(check.code == 0 && check.output.contains("warning: \(broker.directory.path)/\(warning)"), "\(check)")
        let explain = try Program.sluice(["explain", "a/b", "--config", file])
        #expect(explain.code == 0 && explain.errors.contains(warning), "\(explain)")
    }
}
