import Glibc
import SluiceCore

@testable import PayloadFormats

/// One run: the input is a payload of the format that `PAYLOAD_FORMAT` names (JSON unless it is set).
///
/// It is read where it is, with memory behind it that says something else, and copied; both must come to the same. Parser
/// and locator must agree on what is JSON, a fault lies within the payload, and what a text's range says can be read. A
/// trap, or memory that the sanitiser objects to, is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = start.map { Array(UnsafeBufferPointer(start: $0, count: count)) } ?? []
    state.run(bytes)
    return 0
}

// The fuzzer has one thread.
nonisolated(unsafe) private let state = State()

private final class State {
    let reader = PayloadReader()
    let schema: PayloadSchema
    var aliases = SparkplugAliases()

    init() {
        let name = getenv("PAYLOAD_FORMAT").map { String(cString: $0) } ?? "json"
        guard let format = PayloadFormat(rawValue: name) else { preconditionFailure("no such format") }
        do {
            schema = try PayloadSchema(
                format: format, fields: Self.fields(format), delimiters: Delimiters(quote: UInt8(ascii: "\"")))
        } catch {
            preconditionFailure("\(error)")
        }
        // The metric "a" with alias 1, "b" with alias 2.
        let birth: [UInt8] = [0x12, 7, 0x0A, 1, 0x61, 0x10, 1, 0x20, 9, 0x12, 7, 0x0A, 1, 0x62, 0x10, 2, 0x20, 3]
        precondition(aliases.take(birth: birth.span) == nil)
    }

    private static func fields(_ format: PayloadFormat) -> [PayloadField] {
        let types: [FieldType] = [
            .number, .integer, .text, .boolean, .time(.seconds), .time(.nanoseconds), .time(.rfc3339), .text,
        ]
        let paths: [String]
        switch format {
        case .json, .cbor: paths = ["a", "b", "c", "d", "e.0", "e.1.x", "f", "g.h.i"]
        case .sparkplug: paths = ["a", "b", "c", "d", "e", "$timestamp", "f", "g"]
        case .delimited: paths = (1...8).map(String.init)
        case .number: return [PayloadField(name: "n", path: "", type: .number, range: -1e300...1e300)]
        case .text: return [PayloadField(name: "n", path: "", type: .text)]
        case .raw: return []
        }
        return zip(paths, types).map { path, type in
            let isText = type == .text && path != "g.h.i"
            return PayloadField(
                name: path, path: path, type: type, range: type == .number ? -1e9...1e9 : nil,
                enumeration: isText ? .texts(["x", "on", ""]) : nil)
        }
    }

    func run(_ bytes: [UInt8]) {
        let fault = reader.check(bytes.span, slack: 0, schema: schema, aliases: aliases)
        if let fault { precondition((0...bytes.count).contains(fault.offset)) }
        var values: [FieldValue] = []
        if fault == nil {
            for field in schema.fields.indices {
                values.append(reader[field])
                if case .text(let text) = reader[field] { _ = reader.text(text, in: bytes.span) }
            }
        }
        if schema.format == .json { runJSON(bytes, fault, values) }
        if schema.format == .sparkplug { runBirth(bytes, fault) }
    }

    private func runJSON(_ bytes: [UInt8], _ fault: PayloadFault?, _ values: [FieldValue]) {
        let padded = bytes + [UInt8](repeating: UInt8(ascii: "}"), count: 64)
        let inPlace = reader.check(padded.span.extracting(0..<bytes.count), slack: 64, schema: schema)
        precondition(inPlace == fault, "in place and copied differ")
        if fault == nil {
            for field in schema.fields.indices { precondition(reader[field] == values[field]) }
        }
        let isJSON = JSONLocator.isJSON(bytes.span, schema: schema)
        switch fault?.reason {
        case nil, .duplicateKey, .missingField, .wrongType, .outOfRange, .notInEnumeration:
            precondition(isJSON, "the locator takes less than the parser")
        case .numberTooLarge: break
        default: precondition(!isJSON, "the locator takes more than the parser")
        }
    }

    private func runBirth(_ bytes: [UInt8], _ fault: PayloadFault?) {
        var births = SparkplugAliases()
        if let birthFault = births.take(birth: bytes.span) {
            precondition(fault != nil, "a payload is no birth only when it is no payload")
            precondition((0...bytes.count).contains(birthFault.offset))
        }
        precondition(births.byteCount <= bytes.count * 40)
    }
}
