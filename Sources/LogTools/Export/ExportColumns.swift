import Administration
import DeviceProfiles
import PayloadFormats
import RecordFormat
import SluiceBroker
import SluiceCore
import TopicRouting

/// The columns of a stream's export, and what a record has in them.
///
/// The record's own come first and begin with `_`; those of the fields that profiles of the stream name follow, each
/// name once. A stream without such fields has the payload instead.
struct ExportColumns {
    /// The names of the fields, in the order of their columns.
    let fields: [String]
    private let profiles: ProfileSet
    private let rules: RuleSet
    private let reader = PayloadReader()
    /// For each message of the profiles the column of each of its fields.
    private let places: [[Int]]
    private var messages: [[UInt8]: Int?] = [:]
    private(set) var nodes = SparkplugNodes()

    /// A record's own columns.
    static let own = ["_partition", "_offset", "_time", "_topic", "_key"]

    /// What a record has in the columns of the fields.
    struct Row {
        /// In the order of the columns.
        var values: [JSON]
        /// What is wrong with the payload; nil when it is as its profile says, or has none.
        var fault: PayloadFault?
    }

    init(stream: String, profiles: ProfileSet) {
        self.profiles = profiles
        rules = RuleSet(profiles.rules)
        var fields: [String] = []
        places = profiles.entries.enumerated().map { index, entry in
            guard profiles.profile(ofEntry: index).stream == stream else { return [] }
            return entry.message.schema.fields.map { field in
                if let column = fields.firstIndex(of: field.name) { return column }
                fields.append(field.name)
                return fields.count - 1
            }
        }
        self.fields = fields
    }

    /// The names of all columns.
    var names: [String] { Self.own + (fields.isEmpty ? ["_payload", "_encoding"] : fields + ["_fault"]) }

    /// Takes births that came before what is exported.
    mutating func begin(with nodes: SparkplugNodes) { self.nodes = nodes }

    /// Whether births matter: there are messages of Sparkplug's.
    var needsBirths: Bool {
        zip(profiles.entries, places).contains { $0.message.schema.format == .sparkplug && !$1.isEmpty }
    }

    // MARK: Records

    /// Notes a birth, whether it is exported or not.
    mutating func note(topic: [UInt8]?, payload: [UInt8]?) {
        guard let topic, let payload, let sparkplug = SparkplugTopic(topic.span) else { return }
        nodes.take(sparkplug, payload.span)
    }

    /// The values of a record's fields.
    mutating func row(topic: [UInt8]?, payload: [UInt8]?) -> Row {
        var row = Row(values: Array(repeating: .null, count: fields.count))
        guard let topic, let payload, let entry = entry(of: topic), !places[entry].isEmpty else { return row }
        let schema = profiles.entries[entry].message.schema
        let aliases = SparkplugTopic(topic.span).flatMap { nodes.aliases(for: $0) }
        row.fault = reader.check(payload.span, slack: 0, schema: schema, aliases: aliases)
        if row.fault != nil { return row }
        for field in schema.fields.indices { row.values[places[entry][field]] = json(reader[field], payload) }
        return row
    }

    /// The message of a topic; topics come again and again.
    private mutating func entry(of topic: [UInt8]) -> Int? {
        if let known = messages[topic] { return known }
        let found = rules.resolve(topic.span).profiled
        if messages.count >= Self.knownTopicsMax { messages.removeAll() }
        messages[topic] = .some(found)
        return found
    }

    private static let knownTopicsMax = 100_000

    private func json(_ value: FieldValue, _ payload: [UInt8]) -> JSON {
        switch value {
        case .absent, .null: .null
        case .number(let number): .number(number)
        case .integer(let integer): .integer(integer)
        case .boolean(let boolean): .bool(boolean)
        case .text(let text): .string(reader.text(text, in: payload.span))
        case .time(let nanoseconds): .string(Self.time(nanoseconds))
        }
    }

    /// A moment as RFC 3339 writes it, in milliseconds, or in nanoseconds where it has them.
    static func time(_ nanoseconds: Int64) -> String {
        let (quotient, remainder) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000)
        let milliseconds = remainder < 0 ? quotient - 1 : quotient
        let rest = remainder < 0 ? remainder + 1_000_000 : remainder
        let text = RFC3339.text(milliseconds)
        guard rest != 0 else { return text }
        let digits = String(rest)
        return String(text.dropLast()) + String(repeating: "0", count: 6 - digits.utf8.count) + digits + "Z"
    }
}
