/// Finds where a document is at fault that the parser has refused, or a field in it.
///
/// The parser says only that something is wrong. This reads a document byte by byte, as slowly as that is, and is asked
/// only about payloads that are at fault. Parser and locator agree on what is JSON: the tests compare them.
/// Source: RFC 8259.
struct JSONLocator: ~Escapable {
    private let bytes: Span<UInt8>
    private let schema: PayloadSchema
    private var position = 0
    /// For each step of the paths where its value begins, or -1.
    private var starts: [Int]
    /// The first fault of what the schema asks for.
    private var firstFault: PayloadFault?

    // MARK: Queries

    /// What is wrong with a document that the parser has refused.
    /// - Parameter suspected: what the parser says that it is.
    static func fault(in payload: Span<UInt8>, schema: PayloadSchema, suspected: PayloadFault.Reason) -> PayloadFault {
        if suspected == .tooLong { return PayloadFault(.tooLong, at: PayloadLimits.payloadBytesMax) }
        var locator = JSONLocator(payload, schema)
        return locator.read() ?? locator.firstFault ?? PayloadFault(suspected, at: 0)
    }

    /// Where a field is whose value is at fault.
    static func fault(
        of field: Int, _ reason: PayloadFault.Reason, in payload: Span<UInt8>, schema: PayloadSchema
    ) -> PayloadFault {
        var locator = JSONLocator(payload, schema)
        return locator.read() ?? PayloadFault(reason, field: field, at: locator.start(of: field))
    }

    /// Whether a payload is JSON that the parser takes, by this reading.
    static func isJSON(_ payload: Span<UInt8>, schema: PayloadSchema) -> Bool {
        var locator = JSONLocator(payload, schema)
        return locator.read() == nil
    }

    @_lifetime(copy bytes)
    private init(_ bytes: Span<UInt8>, _ schema: PayloadSchema) {
        self.bytes = bytes
        self.schema = schema
        starts = Array(repeating: -1, count: schema.tree.steps.count)
    }

    /// Where a field's value begins, or the innermost value that should have it.
    private func start(of field: Int) -> Int {
        var step = 0
        var start = 0
        while starts[step] >= 0 {
            start = starts[step]
            guard let next = schema.tree.step(to: field, below: step) else { break }
            step = next
        }
        return start
    }

    // MARK: Grammar

    private mutating func read() -> PayloadFault? {
        do throws(PayloadFault) {
            try value(step: starts.isEmpty ? nil : 0, depth: 0)
            skipSpace()
            return position == bytes.count ? nil : PayloadFault(.trailingBytes, at: position)
        } catch {
            return error
        }
    }

    private mutating func value(step: Int?, depth: Int) throws(PayloadFault) {
        skipSpace()
        if let step { starts[step] = position }
        let field = step.flatMap { schema.tree.field(at: $0) }
        let start = position
        switch try peek() {
        case UInt8(ascii: "{"): return try object(step: step, depth: depth + 1)
        case UInt8(ascii: "["): return try array(step: step, depth: depth + 1)
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): return try word("null")
        default: try number(field: field)
        }
        guard let step, field == nil, firstFault == nil else { return }
        firstFault = PayloadFault(.wrongType, field: schema.tree.firstField(at: step), at: start)
    }

    private mutating func object(step: Int?, depth: Int) throws(PayloadFault) {
        if try isEmpty(endedBy: UInt8(ascii: "}"), depth: depth) { return }
        while true {
            skipSpace()
            guard try peek() == UInt8(ascii: "\"") else { throw PayloadFault(.notJSON, at: position) }
            let start = position
            let name = try string()
            let child = step.flatMap { schema.tree.child(of: $0, named: name.span) }
            if let child, starts[child] >= 0, firstFault == nil {
                firstFault = PayloadFault(.duplicateKey, field: schema.tree.firstField(at: child), at: start)
            }
            skipSpace()
            guard try peek() == UInt8(ascii: ":") else { throw PayloadFault(.notJSON, at: position) }
            position += 1
            try value(step: child, depth: depth)
            if try ends(with: UInt8(ascii: "}")) { return }
        }
    }

    private mutating func array(step: Int?, depth: Int) throws(PayloadFault) {
        if try isEmpty(endedBy: UInt8(ascii: "]"), depth: depth) { return }
        var index: Int64 = 0
        while true {
            try value(step: step.flatMap { schema.tree.child(of: $0, at: index) }, depth: depth)
            if try ends(with: UInt8(ascii: "]")) { return }
            index += 1
        }
    }

    /// Begins an object or an array; one in which there is nothing is as deep as what it stands in.
    private mutating func isEmpty(endedBy mark: UInt8, depth: Int) throws(PayloadFault) -> Bool {
        let start = position
        position += 1
        skipSpace()
        if try peek() == mark {
            position += 1
            return true
        }
        guard depth <= PayloadLimits.depthMax else { throw PayloadFault(.tooDeep, at: start) }
        return false
    }

    /// Whether the object or array ends here, or goes on.
    private mutating func ends(with mark: UInt8) throws(PayloadFault) -> Bool {
        skipSpace()
        let byte = try peek()
        guard byte == mark || byte == UInt8(ascii: ",") else { throw PayloadFault(.notJSON, at: position) }
        position += 1
        return byte == mark
    }

    // MARK: Leaves

    private func peek() throws(PayloadFault) -> UInt8 {
        guard position < bytes.count else { throw PayloadFault(.truncated, at: position) }
        return bytes[position]
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func word(_ word: StaticString) throws(PayloadFault) {
        let start = position
        for offset in 0..<word.utf8CodeUnitCount {
            let expected = unsafe word.utf8Start[offset]
            guard try peek() == expected else { throw PayloadFault(.notJSON, at: start) }
            position += 1
        }
        try endOfScalar(start)
    }

    /// A number or a word is followed by nothing that could belong to it.
    private func endOfScalar(_ start: Int) throws(PayloadFault) {
        guard position < bytes.count else { return }
        switch bytes[position] {
        case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ":"),
            UInt8(ascii: "{"), UInt8(ascii: "["):
            return
        default: throw PayloadFault(.notJSON, at: start)
        }
    }

    private mutating func number(field: Int?) throws(PayloadFault) {
        let start = position
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        if try peek() == UInt8(ascii: "0") {
            position += 1
        } else {
            try digits(start)
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            try digits(start)
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            let sign = try peek()
            if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { position += 1 }
            try digits(start)
        }
        try endOfScalar(start)
        switch DecimalNumber.read(bytes, start..<position) {
        case .number(let value) where !value.isFinite || isWhole(start..<position):
            throw PayloadFault(.numberTooLarge, field: field, at: start)
        case .number, .integer, .large, .absent, .null, .boolean, .text, .other: return
        }
    }

    private func isWhole(_ range: Range<Int>) -> Bool {
        for index in range where bytes[index] == UInt8(ascii: ".") || bytes[index] | 0x20 == UInt8(ascii: "e") {
            return false
        }
        return true
    }

    private mutating func digits(_ start: Int) throws(PayloadFault) {
        guard try peek() &- UInt8(ascii: "0") < 10 else { throw PayloadFault(.notJSON, at: start) }
        while position < bytes.count, bytes[position] &- UInt8(ascii: "0") < 10 { position += 1 }
    }

    /// A string without its quotes and escapes.
    private mutating func string() throws(PayloadFault) -> [UInt8] {
        position += 1
        let start = position
        var text: [UInt8] = []
        while true {
            let byte = try peek()
            switch byte {
            case UInt8(ascii: "\""):
                if let flaw = bytes.extracting(start..<position).utf8Flaw {
                    throw PayloadFault(.notUTF8, at: start + flaw)
                }
                position += 1
                return text
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw PayloadFault(.notJSON, at: position)
            default:
                text.append(byte)
                position += 1
            }
        }
    }

    private mutating func escape(into text: inout [UInt8]) throws(PayloadFault) {
        let start = position
        position += 1
        let mark = try peek()
        position += 1
        switch mark {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(mark)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hex(start)
            if code & 0xFC00 == 0xD800, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            {
                position += 2
                let low = try hex(start)
                guard low & 0xFC00 == 0xDC00 else { throw PayloadFault(.notJSON, at: start) }
                code = 0x10000 + (code & 0x3FF) << 10 + low & 0x3FF
            }
            guard let scalar = Unicode.Scalar(code) else { throw PayloadFault(.notJSON, at: start) }
            text += Array(String(Character(scalar)).utf8)
        default: throw PayloadFault(.notJSON, at: start)
        }
    }

    private mutating func hex(_ start: Int) throws(PayloadFault) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            let byte = try peek()
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw PayloadFault(.notJSON, at: start)
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
