/// One field of a payload: where it is and what it has to be.
package struct PayloadField: Equatable, Sendable {
    /// The name under which it is reported and exported.
    package var name: String
    /// Where it is: for JSON and CBOR names in objects and places in arrays (from 0) with dots between,
    /// `phases.0.voltage` (`\.` is a dot that belongs to a name); for Sparkplug the metric's name; for columns the
    /// number from 1; for numbers and texts nothing.
    package var path: String
    /// What it has to be.
    package var type: FieldType
    /// The unit, for those who read it; not looked at.
    package var unit: String?
    /// What a number has to lie in.
    package var range: ClosedRange<Double>?
    /// What it has to be one of; nil when anything of its type will do.
    package var enumeration: Enumeration?
    /// Whether a payload without it is at fault; a null is none.
    package var isRequired: Bool
    /// What it is for.
    package var role: FieldRole

    /// A field from its parts.
    package init(
        name: String, path: String, type: FieldType, unit: String? = nil, range: ClosedRange<Double>? = nil,
        enumeration: Enumeration? = nil, isRequired: Bool = false, role: FieldRole = .value
    ) {
        self.name = name
        self.path = path
        self.type = type
        self.unit = unit
        self.range = range
        self.enumeration = enumeration
        self.isRequired = isRequired
        self.role = role
    }

    /// The values that a field may have.
    package enum Enumeration: Equatable, Sendable {
        /// For texts.
        case texts([String])
        /// For numbers and integers.
        case numbers([Double])
    }
}

/// What a field's value has to be.
package enum FieldType: Equatable, Sendable {
    /// A number, finite.
    case number
    /// A number without a fraction that fits 64 bits; `21.0` is one.
    case integer
    /// True or false; as text `true`, `false`, `1` or `0`.
    case boolean
    /// Text in UTF-8.
    case text
    /// A moment.
    case time(TimeUnit)
}

/// How a moment is written.
package enum TimeUnit: String, Sendable, CaseIterable {
    /// Seconds since 1970, with a fraction or not.
    case seconds = "s"
    /// Milliseconds since 1970.
    case milliseconds = "ms"
    /// Microseconds since 1970.
    case microseconds = "us"
    /// Nanoseconds since 1970.
    case nanoseconds = "ns"
    /// Date and time with their zone as text: `2026-09-01T03:00:00.5Z`.
    ///
    /// Source: RFC 3339.
    case rfc3339
    /// The same, where a zone that is not given is UTC: `2026-09-01T03:00:00`.
    case datetimeUTC = "datetime-utc"
}

/// What a field is for.
package enum FieldRole: String, Sendable, CaseIterable {
    /// A reading.
    case value
    /// When the device made the reading; its type is a time.
    case deviceTime = "device-time"
    /// The device's count of its messages; its type is integer.
    case sequence
}
