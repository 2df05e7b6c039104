import Testing

@testable import RegularExpressions

@Suite("Regular expressions")
struct RegularExpressionTests {
    private func matches(_ pattern: String, _ text: String) throws -> Bool {
        let expression = try RegularExpression(pattern, memoryMax: 1 << 20)
        return expression.matches(text)
    }

    private func fault(_ pattern: String, memoryMax: Int = 1 << 20) -> String? {
        do throws(RegularExpressionFault) {
            _ = try RegularExpression(pattern, memoryMax: memoryMax)
            return nil
        } catch {
            return error.words
        }
    }

    @Test("A pattern matches whole texts")
    func wholeTexts() throws {
        #expect(try matches("sensors-.*", "sensors-1"))
        #expect(try matches("^sensors-.*$", "sensors-"))
        #expect(try !matches("sensors-.*", "my-sensors-1"))
        #expect(try !matches("sensors", "sensors-1"))
        #expect(try matches("a|ab", "ab"), "an alternative that matches the whole is found behind one that does not")
        #expect(try matches("", "") && !matches("", "a"))
        #expect(try matches("p.ant", "plänt") == false && matches("pl.nt", "plänt"), "a dot is a character, not a byte")
    }

    @Test("What is no pattern is refused with RE2's words")
    func faults() {
        #expect(fault("a(b") == "missing ): a(b")
        #expect(fault("[a") == "missing ]: [a")
        #expect(fault("(?<=a)b")?.hasPrefix("invalid perl operator") == true, "nothing looks back")
        #expect(fault("(a)\\1")?.hasPrefix("invalid escape sequence") == true)
        #expect(fault("a{1001}")?.hasPrefix("invalid repetition size") == true)
    }

    @Test("A pattern takes no more memory than it may")
    func memory() {
        #expect(fault("(\\pL{50}){20}", memoryMax: 64 << 10)?.contains("too large") == true)
    }

    @Test("Time is linear in the text where others take an exponential one")
    func linear() throws {
        let text = String(repeating: "a", count: 100_000) + "!"
        #expect(try !matches("(a+)+(a+)+", text))
        #expect(try !matches("(a|a|b)*(a|aa)+", text))
    }
}
