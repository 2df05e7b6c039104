/// A message as Kafka's definitions describe it: the JSON of one file.
struct Definition: Decodable {
    /// The number of a request's or response's API; for a record of a coordinator, the number of its type.
    var apiKey: Int?
    /// `request`, `response`, `header`, `data` or one of the records of a coordinator.
    var type: Kind
    /// The name, such as `FetchRequest`.
    var name: String
    /// The versions that the file describes.
    var validVersions: VersionRange
    /// The versions with compact lengths and tagged fields.
    var flexibleVersions: VersionRange
    /// The fields in the order of the wire.
    var fields: [Field]
    /// Structs that several fields share.
    var commonStructs: [SharedStruct]?

    /// What a message is for.
    enum Kind: String, Decodable {
        case request, response, header, data
        case coordinatorKey = "coordinator-key"
        case coordinatorValue = "coordinator-value"
    }

    /// A struct that fields name as their type.
    struct SharedStruct: Decodable {
        var name: String
        var fields: [Field]
    }

    /// A field of a message or of a struct in it.
    struct Field: Decodable {
        var name: String
        var type: FieldType
        /// The versions that have the field.
        var versions: VersionRange
        /// Those of them in which it may be null.
        var nullableVersions: VersionRange?
        /// Those of them in which it is a tagged field.
        var taggedVersions: VersionRange?
        /// The number of the tagged field.
        var tag: Int?
        /// The value of a field that is not there, as the definitions spell it.
        var `default`: Literal?
        /// Whether a value that the version cannot carry is dropped rather than refused.
        var ignorable: Bool?
        /// The versions in which the field is compact, where it differs from its message.
        var flexibleVersions: VersionRange?
        /// What the field means.
        var about: String?
        /// The fields of its struct, where the struct is defined in place.
        var fields: [Field]?
    }

    /// A default, which the definitions write as text, number or boolean.
    struct Literal: Decodable {
        var text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            do {
                text = try container.decode(String.self)
            } catch DecodingError.typeMismatch {
                text = try Self.number(in: container)
            }
        }

        private static func number(in container: any SingleValueDecodingContainer) throws -> String {
            do {
                return String(try container.decode(Int64.self))
            } catch DecodingError.typeMismatch {
                return String(try container.decode(Bool.self))
            }
        }
    }
}

/// Versions without a gap: `3-9`, `4+`, `0` or `none`.
struct VersionRange: Decodable, Equatable {
    /// No version.
    static let none = VersionRange(lowest: 1, highest: 0)
    /// The highest version where the definitions leave it open.
    static let open = Int(Int16.max)

    var lowest: Int
    var highest: Int

    var isEmpty: Bool { lowest > highest }

    init(lowest: Int, highest: Int) {
        self.lowest = lowest
        self.highest = highest
    }

    init?(_ text: String) {
        if text == "none" {
            self = .none
            return
        }
        if text.hasSuffix("+") {
            guard let lowest = Int(text.dropLast()) else { return nil }
            self.init(lowest: lowest, highest: Self.open)
            return
        }
        let ends = text.split(separator: "-").map { Int($0) }
        guard let first = ends.first, let last = ends.last, let lowest = first, let highest = last else { return nil }
        self.init(lowest: lowest, highest: highest)
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let range = VersionRange(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' are no versions")
        }
        self = range
    }

    /// The versions that both have.
    func intersection(_ other: VersionRange) -> VersionRange {
        let both = VersionRange(lowest: max(lowest, other.lowest), highest: min(highest, other.highest))
        return both.isEmpty ? .none : both
    }

    /// Whether every version of `other` is in it.
    func contains(_ other: VersionRange) -> Bool {
        other.isEmpty || (lowest <= other.lowest && other.highest <= highest)
    }
}

/// The type of a field.
indirect enum FieldType: Decodable, Equatable, Sendable {
    case bool, int8, int16, int32, int64, uint16, uint32, float64, uuid, string, bytes, records
    case array(FieldType)
    case structure(String)

    private static let scalars: [String: FieldType] = [
        "bool": .bool, "int8": .int8, "int16": .int16, "int32": .int32, "int64": .int64, "uint16": .uint16,
        "uint32": .uint32, "float64": .float64, "uuid": .uuid, "string": .string, "bytes": .bytes,
        "records": .records,
    ]

    init(_ text: String) {
        if text.hasPrefix("[]") {
            self = .array(FieldType(String(text.dropFirst(2))))
        } else {
            self = Self.scalars[text] ?? .structure(text)
        }
    }

    init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }
}
