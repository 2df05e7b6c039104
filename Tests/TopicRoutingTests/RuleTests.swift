import SluiceCore
import Testing
import TopicRouting

@Suite("A rule names levels of a topic and makes the stream and key of it")
struct RuleTests {
    func ruleError(from: String = "a/{b}", stream: String = "s", key: String = "{b}") -> RuleError? {
        do throws(RuleError) {
            _ = try Rule(from: from, stream: stream, key: key)
            return nil
        } catch {
            return error
        }
    }

    @Test("Captures are whole levels, from left to right")
    func captures() throws {
        let rules = RuleSet([try Rule(from: "sensors/{site}/{device}/#", stream: "sensors", key: "{device}")])
        let resolution = rules.resolve("sensors/berlin/dev42/temp/inside")
        #expect(resolution.ruleIndex == 0)
        #expect(resolution.stream == "sensors")
        #expect(resolution.keyText == "dev42")
        #expect(resolution.captureTexts == ["site=berlin", "device=dev42"])
    }

    @Test(
        "A key is literal text, captures and the topic, in any order",
        arguments: [
            ("{device}", "dev42"),
            ("{site}/{device}", "berlin/dev42"),
            ("{device}@{site}", "dev42@berlin"),
            ("{topic}", "sensors/berlin/dev42/t"),
            ("all", "all"),
            ("{device}{device}", "dev42dev42"),
        ])
    func keys(template: String, key: String) throws {
        let rules = RuleSet([try Rule(from: "sensors/{site}/{device}/#", stream: "sensors", key: template)])
        #expect(rules.resolve("sensors/berlin/dev42/t").keyText == key)
    }

    @Test("A capture of the rest matches what '#' matches and may be empty")
    func rest() throws {
        let rules = RuleSet([try Rule(from: "a/{path...}", stream: "s", key: "<{path}>")])
        #expect(rules.resolve("a/b/c").keyText == "<b/c>")
        #expect(rules.resolve("a/").keyText == "<>")
        #expect(rules.resolve("a").keyText == "<>")
        #expect(rules.resolve("b").ruleIndex == nil)
    }

    @Test("The first rule that matches decides, and the catch-all takes the rest")
    func order() throws {
        let rules = RuleSet([
            try Rule(from: "a/+/c", stream: "first", key: "{topic}"),
            try Rule(from: "a/#", stream: "second", key: "{topic}"),
        ])
        #expect(rules.resolve("a/b/c").stream == "first")
        #expect(rules.resolve("a/b").stream == "second")
        let other = rules.resolve("x/y")
        #expect(other.stream == "mqtt")
        #expect(other.keyText == "x/y")
        #expect(other.ruleIndex == nil)
        #expect(rules.streams == ["first", "second", "mqtt"])
    }

    @Test("A '$' topic does not match a leading capture")
    func systemTopics() throws {
        let rules = RuleSet([try Rule(from: "{root}/#", stream: "s", key: "{root}")])
        #expect(rules.resolve("$SYS/broker").stream == "mqtt")
        #expect(rules.resolve("sys/broker").stream == "s")
    }

    @Test("A pattern matches exactly what its filter matches")
    func patternsAreFilters() throws {
        let topics = paths(of: ["", "a", "b", "$"], lengthMax: 3).filter { !$0.isEmpty }
        for filter in paths(of: ["a", "+"], lengthMax: 3).flatMap({ [$0, "\($0)/#"] }) + ["#"] {
            var number = 0
            let levels = filter.split(separator: "/").map { level -> String in
                number += 1
                return level == "+" ? "{c\(number)}" : level == "#" ? "{c\(number)...}" : String(level)
            }
            let rules = RuleSet([try Rule(from: levels.joined(separator: "/"), stream: "s", key: "{topic}")])
            for topic in topics {
                let isMatch = rules.resolve(topic).ruleIndex == 0
                #expect(isMatch == matches(filter, topic), "\(filter) and \(topic)")
            }
        }
    }

    @Test("An unknown capture in the key is refused with the names that are known")
    func unknownCapture() {
        let error = ruleError(from: "sensors/{site}/{device}/#", key: "{devise}")
        #expect(error == .keyUnknownCapture(name: "devise", known: ["site", "device"]))
        #expect(error?.field == .key)
        #expect(
            error?.description
                == "the key uses '{devise}', which the pattern does not capture; it may use {site}, {device}, {topic}")
    }

    @Test("A malformed pattern is refused in the part that is at fault")
    func badPatterns() {
        #expect(ruleError(from: "a/dev-{b}") == .captureNotWholeLevel(level: "dev-{b}"))
        #expect(ruleError(from: "a/{b") == .captureNotWholeLevel(level: "{b"))
        #expect(ruleError(from: "a/{}") == .captureNotWholeLevel(level: "{}"))
        #expect(ruleError(from: "a/{1b}") == .captureName("1b"))
        #expect(ruleError(from: "a/{b-c}") == .captureName("b-c"))
        #expect(ruleError(from: "a/{...}") == .captureName(""))
        #expect(ruleError(from: "a/{topic}") == .captureReserved("topic"))
        #expect(ruleError(from: "{b}/{b}") == .captureRepeated("b"))
        #expect(ruleError(from: "{b...}/c") == .captureOfRestNotLast("b"))
        #expect(ruleError(from: "") == .pattern("", .empty))
        #expect(ruleError(from: "#/a") == .pattern("#/a", .hashNotLast(byteOffset: 0)))
        #expect(ruleError(from: "a+/{b}") == .pattern("a+/{b}", .plusNotAlone(byteOffset: 1)))
        #expect(ruleError(from: "a+/{b}")?.field == .from)
    }

    @Test("A malformed key is refused with the byte at fault")
    func badKeys() {
        #expect(ruleError(key: "") == .keyEmpty)
        #expect(ruleError(key: "{b") == .keyBrace(key: "{b", byteOffset: 0))
        #expect(ruleError(key: "b}") == .keyBrace(key: "b}", byteOffset: 1))
        #expect(ruleError(key: "{b{b}}") == .keyBrace(key: "{b{b}}", byteOffset: 0))
        #expect(ruleError(key: "{b}") == nil)
    }

    @Test("A stream name is what Kafka takes as a topic name")
    func streamNames() {
        let longest = String(repeating: "x", count: 249)
        for good in ["mqtt", "a.b", "_x-1", "...", longest] { #expect(ruleError(stream: good) == nil) }
        for bad in ["", ".", "..", "a/b", "a b", "ä", longest + "x"] {
            #expect(ruleError(stream: bad) == .streamName(bad))
        }
    }

    @Test("An explanation lists each rule tried with the level that differs")
    func explanation() throws {
        let rules = RuleSet([
            try Rule(from: "plant/{line}/#", stream: "plant", key: "{line}"),
            try Rule(from: "sensors/{site}", stream: "sites", key: "{site}"),
            try Rule(from: "sensors/{site}/{device}/temp/+", stream: "deep", key: "{site}"),
            try Rule(from: "sensors/{site}/{device}/#", stream: "sensors", key: "{device}"),
            try Rule(from: "#", stream: "never", key: "{topic}"),
        ])
        let explanation = rules.explain("sensors/berlin/dev42/temp")
        #expect(
            explanation.refusals.map(\.reason) == [
                .level(index: 0, expected: "plant", found: "sensors"),
                .topicLonger(patternLevelCount: 2, found: "dev42/temp"),
                .topicShorter(levelIndex: 4, expected: "+"),
            ])
        #expect(explanation.refusals.map(\.ruleIndex) == [0, 1, 2])
        #expect(explanation.refusals[0].reason.description == "level 1 is 'sensors', not 'plant'")
        #expect(explanation.resolution.ruleIndex == 3)
        #expect(explanation.resolution == rules.resolve("sensors/berlin/dev42/temp"))
        let key = Array("dev42".utf8)
        let partition = KafkaPartitioner.partition(forKey: key.span, partitionCount: 4)
        #expect(explanation.resolution.partition(partitionCount: 4) == partition)
    }

    @Test("A topic that starts with '$' is explained as such")
    func systemTopicExplanation() throws {
        let rules = RuleSet([try Rule(from: "#", stream: "s", key: "{topic}")])
        #expect(rules.explain("$SYS/x").refusals.map(\.reason) == [.systemTopic])
    }

    @Test("Every short pattern and key is taken or refused, never a crash")
    func everyShortText() throws {
        let texts = paths(of: ["", "{", "}", "{a}", "{a...}", "+", "#", "a", "{topic}", "..."], lengthMax: 3)
        var takenCount = 0
        for text in texts + texts.map({ $0.replacing("/", with: "") }) {
            if ruleError(from: text, key: "{topic}") == nil {
                takenCount += 1
                let rules = RuleSet([try Rule(from: text, stream: "s", key: "{topic}")])
                for topic in ["a", "/", "a/a/a", "$a"] { #expect(rules.resolve(topic).keyText == topic) }
            }
            if ruleError(from: "{a}/#", key: text) == nil { takenCount += 1 }
        }
        #expect(takenCount > 50)
    }
}
