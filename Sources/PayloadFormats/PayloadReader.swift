/// Reads payloads: says whether one is what a schema asks for, and what its fields are.
///
/// Isolation: one for each loop; not to be shared.
/// Complexity: linear in the payload; nothing is allocated for payloads up to 64 KiB once there has been one as long.
package final class PayloadReader {
    private var values: [FieldValue]
    private let json = JSONDocument()
    /// How many of the values are those of the last payload's schema.
    private var fieldCount = 0

    /// A reader.
    package init() {
        values = [FieldValue](repeating: .absent, count: PayloadLimits.fieldsMax)
    }

    // MARK: Commands

    /// Reads a payload, all of it; its fields are this reader's until the next one.
    /// - Parameter slack: how many bytes behind the payload are readable memory, whatever they hold; with 64 or more a
    ///   JSON document is read where it is, else it is copied first.
    /// - Returns: the first thing that is wrong with it, or nil; then the values are those of the payload.
    package func check(_ payload: Span<UInt8>, slack: Int, schema: PayloadSchema) -> PayloadFault? {
        fieldCount = schema.fields.count
        switch schema.format {
        case .json: return checkJSON(payload, slack: slack, schema: schema)
        case .text: return checkText(payload, schema: schema)
        case .raw: return nil
        case .number: return checkNumber(payload, schema: schema)
        case .cbor, .sparkplug, .delimited:
            preconditionFailure("Cannot read this format yet")
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
        text.isInPayload ? body(payload.extracting(text.indices)) : json.withText(text, body)
    }

    // MARK: Fields

    /// Compares what a payload has with a field, and keeps it.
    /// - Returns: what is wrong with it.
    @inline(__always)
    func accept(
        _ token: PayloadToken, field: Int, schema: PayloadSchema, payload: Span<UInt8>
    ) -> PayloadFault.Reason? {
        let (value, reason) = convert(token, schema.checks[field], payload)
        values[field] = value
        return reason
    }

    @inline(__always)
    private func convert(
        _ token: PayloadToken, _ check: borrowing FieldCheck, _ payload: Span<UInt8>
    ) -> (FieldValue, PayloadFault.Reason?) {
        switch (check.type, token) {
        case (_, .absent): return (.absent, check.isRequired ? .missingField : nil)
        case (_, .null): return (.null, check.isRequired ? .missingField : nil)
        case (.number, .number(let value)):
            return value.isFinite ? (.number(value), check.fault(of: value)) : (.absent, .numberTooLarge)
        case (.number, .integer(let value)): return (.number(Double(value)), check.fault(of: Double(value)))
        case (.number, .large(let value)): return (.number(Double(value)), check.fault(of: Double(value)))
        case (.integer, .integer(let value)): return (.integer(value), check.fault(of: Double(value)))
        case (.integer, .large): return (.absent, .numberTooLarge)
        case (.integer, .number(let value)):
            guard value.rounded(.towardZero) == value else { return (.absent, .wrongType) }
            guard let whole = Int64(exactly: value) else { return (.absent, .numberTooLarge) }
            return (.integer(whole), check.fault(of: value))
        case (.boolean, .boolean(let value)): return (.boolean(value), nil)
        case (.text, .text(let text)):
            return (.text(text), withBytes(of: text, in: payload) { bytes in check.fault(of: bytes) })
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
        case .large: moment = nil
        case .absent, .null, .boolean, .text, .other: return (.absent, .wrongType)
        }
        return moment.map { (.time($0.nanoseconds), nil) } ?? (.absent, .outOfRange)
    }

    private func time(
        _ token: PayloadToken, needsZone: Bool, _ payload: Span<UInt8>
    ) -> (FieldValue, PayloadFault.Reason?) {
        guard case .text(let text) = token else { return (.absent, .wrongType) }
        switch withBytes(of: text, in: payload, { bytes in Moment.read(bytes, needsZone: needsZone) }) {
        case .moment(let moment): return (.time(moment.nanoseconds), nil)
        case .tooFar: return (.absent, .outOfRange)
        case .notTime: return (.absent, .wrongType)
        }
    }

    // MARK: Formats

    private func checkJSON(_ payload: Span<UInt8>, slack: Int, schema: PayloadSchema) -> PayloadFault? {
        switch json.read(payload, slack: slack, tree: schema.tree, fieldCount: schema.fields.count) {
        case .ok: break
        case .fault(let reason): return JSONLocator.fault(in: payload, schema: schema, suspected: reason)
        }
        for field in 0..<schema.fields.count {
            if let reason = accept(json.token(field), field: field, schema: schema, payload: payload) {
                return JSONLocator.fault(of: field, reason, in: payload, schema: schema)
            }
        }
        return nil
    }

    private func checkNumber(_ payload: Span<UInt8>, schema: PayloadSchema) -> PayloadFault? {
        guard payload.count <= PayloadLimits.numberBytesMax else {
            return PayloadFault(.tooLong, at: PayloadLimits.numberBytesMax)
        }
        let trimmed = PlainText.trim(payload, 0..<payload.count)
        if trimmed.isEmpty { return PayloadFault(.truncated, at: payload.count) }
        let token = DecimalNumber.read(payload, trimmed)
        if case .other = token { return PayloadFault(.notNumber, field: 0, at: trimmed.lowerBound) }
        return accept(token, field: 0, schema: schema, payload: payload).map {
            PayloadFault($0, field: 0, at: trimmed.lowerBound)
        }
    }

    private func checkText(_ payload: Span<UInt8>, schema: PayloadSchema) -> PayloadFault? {
        if let offset = payload.utf8Flaw { return PayloadFault(.notUTF8, at: offset) }
        guard let check = schema.checks.first else { return nil }
        guard payload.count <= PayloadLimits.payloadBytesMax else {
            return PayloadFault(.tooLong, at: PayloadLimits.payloadBytesMax)
        }
        let token = PlainText.token(payload, 0..<payload.count, for: check.type)
        return accept(token, field: 0, schema: schema, payload: payload).map { PayloadFault($0, field: 0, at: 0) }
    }
}

extension String {
    /// A copy of `bytes` as text; anything that is not UTF-8 is replaced.
    init(copying bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { buffer in unsafe String(decoding: buffer, as: UTF8.self) }
    }
}

extension Span<UInt8> {
    /// Where these bytes stop being UTF-8; nil when all of them are.
    var utf8Flaw: Int? {
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: self)
            return nil
        } catch {
            return error.byteOffsets.lowerBound
        }
    }
}
