import Testing

@Suite("The sources keep the rules of the house")
struct SourceRulesTests {
    @Test("Files and functions are short, lines fit")
    func lengths() throws {
        expectNone(try Repository.sources().flatMap { SourceRules.lengths(of: $0, linesMax: 500) })
        expectNone(try Repository.tests().flatMap { SourceRules.lengths(of: $0, linesMax: 800) })
    }

    @Test("Nine files of ten have at most 400 lines, nine functions of ten at most 30")
    func typicalLengths() throws {
        let sources = try Repository.sources().filter { !$0.path.contains("/Generated/") }
        #expect(SourceRules.percentile90(sources.map(SourceRules.lineCount)) <= 400)
        let functions = sources.flatMap { FunctionScanner.functions(in: SourceText($0.text)) }
        #expect(functions.count > 50, "The scanner finds functions")
        #expect(SourceRules.percentile90(functions.map(\.lineCount)) <= 30)
    }

    @Test("A type has at most 20 stored properties, or says why it has more")
    func properties() throws {
        expectNone(try Repository.sources().flatMap { try SourceRules.properties(of: $0, countMax: 20) })
    }

    @Test("No banned token")
    func tokens() throws {
        expectNone(try Repository.sources().flatMap { try SourceRules.banned(SourceRules.bannedInSources, in: $0) })
        expectNone(try Repository.tests().flatMap { try SourceRules.banned(SourceRules.bannedInTests, in: $0) })
    }

    @Test("Every escape from the compiler's checks is proven in a comment")
    func proofs() throws {
        expectNone(try (Repository.sources() + Repository.tests()).flatMap(SourceRules.proofs))
    }

    @Test("The broker says what it relies on: 18 assertions for 1,000 lines, or more")
    func assertions() throws {
        let broker = try Repository.sources().filter { $0.path.hasPrefix("Sources/SluiceBroker/") }
        #expect(broker.count > 50, "The broker's files are found")
        let density = try SourceRules.assertionDensity(of: broker)
        #expect(density >= 18, "\(density) for 1,000 lines; say what must be true where it is relied on")
    }

    @Test("Nothing is left to do in a comment")
    func leftovers() throws {
        expectNone(try (Repository.sources() + Repository.tests()).flatMap(SourceRules.leftovers))
    }

    @Test("Every package declaration is documented")
    func documentation() throws {
        expectNone(try Repository.sources().flatMap(SourceRules.documentation))
    }

    @Test("Folders are few, flat and named for what is in them")
    func places() throws {
        expectNone(SourceRules.places(of: try Repository.sources() + Repository.tests()))
    }
}
