import Testing

@Suite("The compatibility document is complete, and its tests exist")
struct CompatibilityTests {
    private func document() throws -> Repository.File { try #require(try Repository.file("docs/COMPAT.md")) }

    @Test("Every test that it names exists")
    func tests() throws {
        let document = try document()
        #expect(try CompatibilityRules.testNames(in: document).count > 300)
        let tests = try CompatibilityRules.tests(in: try Repository.tests())
        #expect(tests["CompatibilityTests"]?.contains("tests") == true)
        expectNone(try CompatibilityRules.missingTests(in: document, tests: tests))
    }

    @Test("Every test that the document on Kafka names exists")
    func kafka() throws {
        let document = try #require(try Repository.file("docs/KAFKA.md"))
        #expect(try CompatibilityRules.testNames(in: document).count > 15)
        expectNone(
            try CompatibilityRules.missingTests(in: document, tests: CompatibilityRules.tests(in: Repository.tests())))
    }

    @Test("Whatever it calls supported, it names a test of")
    func proofs() throws { expectNone(CompatibilityRules.unproven(in: try document())) }

    @Test("It has each statement of MQTT 3.1.1 and of MQTT 5.0 once")
    func statements() throws {
        let document = try document()
        #expect(CompatibilityRules.identifiers(of: CompatibilityRules.version311).count == 141)
        expectNone(
            try CompatibilityRules.statements(
                in: document, under: "Statements of MQTT 3.1.1", of: CompatibilityRules.version311))
        expectNone(
            try CompatibilityRules.statements(
                in: document, under: "Statements of MQTT 5.0", of: CompatibilityRules.version5))
    }

    @Test("Faults in such a document are found")
    func faults() throws {
        let source = Repository.File(
            path: "Tests/A/ATests.swift",
            text: """
                struct ATests {
                    @Test("x")
                    func proves() {}
                    func helps() {}
                    // @Test func comment() {}
                }
                """)
        let tests = try CompatibilityRules.tests(in: [source])
        #expect(tests == ["ATests": ["proves"]])
        let document = Repository.File(
            path: "docs/COMPAT.md",
            text: """
                ## Statements
                | MQTT-1.1.1-1, MQTT-1.1.1-3 | a | supported | `ATests.proves`, `ATests` |
                | MQTT-1.1.1-1 | b | supported | |
                | MQTT-9.1.1-1 | c | client | `ATests.helps`, `BTests` |
                | d | not supported | |
                """)
        #expect(try CompatibilityRules.missingTests(in: document, tests: tests).map(\.line) == [4, 4])
        #expect(CompatibilityRules.unproven(in: document).map(\.line) == [3])
        let sections = [CompatibilityRules.Section("1.1.1", 3)]
        #expect(
            try CompatibilityRules.statements(in: document, under: "Statements", of: sections).map(\.message) == [
                "MQTT-1.1.1-1 is there twice", "there is no statement MQTT-9.1.1-1",
                "'Statements' leaves out MQTT-1.1.1-2",
            ])
    }
}
