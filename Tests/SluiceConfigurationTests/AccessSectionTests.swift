import AccessControl
import SluiceConfiguration
import Speaking
import Testing

@Suite("Roles in a configuration")
struct AccessSectionTests {
    private static let text = """
        access:
          roles:
            device:
              publish: ["devices/%u/#"]
              read: commands/%u/#
              deny: [devices/%u/secret]
            operator:
              read: [devices/#, "$SYS/#"]
              readwrite: notes/#
              read_streams: [telemetry, "audit-*"]
              write_streams: telemetry
              groups: ["dashboard-*"]
              transactions: [reports]
              admin: true
          users:
            alice: [operator]
            bob: [operator, device]
          authenticated: device
          anonymous: []

        """

    private func allows(_ body: (AccessRights, Span<UInt8>) -> Verdict, _ rights: AccessRights, _ text: String) -> Bool
    {
        let bytes = Array(text.utf8)
        return body(rights, bytes.span).isAllowed
    }

    @Test("users have what their roles give, and whoever shows a name has what is for everybody")
    func roles() throws {
        let access = try #require(try read(Self.text).access)
        let rules = access.rules(file: "c.yaml")
        let alice = rules.rights(of: .user("alice"), clientID: [])
        #expect(allows({ $0.mayPublish($1) }, alice, "devices/alice/1"))
        #expect(!allows({ $0.mayPublish($1) }, alice, "devices/alice/secret"))
        #expect(!allows({ $0.mayPublish($1) }, alice, "devices/bob/1"))
        #expect(allows({ $0.mayRead($1) }, alice, "devices/bob/1"))
        #expect(allows({ $0.mayRead($1) }, alice, "$SYS/broker/uptime"))
        #expect(allows({ $0.mayPublish($1) }, alice, "notes/1"))
        #expect(allows({ $0.mayReadStream($1) }, alice, "audit-1"))
        #expect(!allows({ $0.mayWriteStream($1) }, alice, "audit-1"))
        #expect(allows({ $0.mayUseGroup($1) }, alice, "dashboard-1"))
        #expect(allows({ $0.mayUseTransaction($1) }, alice, "reports"))
        #expect(!allows({ $0.mayUseTransaction($1) }, alice, "report"))
        #expect(alice.mayAdminister.isAllowed)
        #expect(rules.description(of: alice.mayAdminister.rule) == "c.yaml:14: role 'operator', admin: true")
        let device = rules.rights(of: .certificate("dev1"), clientID: [])
        #expect(allows({ $0.mayRead($1) }, device, "commands/dev1/x"))
        #expect(!device.mayAdminister.isAllowed)
        #expect(!allows({ $0.mayUseTransaction($1) }, device, "reports"))
        #expect(!allows({ $0.mayRead($1) }, rules.rights(of: .anonymous, clientID: []), "commands/x"))
    }

    @Test("without the section there are no rules, and an empty one lets nobody do anything")
    func nothing() throws {
        #expect(try read("").access == nil)
        let rules = try #require(try read("access:\n").access).rules(file: "c.yaml")
        #expect(!allows({ $0.mayRead($1) }, rules.rights(of: .user("a"), clientID: []), "a"))
    }

    @Test(
        "each fault has its place, and what was probably meant",
        arguments: [
            ("access:\n  role:\n    a:\n", "c.yaml:2:3: 'role' is not a setting; did you mean 'roles'?"),
            ("access:\n  roles:\n    a:\n      raed: x\n", "c.yaml:4:7: 'raed' is not a setting; did you mean 'read'?"),
            (
                "access:\n  roles:\n    a:\n      read: [x, a#]\n",
                "c.yaml:4:17: 'read': expected a topic filter, found 'a#': '#' at byte 1 must be alone in its level"
            ),
            (
                "access:\n  roles:\n    a:\n      groups: [a*b]\n",
                "c.yaml:4:16: 'groups': expected '*' at the end only, found 'a*b'"
            ),
            (
                "access:\n  roles:\n    reader:\n  users:\n    u: [raeder]\n",
                "c.yaml:5:9: there is no role 'raeder'; did you mean 'reader'?"
            ),
            ("access:\n  anonymous: x\n", "c.yaml:2:14: there is no role 'x'; roles: none"),
            ("access: [a]\n", "c.yaml:1:9: expected a section, found a list"),
            (
                "access:\n  roles:\n    a:\n      admin: yes\n",
                "c.yaml:4:14: 'admin': expected true or false, found 'yes'"
            ),
        ])
    func faults(text: String, expected: String) {
        #expect(complaints(text) == [expected])
    }
}
