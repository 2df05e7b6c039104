import AccessControl
import Testing

@Suite("Transactional identifiers")
struct TransactionRightsTests {
    @Test("While no rule gives any, all are free to everybody, and seen by nobody")
    func open() throws {
        let rules = try rules("user u\ntopic $stream/t\nuser a+b\ntopic x\npattern d/%u/#\n")
        #expect(!rules.givesTransactions)
        for user in ["u", "a+b", "other", nil] {
            #expect(rules.rights(user).transacts("tx") == .allowed(.openTransaction))
            #expect(!rules.rights(user).seesTransaction("tx").isAllowed)
        }
        let words = rules.description(of: rules.rights("u").transacts("tx").rule)
        #expect(words == "no rule gives transactional identifiers to anybody")
        #expect(AccessRights.unrestricted.transacts("tx") == .unrestricted)
        #expect(AccessRights.unrestricted.seesTransaction("tx") == .unrestricted)
    }

    @Test("A denial alone closes what it names to whom it is said, and nothing else")
    func denied() throws {
        let rules = try rules("user u\ntopic deny $transaction/pay-1\nuser v\ntopic deny $transaction/#\n")
        let refused = rules.rights("u").transacts("pay-1")
        #expect(!refused.isAllowed)
        #expect(rules.description(of: refused.rule) == "acl.conf:2: topic deny $transaction/pay-1")
        #expect(rules.rights("u").transacts("pay-2").isAllowed)
        #expect(!rules.rights("v").transacts("pay-2").isAllowed)
        #expect(rules.rights("w").transacts("pay-1").isAllowed)
    }

    @Test("Once a rule gives some, what no rule gives is refused, but to whom may publish everything")
    func given() throws {
        let rules = try rules(
            """
            user u
            topic write $transaction/pay-1
            topic read $transaction/audit
            user v
            topic #
            user w
            topic #
            topic deny $transaction/pay-1
            user x
            topic write #
            topic deny secret
            user a+b
            topic x
            pattern write $transaction/%u
            """)
        #expect(rules.givesTransactions)
        let u = rules.rights("u")
        #expect(u.transacts("pay-1").isAllowed && u.seesTransaction("pay-1").isAllowed)
        #expect(rules.description(of: u.transacts("pay-1").rule) == "acl.conf:2: topic write $transaction/pay-1")
        #expect(u.transacts("pay-2") == .refused(.noRule))
        #expect(!u.transacts("audit").isAllowed && u.seesTransaction("audit").isAllowed)
        #expect(u.transacts("u").isAllowed, "by the pattern of everybody")
        #expect(rules.rights("v").transacts("pay-1").isAllowed && rules.rights("v").seesTransaction("any").isAllowed)
        #expect(!rules.rights("w").transacts("pay-1").isAllowed && rules.rights("w").transacts("pay-2").isAllowed)
        #expect(!rules.rights("x").transacts("pay-1").isAllowed, "who is denied anything may not do everything")
        #expect(rules.rights("a+b").transacts("a+b") == .refused(.dangerousName))
        #expect(!rules.rights(nil).transacts("pay-1").isAllowed)
    }

    @Test("Who may see some gives them to nobody: all others stay free")
    func seen() throws {
        let rules = try rules("user auditor\ntopic read $transaction/#\n")
        #expect(!rules.givesTransactions)
        #expect(rules.rights("auditor").seesTransaction("tx").isAllowed)
        #expect(rules.rights("u").transacts("tx").isAllowed)
    }

    @Test("A role gives identifiers by name or beginning")
    func roles() throws {
        var builder = AccessRulesBuilder(file: "sluice.yaml")
        let payer = builder.role("payer")
        builder.add(.transaction, "pay-*", to: payer, line: 4, lead: "role 'payer', transactions:")
        builder.add(.transaction, "refunds", to: payer, line: 5, lead: "role 'payer', transactions:")
        builder.assign([payer], to: Array("u".utf8))
        let rules = builder.build()
        let u = rules.rights("u")
        #expect(u.transacts("pay-7").isAllowed && u.transacts("refunds").isAllowed)
        #expect(!u.transacts("refunds-2").isAllowed && !u.transacts("pay").isAllowed)
        #expect(rules.description(of: u.transacts("pay-7").rule) == "sluice.yaml:4: role 'payer', transactions: pay-*")
        #expect(!rules.rights("v").transacts("pay-7").isAllowed)
    }

    @Test("A token that says what it may do has transactional identifiers as the others have")
    func tokens() throws {
        let token = Token(user: "u", publish: [Array("a/#".utf8)])
        #expect(try #require(token.rules(beside: try rules(""))).rights("u").transacts("tx").isAllowed)
        let given = try rules("user v\ntopic write $transaction/tx\n")
        #expect(try !#require(token.rules(beside: given)).rights("u").transacts("tx").isAllowed)
        let own = Token(user: "u", publish: [Array("$transaction/tx".utf8)])
        let rights = try #require(own.rules(beside: given)).rights("u")
        #expect(rights.transacts("tx").isAllowed && !rights.transacts("ty").isAllowed)
    }
}
