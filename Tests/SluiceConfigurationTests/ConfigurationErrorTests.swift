import SluiceConfiguration
import Testing

@Suite("A configuration error says where, what was found and what was expected")
struct ConfigurationErrorTests {
    @Test("An unknown setting names the nearest known one")
    func unknownKeys() {
        #expect(complaints("lisners:\n") == ["c.yaml:1:1: 'lisners' is not a setting; did you mean 'listeners'?"])
        #expect(
            complaints("log:\n  segmnet_size: 1MiB\n")
                == ["c.yaml:2:3: 'segmnet_size' is not a setting; did you mean 'segment_size'?"])
        #expect(
            complaints("journal: { colour: red }")
                == ["c.yaml:1:12: 'colour' is not a setting; known here: commit_delay, file_size"])
        #expect(
            complaints("rules:\n  - form: a\n    stream: b\n")
                == [
                    "c.yaml:2:5: 'from' is missing: expected a topic pattern, such as sensors/{site}/{device}/#",
                    "c.yaml:2:5: 'form' is not a setting; did you mean 'from'?",
                ])
    }

    @Test(
        "A value of the wrong kind or range names what was expected",
        arguments: [
            ("loops: many", "1:8: 'loops': expected a whole number from 0 to 1024, found 'many'"),
            ("loops: -1", "1:8: 'loops': expected a whole number from 0 to 1024, found '-1'"),
            ("loops: 1025", "1:8: 'loops': expected a whole number from 0 to 1024, found '1025'"),
            (
                "loops: 99999999999999999999",
                "1:8: 'loops': expected a whole number from 0 to 1024, found '99999999999999999999'"
            ),
            ("loops: \"4\"", "1:8: 'loops': expected a whole number from 0 to 1024, found the quoted text \"4\""),
            ("loops: [4]", "1:8: 'loops': expected a whole number from 0 to 1024, found a list"),
            ("loops:", "1:7: 'loops': expected a whole number from 0 to 1024, found nothing"),
            ("data: {}", "1:7: 'data': expected a directory, found a section"),
            ("data: ~", "1:7: 'data': expected a directory, found nothing"),
            (
                "journal: { commit_delay: 5 }",
                "1:26: 'commit_delay': expected a duration from 0ms to 10ms, such as 100ms, 10s or 7d, found '5'"
            ),
            (
                "journal: { commit_delay: 11ms }",
                "1:26: 'commit_delay': expected a duration from 0ms to 10ms, such as 100ms, 10s or 7d, found '11ms'"
            ),
            (
                "limits: { packet_size: 1mb }",
                "1:24: 'packet_size': expected a size from 20 to 256MiB, such as 64MiB, found '1mb'"
            ),
            (
                "listeners: { mqtt: 1883 }",
                "1:20: 'mqtt': expected HOST:PORT, such as 127.0.0.1:1883, found '1883'"
            ),
            (
                "logging: { level: inof }",
                "1:19: 'level': expected one of trace, debug, info, warning, error, found 'inof'; did you mean 'info'?"
            ),
            ("limits: 5", "1:9: expected a section, found '5'"),
            ("streams: 5", "1:10: 'streams': expected a list (lines that start with '- '), found '5'"),
            ("streams: [5]", "1:11: expected a section, found '5'"),
            ("- 5", "1:1: expected a section, found a list"),
        ])
    func wrongValues(text: String, complaint: String) {
        #expect(complaints(text) == ["c.yaml:\(complaint)"])
    }

    @Test("What YAML does not take, and what no setting needs, is refused in its place")
    func syntax() {
        #expect(complaints("data: [").first?.hasPrefix("c.yaml:2:1: this is not YAML: ") == true)
        #expect(complaints("data: a: b").first?.hasPrefix("c.yaml:1:8: this is not YAML: mapping values") == true)
        #expect(complaints("data: &a b") == ["c.yaml:1:7: anchors ('&name') are not supported"])
        #expect(complaints("data: *a") == ["c.yaml:1:7: aliases ('*name') are not supported; write the value out"])
        #expect(complaints("data: !x b") == ["c.yaml:1:7: tags ('!name') are not supported"])
        #expect(complaints("[a]: b") == ["c.yaml:1:1: expected the name of a setting, found a list"])
        #expect(
            complaints("data: a\n---\ndata: b")
                == ["c.yaml:2:1: a configuration is one document; remove '---' and what follows"])
        #expect(complaints("data: a\ndata: b") == ["c.yaml:2:1: 'data' is already given in line 1"])
    }

    @Test("A byte that is not UTF-8 is refused in its place")
    func encoding() {
        #expect {
            _ = try Configuration.read(Array("loops: 1\ndata: ".utf8) + [0xff], file: "c.yaml")
        } throws: { error in
            "\(error)".hasPrefix("c.yaml:2:7: this is not YAML: ")
        }
    }

    @Test("Deep nesting and large files end in an error, not in a crash")
    func bounds() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(complaints(deep) == ["c.yaml:1:18: sections and lists are nested more than 16 deep"])
        let large = String(repeating: "#", count: (4 << 20) + 1)
        #expect(complaints(large) == ["c.yaml:1:1: the file has 4194305 bytes, the limit is 4194304"])
    }

    @Test("Streams are listed once and settled in one place")
    func streams() {
        #expect(
            complaints("streams:\n  - name: a\n  - name: a\n")
                == ["c.yaml:3:11: stream 'a' is already listed in line 2"])
        #expect(
            complaints("streams:\n  - name: a\nrules:\n  - from: x\n    stream: a\n    partitions: 3\n")
                == ["c.yaml:6:5: 'partitions' of stream 'a' is settled under streams in line 2; give it there"])
        #expect(
            complaints("rules:\n  - {from: x, stream: a, partitions: 2}\n  - {from: y, stream: a, partitions: 2}\n")
                == ["c.yaml:3:26: 'partitions' of stream 'a' is settled by the rule in line 2; give it there"])
        #expect(
            complaints("streams:\n  - {name: a, interval: 1s}\n")
                == ["c.yaml:2:15: 'interval' goes with 'durability: interval' only"])
        for name in ["a/b", "..", "__sessions", "\"\"", "ä"] {
            #expect(complaints("streams: [{name: \(name)}]").count == 1, "\(name)")
        }
    }

    @Test("A variable that overrides nothing is refused with the nearest that does")
    func environment() {
        #expect(
            complaints("", ["SLUICE_DATTA": "x"])
                == ["SLUICE_DATTA: this variable overrides no setting; did you mean SLUICE_DATA?"])
        #expect(
            complaints("", ["SLUICE_LOOPS": "x"])
                == ["SLUICE_LOOPS: 'loops': expected a whole number from 0 to 1024, found 'x'"])
    }

    @Test("A variable that resembles nothing is told all that there are")
    func environmentNames() {
        let known = Configuration.environmentNames.joined(separator: ", ")
        #expect(complaints("", ["SLUICE_X": "x"]) == ["SLUICE_X: this variable overrides no setting; known: \(known)"])
    }

    @Test("Many errors are told together, the first twenty of them")
    func many() {
        let text = (1...25).map { "wrong\($0): 1\n" }.joined()
        #expect {
            _ = try read(text)
        } throws: { error in
            guard let errors = error as? ConfigurationErrors else { return false }
            return errors.errors.count == 20 && errors.moreCount == 5
                && errors.description.hasSuffix("\nand 5 more")
        }
    }

    @Test("More partitions than a delivery can name are refused, all streams counted")
    func tooManyPartitions() {
        let text = "streams: [{ name: a, partitions: 10000 }, { name: b, partitions: 10000 }]"
        let errors = #expect(throws: ConfigurationErrors.self) {
            try Configuration.read(Array(text.utf8), file: "c.yaml")
        }
        // The stream `mqtt` is always there.
        #expect(errors?.description == "c.yaml:1:1: 'streams': 20001 partitions in all, and a node has 16368 at most")
    }

    @Test("Damaged configurations are taken or refused, never a crash", arguments: [1, 2, 3, 4] as [UInt64])
    func damaged(seed: UInt64) {
        let original = Array(
            """
            listeners: { mqtt: 127.0.0.1:1883 }
            journal: { file_size: 64MiB, commit_delay: 0ms }
            streams:
              - { name: sensors, partitions: 4, durability: interval, interval: 1s, retention: { age: 7d, size: 1GiB } }
            rules:
              - from: sensors/{site}/{device}/#
                stream: sensors
                key: "{device}"
            """.utf8)
        let letters = Array("{}[]:,-#&*!|>'\"%@`\n\t\0 ~?9xé\u{FEFF}".utf8) + [0xff, 0xc0]
        var state = seed
        func random(below bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var refusedCount = 0
        for _ in 0..<1000 {
            var text = original
            for _ in 0...random(below: 4) {
                let index = random(below: text.count)
                switch random(below: 3) {
                case 0: text[index] = letters[random(below: letters.count)]
                case 1: text.insert(letters[random(below: letters.count)], at: index)
                default: text.removeSubrange(index..<min(text.count, index + random(below: 9)))
                }
            }
            do throws(ConfigurationErrors) {
                _ = try Configuration.read(text, file: "c.yaml")
            } catch {
                refusedCount += 1
                #expect(!error.errors.isEmpty)
            }
        }
        #expect(refusedCount > 100 && refusedCount < 1000, "The damage is neither harmless nor always fatal")
    }
}
