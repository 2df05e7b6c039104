import AccessControl
import Testing

@Suite("An ACL file is read as mosquitto reads it")
struct AccessFileTests {
    @Test("a file with everything in it gives each user what its lines say")
    func everything() throws {
        let rules = try rules(
            """
            # who shows no name
            topic read public/#

            user alice
            topic sensors/+/state
            topic write commands/alice
            topic deny sensors/secret/state
              topic   read   notes of the day/#
            user bob smith
            topic readwrite bob/#
            pattern read devices/%c/commands
            pattern write devices/%u/%c/#
            user alice
            topic read more
            """)
        #expect(rules.ruleCount == 9)
        #expect(Set(rules.userNames) == [Array("alice".utf8), Array("bob smith".utf8)])
        let anonymous = rules.rights(nil, "c1")
        #expect(anonymous.access("public/a") == "r")
        #expect(anonymous.access("devices/c1/commands") == "r")
        #expect(anonymous.access("devices//c1/x") == "")
        let alice = rules.rights("alice", "c2")
        #expect(alice.access("public/a") == "")
        #expect(alice.access("sensors/1/state") == "rw")
        #expect(alice.access("sensors/secret/state") == "")
        #expect(alice.access("commands/alice") == "w")
        #expect(alice.access("notes of the day/1") == "r")
        #expect(alice.access("more") == "r")
        #expect(alice.access("devices/alice/c2/x") == "w")
        #expect(alice.access("devices/alice/c1/x") == "")
        #expect(rules.rights("bob smith").access("bob/1") == "rw")
        #expect(rules.rights("bob").access("bob/1") == "")
    }

    @Test("one word behind 'topic' is a filter, whatever it says")
    func oneWord() throws {
        let rules = try rules("user u\ntopic deny\ntopic read\npattern write\n")
        for topic in ["deny", "read", "write"] { #expect(rules.rights("u").access(topic) == "rw") }
    }

    @Test("a byte order mark, carriage returns, blank lines and no line end are passed over")
    func encodings() throws {
        let rules = try AccessRules.mosquitto(
            [0xEF, 0xBB, 0xBF] + Array("user alice\r\n\r\n   \r\ntopic read a/b \t\r\ntopic write c".utf8), file: "f")
        #expect(rules.rights("alice").access("a/b") == "r")
        #expect(rules.rights("alice").access("c") == "w")
        #expect(try AccessRules.mosquitto([], file: "f").rights(nil).access("a") == "")
    }

    @Test(
        "an error names the line, what was expected, and the nearest word",
        arguments: [
            (
                "topci read a",
                "acl.conf:1: expected 'user', 'topic', 'pattern' or '#', found 'topci'; did you mean 'topic'?"
            ),
            (
                "user a\ntopic raed a/b",
                "acl.conf:2: expected 'read', 'write', 'readwrite' or 'deny' after 'topic', found 'raed'; "
                    + "did you mean 'read'?"
            ),
            ("\n\nuser", "acl.conf:3: 'user' needs a name"),
            ("user   ", "acl.conf:1: 'user' needs a name"),
            ("topic", "acl.conf:1: 'topic' needs a topic filter"),
            ("pattern ", "acl.conf:1: 'pattern' needs a topic filter"),
            (
                "topic read a/b#",
                "acl.conf:1: expected a topic filter, found 'a/b#': '#' at byte 3 must be alone in its level"
            ),
            (
                "pattern a/%u+",
                "acl.conf:1: expected a topic filter, found 'a/%u+': '+' at byte 4 must be alone in its level"
            ),
            (" # no comment", "acl.conf:1: expected 'user', 'topic', 'pattern' or '#', found '#'"),
            ("topic\tread a", "acl.conf:1: expected 'user', 'topic', 'pattern' or '#', found 'topic\tread'"),
            ("topic a b", "acl.conf:1: expected 'read', 'write', 'readwrite' or 'deny' after 'topic', found 'a'"),
            ("topic a\0b", "acl.conf:1: expected text, found a null character"),
        ])
    func errors(text: String, expected: String) {
        #expect(fault(text) == expected)
    }

    @Test("a verdict leads to the line that decided")
    func descriptions() throws {
        let rules = try rules("topic read public/#\nuser alice\ntopic deny a/b\ntopic a/#\npattern write %u/#\n")
        let alice = rules.rights("alice")
        #expect(rules.description(of: alice.reads("a/b").rule) == "acl.conf:3: topic deny a/b")
        #expect(rules.description(of: alice.publishes("a/c").rule) == "acl.conf:4: topic readwrite a/#")
        #expect(rules.description(of: alice.publishes("alice/c").rule) == "acl.conf:5: pattern write %u/#")
        #expect(rules.description(of: alice.publishes("x").rule) == "no rule allows it")
        #expect(rules.description(of: rules.rights(nil).reads("public").rule) == "acl.conf:1: topic read public/#")
        #expect(rules.description(of: alice.publishes("$SYS/x").rule) == "only the broker publishes there")
    }

    @Test("100,000 lines are read, and each user finds its own")
    func many() throws {
        let text = (0..<50_000).map { "user u\($0)\ntopic d/\($0)/#\n" }.joined()
        let rules = try rules(text)
        #expect(rules.ruleCount == 50_000)
        #expect(rules.rights("u49999").access("d/49999/x") == "rw")
        #expect(rules.rights("u49999").access("d/49998/x") == "")
    }
}
