import SluiceCore

/// What a setting's value must be, and how its text becomes a value.
struct Expectation<Value> {
    /// What is expected, as in "expected …".
    let description: String
    /// Whether quotes make it something else; a quoted number is text.
    var takesQuoted = false
    /// The words to choose from, when there is a choice.
    var words: [String] = []
    /// The value that the text stands for.
    let parse: (String) -> Value?
}

extension Expectation<String> {
    /// Any text but none.
    static func text(_ description: String) -> Expectation {
        Expectation(description: description, takesQuoted: true) { $0.isEmpty ? nil : $0 }
    }

    /// A name that Kafka takes for a topic and that is not one of Sluice's own streams.
    static var streamName: Expectation {
        Expectation(
            description: "1 to 249 of the characters a-z A-Z 0-9 . _ - (not '.', '..' or what starts with '__')",
            takesQuoted: true
        ) { StreamName.isValid($0) && !$0.hasPrefix("__") ? $0 : nil }
    }
}

extension Expectation<Bool> {
    /// Yes or no, in YAML 1.2's words.
    static var boolean: Expectation {
        Expectation(description: "true or false", words: ["true", "false"]) { text in
            text == "true" ? true : text == "false" ? false : nil
        }
    }
}

extension Expectation<Int> {
    /// A whole number within `range`.
    static func integer(_ range: ClosedRange<Int>) -> Expectation {
        Expectation(description: "a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
            guard let number = Quantity.wholeNumber(text), range.contains(number) else { return nil }
            return number
        }
    }

    /// A size within `range`, in bytes.
    static func byteCount(_ range: ClosedRange<Int>) -> Expectation {
        let least = Quantity.describe(byteCount: range.lowerBound)
        let most = Quantity.describe(byteCount: range.upperBound)
        return Expectation(description: "a size from \(least) to \(most), such as 64MiB") { text in
            guard let byteCount = Quantity.byteCount(text), range.contains(byteCount) else { return nil }
            return byteCount
        }
    }
}

extension Expectation<Duration> {
    /// A duration within `range`.
    static func duration(_ range: ClosedRange<Duration>) -> Expectation {
        let least = Quantity.describe(range.lowerBound)
        let most = Quantity.describe(range.upperBound)
        return Expectation(description: "a duration from \(least) to \(most), such as 100ms, 10s or 7d") { text in
            guard let duration = Quantity.duration(text), range.contains(duration) else { return nil }
            return duration
        }
    }
}

extension Expectation where Value: RawRepresentable<String> & CaseIterable {
    /// One of the cases, by name.
    static func choice() -> Expectation {
        let words = Value.allCases.map(\.rawValue)
        return Expectation(
            description: "one of \(words.joined(separator: ", "))", takesQuoted: true, words: words,
            parse: Value.init(rawValue:))
    }
}

extension Expectation {
    /// The same, or `unlimited`, which is nil.
    func orUnlimited() -> Expectation<Value?> {
        Expectation<Value?>(description: description + ", or unlimited") { text in
            text == "unlimited" ? .some(nil) : parse(text).map { .some($0) }
        }
    }
}
