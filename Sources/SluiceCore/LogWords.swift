/// What a log line says, for people, and the facts in it, by names that stay.
///
/// It is written as a string: `"\(client.name, as: .client): closed, \(reason, as: .reason)"`. What has a key is a part
/// of the words and a fact besides.
/// Invariants: a fact that is text lies within the text, and no key comes twice.
/// Isolation: a value.
/// Memory: the text; the facts are beside it and take no memory of their own.
package struct LogWords: Sendable {
    /// More facts than any line has.
    package static let factsMax = 10

    /// What people read. It may hold whatever a peer has said, line feeds too.
    package private(set) var text: String
    /// Of each fact its key and what it is: a number, or the place of its text.
    private var facts = InlineArray<10, Entry>(repeating: Entry())
    private var count = 0

    /// One fact. `bits` is the number, or the first and the last byte index of the text.
    private struct Entry {
        var key = LogKey.reason
        var isNumber = false
        var bits: Int64 = 0
    }

    /// What is known by a key.
    package enum Fact: Equatable, Sendable {
        /// Words.
        case text(String)
        /// A number, in the unit that the key's description names.
        case number(Int64)
    }

    /// Words without facts.
    package init(_ text: String) { self.text = text }

    // MARK: Composing

    /// Goes on with more words and their facts.
    package mutating func append(_ words: LogWords) {
        let start = text.utf8.count
        text += words.text
        for index in 0..<words.count {
            var entry = words.facts[index]
            if !entry.isNumber {
                let range = Self.range(entry.bits)
                entry.bits = Self.bits(start + range.lowerBound, start + range.upperBound)
            }
            add(entry)
        }
    }

    private mutating func append(_ value: String, as key: LogKey) {
        let start = text.utf8.count
        text += value
        add(Entry(key: key, bits: Self.bits(start, text.utf8.count)))
    }

    private mutating func append(_ value: String, as key: LogKey, number: Int64) {
        text += value
        add(Entry(key: key, isNumber: true, bits: number))
    }

    /// A fact that there is no room for, or whose key is taken, is in the words alone.
    private mutating func add(_ entry: Entry) {
        let isTaken = (0..<count).contains { facts[$0].key == entry.key }
        assert(!isTaken, "a line has one fact of a key: \(entry.key)")
        assert(count < Self.factsMax, "a line has at most \(Self.factsMax) facts")
        guard !isTaken, count < Self.factsMax else { return }
        facts[count] = entry
        count += 1
    }

    private static func bits(_ start: Int, _ end: Int) -> Int64 { Int64(start) << 32 | Int64(end) }

    private static func range(_ bits: Int64) -> Range<Int> { Int(bits >> 32)..<Int(bits & 0xFFFF_FFFF) }

    /// Words after words.
    package static func + (left: LogWords, right: LogWords) -> LogWords {
        var words = left
        words.append(right)
        return words
    }

    // MARK: Queries

    /// The facts in the order of the words.
    package var all: [(key: LogKey, fact: Fact)] {
        (0..<count).map { index in
            let entry = facts[index]
            guard !entry.isNumber else { return (entry.key, .number(entry.bits)) }
            let range = Self.range(entry.bits)
            let bytes = text.utf8.dropFirst(range.lowerBound).prefix(range.count)
            return (entry.key, .text(String(decoding: bytes, as: UTF8.self)))
        }
    }

    /// A fact; nil when there is none of that key.
    package subscript(_ key: LogKey) -> Fact? { all.first { $0.key == key }?.fact }
}

extension LogWords: ExpressibleByStringInterpolation {
    /// The words as they are written in the source.
    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var words: LogWords

        /// See `StringInterpolationProtocol`.
        package init(literalCapacity: Int, interpolationCount: Int) {
            words = LogWords("")
            words.text.reserveCapacity(literalCapacity + 16 * interpolationCount)
        }

        /// See `StringInterpolationProtocol`.
        package mutating func appendLiteral(_ literal: String) { words.text += literal }

        /// Text that is no fact.
        package mutating func appendInterpolation(_ value: String) { words.text += value }

        /// What is no fact, as it describes itself.
        package mutating func appendInterpolation<Value>(_ value: Value) { words.text += String(describing: value) }

        /// More words, with their facts.
        package mutating func appendInterpolation(_ other: LogWords) { words.append(other) }

        /// A fact that is text.
        package mutating func appendInterpolation(_ value: String, as key: LogKey) { words.append(value, as: key) }

        /// A fact, as it describes itself.
        package mutating func appendInterpolation<Value>(_ value: Value, as key: LogKey) {
            words.append(String(describing: value), as: key)
        }

        /// A fact that is a number.
        package mutating func appendInterpolation(_ value: some BinaryInteger, as key: LogKey) {
            words.append(String(value), as: key, number: Int64(clamping: value))
        }

        /// A fact that is a number and stands in the words as people read it: `1.5 GiB`.
        package mutating func appendInterpolation(_ text: String, as key: LogKey, number: some BinaryInteger) {
            words.append(text, as: key, number: Int64(clamping: number))
        }
    }

    /// Words from a literal with facts.
    package init(stringInterpolation: StringInterpolation) { self = stringInterpolation.words }

    /// Words from a literal.
    package init(stringLiteral value: String) { self.init(value) }
}

extension LogWords: CustomStringConvertible {
    /// What people read.
    package var description: String { text }
}

/// What is logged at once: the event, and what is said of it.
package struct LogLine: Sendable {
    /// What has happened.
    package let event: LogEvent
    /// What is said of it.
    package let words: LogWords

    /// A line of an event.
    package init(_ event: LogEvent, _ words: LogWords) {
        self.event = event
        self.words = words
    }
}
