import AccessControl
import SluiceTesting
import Speaking
import Testing

@Suite("Rights are decided as mosquitto decides")
struct AccessRightsTests {
    @Test("a denial comes before what is given, wherever it stands")
    func denials() throws {
        for text in ["user u\ntopic a/#\ntopic deny a/b\n", "user u\ntopic deny a/b\ntopic a/#\n"] {
            let rights = try rules(text).rights("u")
            #expect(rights.access("a/b") == "")
            #expect(rights.access("a/c") == "rw")
        }
    }

    @Test("a user's own rules come before the patterns of everybody")
    func tiers() throws {
        let given = try rules("user u\ntopic read a\npattern deny a\npattern write b\n")
        #expect(given.rights("u").access("a") == "r")
        #expect(given.rights("v").access("a") == "")
        #expect(given.rights("v").access("b") == "w")
        let denied = try rules("user u\ntopic deny a\npattern a\n")
        #expect(denied.rights("u").access("a") == "")
        #expect(denied.rights("v").access("a") == "rw")
    }

    @Test("topics that start with '$' are given only by rules that do")
    func dollars() throws {
        let rights = try rules("user u\ntopic #\ntopic +/x\n").rights("u")
        #expect(rights.access("$SYS/x") == "")
        #expect(rights.access("$other/x") == "")
        let named = try rules("user u\ntopic read $SYS/#\ntopic $other/+\n").rights("u")
        #expect(named.access("$SYS/broker/uptime") == "r")
        #expect(named.access("$SYS") == "r")
        #expect(named.access("$other/x") == "rw")
    }

    @Test("only the broker publishes under $SYS and among the requests for other things")
    func reserved() throws {
        let rights = try rules("user u\ntopic $SYS/#\ntopic $share/#\ntopic $sluice/#\n").rights("u")
        #expect(rights.publishes("$SYS/a") == .refused(.brokersOwn))
        #expect(rights.publishes("$share/g/a").rule == .brokersOwn)
        #expect(rights.publishes("$sluice/request").isAllowed)
        #expect(rights.publishes("$sluicey").rule == .noRule)
    }

    @Test(
        "a name that would be a wildcard is refused wherever patterns are asked",
        arguments: ["+", "#", "a+", "#b", "a/+/b"])
    func dangerous(name: String) throws {
        let rules = try rules("user \(name)\ntopic own\npattern devices/%u/#\npattern read everybody\n")
        let user = rules.rights(name)
        #expect(user.access("own") == "rw")
        #expect(user.reads("everybody") == .refused(.dangerousName))
        #expect(user.reads("devices/x/y").rule == .dangerousName)
        #expect(user.subscribes("devices/#").rule == .dangerousName)
        let client = rules.rights("u", name)
        #expect(client.reads("everybody").rule == .dangerousName)
        #expect(try AccessControlTests.rules("pattern %c").rights(nil, "a\0").reads("a").rule == .dangerousName)
        // Where there is no pattern a name is only a name.
        #expect(try AccessControlTests.rules("user \(name)\ntopic a\n").rights(name).access("a") == "rw")
    }

    @Test("names are taken literally in patterns: separators, dollars, percent signs and nothing at all")
    func literalNames() throws {
        let rules = try rules("pattern d/%u/%c/#\npattern %u\n")
        #expect(rules.rights("a/b", "c").access("d/a/b/c/x") == "rw")
        #expect(rules.rights("%c", "c").access("d/%c/c") == "rw")
        #expect(rules.rights("%c", "c").access("d/c/c") == "")
        #expect(rules.rights("", "c").access("d//c") == "rw")
        #expect(rules.rights("ä", "ö").access("d/ä/ö/ü") == "rw")
        #expect(rules.rights("$x", "c").access("$x") == "rw")
        #expect(rules.rights(nil, "c").access("d//c") == "")
    }

    @Test("users are told apart byte for byte, however alike they look")
    func bytes() throws {
        let rules = try rules("user \u{E9}\ntopic a\n")
        #expect(rules.rights("\u{E9}").access("a") == "rw")
        #expect(rules.rights("e\u{301}").access("a") == "")
    }

    @Test("bridges and the node itself may do everything, and so may everybody without rules")
    func unrestricted() throws {
        let rules = try rules("")
        for principal in [Principal.bridge("b"), .node] {
            #expect(rules.rights(of: principal, clientID: []).areUnrestricted)
            #expect(rules.rights(of: principal, clientID: []).access("a") == "rw")
        }
        #expect(AccessRights.unrestricted.reads("a") == .unrestricted)
        #expect(AccessRights.unrestricted.mayAdminister.isAllowed)
        #expect(AccessRights.unrestricted.readsStream("s").isAllowed)
        #expect(AccessRights.unrestricted.usesGroup("s").isAllowed)
        #expect(rules.rights(of: .certificate("u"), clientID: []).access("a") == "")
    }

    @Test("many rules decide as few do: the trie and the scan agree on every topic of a small world")
    func trie() throws {
        var generator = SeededGenerator(seed: 20)
        let filters =
            paths(of: ["a", "b", "+"], lengthMax: 3) + ["#", "a/#", "+/#", "a/b/#", "+/+/#", "$x/#", "$x/+", "$x"]
            + ["%u/#", "a/%c", "%u/%c/+"]
        let topics = paths(of: ["a", "b", "u"], lengthMax: 3) + ["$x", "$x/a", "$x/a/b"]
        let grants = ["read", "write", "readwrite", "deny"]
        // One rule alone is scanned.
        var alone: [String: Set<String>] = [:]
        for filter in filters {
            let rights = try rules("pattern \(filter)\n").rights("u", "b")
            alone[filter] = Set(topics.filter { rights.access($0) == "rw" })
        }
        var givenCount = 0
        for _ in 0..<300 {
            let lines = (0..<generator.below(40) + 9).map { _ in
                (grants[generator.below(4)], filters[generator.below(filters.count)])
            }
            let together = try rules(lines.map { "pattern \($0.0) \($0.1)\n" }.joined()).rights("u", "b")
            for topic in topics {
                // A denial that matches decides, else what is given.
                let matching = lines.filter { alone[$0.1]?.contains(topic) == true }.map(\.0)
                var given = ""
                if !matching.contains("deny") {
                    if matching.contains("read") || matching.contains("readwrite") { given += "r" }
                    if matching.contains("write") || matching.contains("readwrite") { given += "w" }
                }
                #expect(together.access(topic) == given, "\(topic) of \(lines)")
                givenCount += given.isEmpty ? 0 : 1
            }
        }
        #expect(givenCount > 1000)
    }
}

@Suite("Subscriptions, streams, groups and administration")
struct WiderRightsTests {
    @Test(
        "a subscription says when nothing could ever be read",
        arguments: [
            ("topic a/#", "#", true), ("topic a/#", "a/b/+", true), ("topic a/#", "b/#", false),
            ("topic write a/#", "a/#", false), ("topic #", "$SYS/#", false), ("topic $SYS/#", "#", false),
            ("topic $SYS/#", "$SYS/+", true), ("topic a/#\ntopic deny a/b", "a/b", false),
            ("topic a/#\ntopic deny a/b", "a/+", true), ("topic a/#\ntopic deny a/+", "a/+", false),
            ("topic a/#\ntopic deny a/+", "a/#", true), ("topic a/#\ntopic deny a/#", "a", false),
            ("topic a/+\ntopic deny +/b", "+/b", false), ("pattern d/%u/#", "d/+/x", true),
            ("pattern d/%u/#", "d/v/x", false), ("topic deny d/u/#\npattern d/%u/#", "d/#", false),
            ("topic d/u/x\npattern deny d/#", "d/#", true),
        ])
    func subscriptions(lines: String, filter: String, isReadable: Bool) throws {
        let rights = try rules("user u\n\(lines)\n").rights("u")
        #expect(rights.subscribes(filter).isAllowed == isReadable)
    }

    @Test("a stream is open to who may read everything, or has a rule for it")
    func streams() throws {
        let all = try rules("user u\ntopic read #\n").rights("u")
        #expect(all.readsStream("mqtt").isAllowed)
        #expect(!all.writesStream("mqtt").isAllowed)
        #expect(all.usesGroup("g").isAllowed)
        let some = try rules("user u\ntopic read #\ntopic deny a\n").rights("u")
        #expect(!some.readsStream("mqtt").isAllowed)
        let named = try rules("user u\ntopic read $stream/mqtt\ntopic write $stream/out/#\ntopic read $share/g/#\n")
            .rights("u")
        #expect(named.readsStream("mqtt").isAllowed)
        #expect(!named.readsStream("out").isAllowed)
        #expect(named.writesStream("out").isAllowed)
        #expect(named.usesGroup("g").isAllowed)
        #expect(!named.usesGroup("h").isAllowed)
        let closed = try rules("user u\ntopic #\ntopic deny $stream/secret\n").rights("u")
        #expect(closed.readsStream("mqtt").isAllowed)
        #expect(closed.writesStream("mqtt").isAllowed)
        #expect(!closed.readsStream("secret").isAllowed)
        #expect(!closed.writesStream("secret").isAllowed)
    }

    @Test("a share group is open to MQTT clients unless it is denied")
    func groups() throws {
        let rights = try rules("user u\ntopic a\ntopic deny $share/closed/#\n").rights("u")
        #expect(rights.shares("any") == .allowed(.openGroup))
        #expect(!rights.shares("closed").isAllowed)
        #expect(!rights.usesGroup("any").isAllowed)
    }

    @Test("administration is for who may write requests")
    func administration() throws {
        #expect(try rules("user u\ntopic write $sluice/#\n").rights("u").mayAdminister.isAllowed)
        #expect(try !rules("user u\ntopic #\n").rights("u").mayAdminister.isAllowed)
        #expect(try !rules("user u\ntopic read $sluice/#\n").rights("u").mayAdminister.isAllowed)
    }
}

@Suite("Roles")
struct RoleTests {
    /// A builder's rules, as a configuration makes them.
    private func roles() throws -> AccessRules {
        var builder = AccessRulesBuilder(file: "sluice.yaml")
        let device = builder.role("device")
        try builder.add(
            .write, "d/%u/#".utf8, to: device, line: 3, lead: "role 'device', publish:", takesPlaceholders: true)
        let reader = builder.role("reader")
        try builder.add(.read, "#".utf8, to: reader, line: 5, lead: "role 'reader', read:", takesPlaceholders: true)
        try builder.add(
            .deny, "secret/#".utf8, to: reader, line: 6, lead: "role 'reader', deny:", takesPlaceholders: true)
        let keeper = builder.role("keeper")
        builder.add(.readStream, "audit-*", to: keeper, line: 8, lead: "role 'keeper', read_streams:")
        builder.add(.writeStream, "audit", to: keeper, line: 9, lead: "role 'keeper', write_streams:")
        builder.add(.group, "*", to: keeper, line: 10, lead: "role 'keeper', groups:")
        builder.addAdministration(to: keeper, line: 11, lead: "role 'keeper', admin")
        builder.assign([device, reader], to: Array("alice".utf8))
        builder.assign([keeper], to: Array("bob".utf8))
        builder.assignToAnonymous([reader])
        let everybody = builder.role("everybody")
        try builder.add(
            .read, "news".utf8, to: everybody, line: 14, lead: "role 'everybody', read:", takesPlaceholders: true)
        builder.assignToAuthenticated([everybody])
        return builder.build()
    }

    @Test("a user has the rights of all its roles, less what one of them denies")
    func union() throws {
        let rules = try roles()
        let alice = rules.rights("alice")
        #expect(alice.access("d/alice/x") == "rw")
        #expect(alice.access("d/bob/x") == "r")
        #expect(alice.access("secret/x") == "")
        #expect(rules.rights(nil).access("x") == "r")
        #expect(rules.rights("nobody").access("x") == "")
        #expect(rules.rights("nobody").access("news") == "r")
        #expect(rules.rights("bob").access("news") == "r")
        #expect(
            rules.description(of: alice.publishes("d/alice/x").rule) == "sluice.yaml:3: role 'device', publish: d/%u/#")
        #expect(rules.rights("a+", granted: ["device"]).publishes("d/a+/x").rule == .dangerousName)
    }

    @Test("streams and groups are given by name or beginning, administration by a word")
    func names() throws {
        let rules = try roles()
        let bob = rules.rights("bob")
        #expect(bob.readsStream("audit-2026").isAllowed)
        #expect(!bob.readsStream("audit").isAllowed)
        #expect(bob.writesStream("audit").isAllowed)
        #expect(!bob.writesStream("audit-2026").isAllowed)
        #expect(bob.usesGroup("anything").isAllowed)
        #expect(bob.mayAdminister.isAllowed)
        #expect(rules.description(of: bob.mayAdminister.rule).hasPrefix("sluice.yaml:11: role 'keeper', admin"))
        #expect(
            rules.description(of: bob.readsStream("audit-1").rule)
                == "sluice.yaml:8: role 'keeper', read_streams: audit-*")
        #expect(!rules.rights("alice").mayAdminister.isAllowed)
    }

    @Test("a token's roles are added, and those that are not here give nothing")
    func granted() throws {
        let rules = try roles()
        #expect(rules.rights("new", granted: ["keeper", "none"]).mayAdminister.isAllowed)
        #expect(!rules.rights("new", granted: ["none"]).mayAdminister.isAllowed)
    }
}
