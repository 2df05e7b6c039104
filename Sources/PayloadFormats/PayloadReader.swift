/// Reads payloads: says whether one is what a schema asks for, and what its fields are.
///
/// Isolation: one for each loop; not to be shared.
/// Complexity: linear in the payload; nothing is allocated for payloads up to 64 KiB once there has been one as long.
package final class PayloadReader {
    var values: [FieldValue]
    let json = JSONDocument()
    let cbor = CBORDocument()
    let line = DelimitedLine()
    /// For each field whether a metric or a column has been it.
    var isFound: [Bool]
    /// How many of the values are those of the last payload's schema.
    private var fieldCount = 0
    private var format = PayloadFormat.raw

    /// A reader.
    package init() {
        values = Array(repeating: .absent, count: PayloadLimits.fieldsMax)
        isFound = Array(repeating: false, count: PayloadLimits.fieldsMax)
    }

    // MARK: Commands

    /// Reads a payload, all of it; its fields are this reader's until the next one.
    /// - Parameter slack: how many bytes behind the payload are readable memory, whatever they hold; with 64 or more a
    ///   JSON document is read where it is, else it is copied first.
    /// - Parameter aliases: what the births of the edge node have said, for Sparkplug B; nothing of it is kept.
    /// - Returns: the first thing that is wrong with it, or nil; then the values are those of the payload.
    package func check(
        _ payload: Span<UInt8>, slack: Int, schema: PayloadSchema, aliases: SparkplugAliases? = nil
    ) -> PayloadFault? {
        fieldCount = schema.fields.count
        format = schema.format
        switch schema.format {
        case .json: return checkJSON(payload, slack: slack, schema: schema)
        case .number: return checkNumber(payload, schema: schema)
        case .text: return checkText(payload, schema: schema)
        case .raw: return nil
        case .cbor: return checkCBOR(payload, schema: schema)
        case .sparkplug: return checkSparkplug(payload, schema: schema, aliases: aliases)
        case .delimited: return checkLine(payload, schema: schema)
        }
    }

    // MARK: Queries

    /// The value of a field of the payload that was read last; meaningless when it was at fault.
    @inline(__always)
    package subscript(_ field: Int) -> FieldValue {
        precondition(field < fieldCount)
        return values[field]
    }

    /// A copy of a field's text.
    /// - Parameter payload: the payload that was read last.
    package func text(_ text: FieldText, in payload: Span<UInt8>) -> String {
        withBytes(of: text, in: payload) { bytes in String(copying: bytes) }
    }

    func withBytes<Result>(of text: FieldText, in payload: Span<UInt8>, _ body: (Span<UInt8>) -> Result) -> Result {
        if text.isInPayload { return body(payload.extracting(text.indices)) }
        if format == .json { return json.withText(text, body) }
        let texts = format == .cbor ? cbor.texts : line.texts
        return body(texts.span.extracting(text.indices))
    }

    // MARK: Fields

    /// Compares what a payload has with a field, and keeps it.
    /// - Returns: what is wrong with it.
    @inline(__always)
    func accept(
        _ token: PayloadToken, field: Int, schema: PayloadSchema, payload: Span<UInt8>
    ) -> PayloadFault.Reason? {
        let (value, reason) = convert(token, field, schema, payload)
        values[field] = value
        return reason
    }

    @inline(__always)
    private func convert(
        _ token: PayloadToken, _ field: Int, _ schema: PayloadSchema, _ payload: Span<UInt8>
    ) -> (FieldValue, PayloadFault.Reason?) {
        let check = schema.checks[field]
        switch (check.type, token) {
        case (_, .absent): return (.absent, check.isRequired ? .missingField : nil)
        case (_, .null): return (.null, check.isRequired ? .missingField : nil)
        case (.number, .number(let value)):
            return value.isFinite
                ? (.number(value), schema.fault(of: value, field: field, check)) : (.absent, .numberTooLarge)
        case (.number, .integer(let value)):
            return (.number(Double(value)), schema.fault(of: Double(value), field: field, check))
        case (.number, .large(let value)):
            return (.number(Double(value)), schema.fault(of: Double(value), field: field, check))
        case (.number, .moment(.some(let value))):
            let milliseconds = Double(value / 1_000_000)
            return (.number(milliseconds), schema.fault(of: milliseconds, field: field, check))
        case (.integer, .integer(let value)):
            return (.integer(value), schema.fault(of: Double(value), field: field, check))
        case (.integer, .large): return (.absent, .numberTooLarge)
        case (.integer, .number(let value)):
            guard value.isFinite else { return (.absent, .numberTooLarge) }
            guard value.rounded(.towardZero) == value else { return (.absent, .wrongType) }
            guard let whole = Int64(exactly: value) else { return (.absent, .numberTooLarge) }
            return (.integer(whole), schema.fault(of: value, field: field, check))
        case (.integer, .moment(.some(let value))):
            return (.integer(value / 1_000_000), schema.fault(of: Double(value / 1_000_000), field: field, check))
        case (.boolean, .boolean(let value)): return (.boolean(value), nil)
        case (.text, .text(let text)):
            guard check.isEnumerated else { return (.text(text), nil) }
            return (.text(text), withBytes(of: text, in: payload) { bytes in schema.fault(of: bytes, field: field) })
        case (.time(let unit), _): return convert(token, unit, payload)
        case (.number, _), (.integer, _), (.boolean, _), (.text, _): return (.absent, .wrongType)
        }
    }

    private func convert(
        _ token: PayloadToken, _ unit: TimeUnit, _ payload: Span<UInt8>
    ) -> (FieldValue, PayloadFault.Reason?) {
        switch unit {
        case .seconds: count(token, nanosecondsEach: 1_000_000_000)
        case .milliseconds: count(token, nanosecondsEach: 1_000_000)
        case .microseconds: count(token, nanosecondsEach: 1000)
        case .nanoseconds: count(token, nanosecondsEach: 1)
        case .rfc3339: time(token, needsZone: true, payload)
        case .datetimeUTC: time(token, needsZone: false, payload)
        }
    }

    private func count(_ token: PayloadToken, nanosecondsEach: Int64) -> (FieldValue, PayloadFault.Reason?) {
        let moment: Moment?
        switch token {
        case .integer(let value): moment = Moment(value, nanosecondsEach: nanosecondsEach)
        case .number(let value): moment = Moment(value, nanosecondsEach: nanosecondsEach)
        case .moment(let nanoseconds): return nanoseconds.map { (.time($0), nil) } ?? (.absent, .outOfRange)
        case .large: moment = nil
        case .absent, .null, .boolean, .text, .other: return (.absent, .wrongType)
        }
        return moment.map { (.time($0.nanoseconds), nil) } ?? (.absent, .outOfRange)
    }

    private func time(
        _ token: PayloadToken, needsZone: Bool, _ payload: Span<UInt8>
    ) -> (FieldValue, PayloadFault.Reason?) {
        if case .moment = token { return count(token, nanosecondsEach: 1) }
        guard case .text(let text) = token else { return (.absent, .wrongType) }
        switch withBytes(of: text, in: payload, { bytes in Moment.read(bytes, needsZone: needsZone) }) {
        case .moment(let moment): return (.time(moment.nanoseconds), nil)
        case .tooFar: return (.absent, .outOfRange)
        case .notTime: return (.absent, .wrongType)
        }
    }
}

extension String {
    /// A copy of `bytes` as text; anything that is not UTF-8 is replaced.
    init(copying bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { buffer in unsafe String(decoding: buffer, as: UTF8.self) }
    }
}

extension Span<UInt8> {
    /// Whether all bytes are ASCII, which most texts of devices are: eight bytes at a time.
    private var isASCII: Bool {
        unsafe withUnsafeBytes { bytes in
            var index = 0
            var seen: UInt64 = 0
            while index + 8 <= bytes.count {
                unsafe seen |= bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                index += 8
            }
            while index < bytes.count {
                unsafe seen |= UInt64(bytes[index])
                index += 1
            }
            return seen & 0x8080_8080_8080_8080 == 0
        }
    }

    /// Where these bytes stop being UTF-8; nil when all of them are.
    var utf8Flaw: Int? {
        if isASCII { return nil }
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: self)
            return nil
        } catch {
            return error.byteOffsets.lowerBound
        }
    }
}
