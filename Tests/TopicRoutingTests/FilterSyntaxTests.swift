import SluiceCore
import Testing
import TopicRouting

@Suite("The grammar of topics and filters is that of MQTT 5.0 §4.7")
struct FilterSyntaxTests {
    @Test(
        "The specification's matches",
        arguments: [
            ("sport/tennis/player1/#", "sport/tennis/player1"),
            ("sport/tennis/player1/#", "sport/tennis/player1/ranking"),
            ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"),
            ("sport/#", "sport"),
            ("#", "sport/tennis"),
            ("#", "/"),
            ("sport/tennis/+", "sport/tennis/player1"),
            ("sport/+", "sport/"),
            ("+/+", "/finance"),
            ("/+", "/finance"),
            ("+/tennis/#", "sport/tennis"),
            ("+/#", "sport"),
            ("+", "a"),
            ("a//b", "a//b"),
            ("a/+/b", "a//b"),
            ("$SYS/#", "$SYS/broker/clients"),
            ("$SYS/monitor/+", "$SYS/monitor/Clients"),
            ("$SYS/#", "$SYS"),
            ("ä/+", "ä/ö"),
        ])
    func matching(filter: String, topic: String) {
        #expect(matches(filter, topic))
    }

    @Test(
        "The specification's mismatches",
        arguments: [
            ("sport/tennis/+", "sport/tennis/player1/ranking"),
            ("sport/+", "sport"),
            ("+", "/finance"),
            ("+", "a/"),
            ("sport/#", "sports"),
            ("sport/#", "spor"),
            ("sport", "sport/"),
            ("sport/", "sport"),
            ("Sport", "sport"),
            ("a/b", "a/b/c"),
            ("a/b/c", "a/b"),
            ("#", "$SYS"),
            ("#", "$SYS/broker"),
            ("+/monitor/Clients", "$SYS/monitor/Clients"),
            ("+/#", "$share/x"),
            ("+", "$SYS"),
        ])
    func notMatching(filter: String, topic: String) {
        #expect(!matches(filter, topic))
    }

    @Test(
        "Well-formed filters are taken",
        arguments: ["#", "+", "/", "a/#", "+/tennis/#", "/+", "a//", "+/+/+", "$SYS/#"])
    func goodFilters(filter: String) {
        #expect(filterError(filter) == nil)
    }

    @Test("A malformed filter is refused with the byte at fault")
    func badFilters() {
        #expect(filterError("") == .empty)
        #expect(filterError("sport/tennis#") == .hashNotAlone(byteOffset: 12))
        #expect(filterError("sport/#/ranking") == .hashNotLast(byteOffset: 6))
        #expect(filterError("#/") == .hashNotLast(byteOffset: 0))
        #expect(filterError("sport+") == .plusNotAlone(byteOffset: 5))
        #expect(filterError("+a/b") == .plusNotAlone(byteOffset: 0))
        #expect(filterError("a/+#") == .plusNotAlone(byteOffset: 2))
        #expect(filterError("##") == .hashNotAlone(byteOffset: 0))
        #expect(filterError("a\0") == .nullCharacter(byteOffset: 1))
    }

    @Test("A topic name holds no wildcard and no null character")
    func badTopics() {
        #expect(topicError("sensors/a/temp") == nil)
        #expect(topicError("/") == nil)
        #expect(topicError("") == .empty)
        #expect(topicError("a/+") == .wildcardInTopic(byteOffset: 2))
        #expect(topicError("a#") == .wildcardInTopic(byteOffset: 1))
        #expect(topicError("\0") == .nullCharacter(byteOffset: 0))
    }

    @Test("The last level and byte within the limits are taken, one more is refused")
    func limits() {
        var limits = Limits()
        limits.topicLevelsMax = 3
        limits.topicBytesMax = 8
        #expect(topicError("a/b/c", limits: limits) == nil)
        #expect(topicError("a/b/c/d", limits: limits) == .tooManyLevels(max: 3))
        #expect(filterError("a/+/#", limits: limits) == nil)
        #expect(filterError("a/+/c/#", limits: limits) == .tooManyLevels(max: 3))
        #expect(topicError("12345678", limits: limits) == nil)
        #expect(filterError("123456789", limits: limits) == .tooLong(byteCount: 9, max: 8))
    }

    @Test("An error names the specification's statement")
    func clauses() {
        #expect(TopicSyntaxError.hashNotLast(byteOffset: 0).clause == "MQTT-4.7.1-1")
        #expect(TopicSyntaxError.hashNotAlone(byteOffset: 0).clause == "MQTT-4.7.1-1")
        #expect(TopicSyntaxError.plusNotAlone(byteOffset: 0).clause == "MQTT-4.7.1-2")
        #expect(TopicSyntaxError.empty.clause == "MQTT-4.7.3-1")
        #expect(TopicSyntaxError.tooManyLevels(max: 1).clause == nil)
        #expect(TopicSyntaxError.hashNotLast(byteOffset: 6).description == "'#' at byte 6 must be the last level")
    }
}
