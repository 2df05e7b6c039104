import PayloadFormats
import Testing

@Suite("Schemas of payloads")
struct SchemaTests {
    private func refusal(_ format: PayloadFormat, _ fields: [PayloadField]) -> String {
        do {
            _ = try PayloadSchema(format: format, fields: fields)
            return "none"
        } catch {
            return "\(error.field.map(String.init) ?? "-"): \(error)"
        }
    }

    @Test("Fields that do not go together are refused, with the place of the one that is wrong")
    func refused() {
        #expect(refusal(.json, [.at("a", .number), .at("a", .number)]).hasPrefix("1: 'a' is the name"))
        let other = PayloadField(name: "b", path: "a.x", type: .number)
        #expect(refusal(.json, [.at("a", .number), other]).hasPrefix("1: its path is that of field 1"))
        #expect(refusal(.json, [other, .at("a", .number)]).hasPrefix("1: its path is that of field 1"))
        #expect(refusal(.json, [.at("a..b", .number)]).hasPrefix("0: 'a..b' is no path"))
        #expect(refusal(.json, [.at("", .number)]).hasPrefix("0: '' is no path"))
        #expect(refusal(.json, [.at("a\\", .number)]).hasPrefix("0: 'a\\' is no path"))
        #expect(refusal(.json, [.at("a", .text, range: 0...1)]) == "0: only numbers have a range")
        #expect(refusal(.json, [.at("a", .number, oneOf: .texts(["x"]))]) == "0: only a text is one of some texts")
        #expect(refusal(.json, [.at("a", .text, oneOf: .numbers([1]))]) == "0: only a number is one of some numbers")
        #expect(refusal(.json, [.at("a", .text, oneOf: .texts([]))]) == "0: an enumeration without a value")
        #expect(refusal(.json, [.at("a", .integer, role: .deviceTime)]) == "0: the device's time is of the type 'time'")
        #expect(refusal(.json, [.at("a", .number, role: .sequence)]) == "0: a sequence number is of the type 'integer'")
        let times: [PayloadField] = [
            .at("a", .time(.seconds), role: .deviceTime), .at("b", .time(.rfc3339), role: .deviceTime),
        ]
        #expect(refusal(.json, times) == "1: another field is 'device-time', too")
        #expect(refusal(.number, []) == "-: a number is one field, here are 0")
        #expect(refusal(.number, [.at("a", .text)]) == "0: a number is no such type")
        #expect(refusal(.text, [.at("a", .text), .at("b", .text)]) == "1: a text is one field")
        #expect(refusal(.raw, [.at("a", .text)]) == "0: a raw payload has no fields")
        #expect(refusal(.delimited, [.at("0", .text)]).hasPrefix("0: '0' is no column"))
        #expect(
            refusal(.delimited, [.at("1", .text), PayloadField(name: "x", path: "1", type: .text)])
                == "1: column 1 is another field's, too")
        #expect(refusal(.sparkplug, [.at("$seq", .number)]) == "0: '$seq' is of the type 'integer'")
        #expect(
            refusal(.json, (0...PayloadLimits.fieldsMax).map { .at("f\($0)", .number) }) == "64: more than 64 fields")
    }

    @Test("A dot behind a backslash belongs to a name")
    func dots() throws {
        let payloads = try Payloads(.json, [PayloadField(name: "v", path: #"a\.b.c"#, type: .number)])
        #expect(payloads.values(#"{"a.b":{"c":1},"a":{"b":{"c":2}}}"#) == ["1.0"])
    }

    @Test("Schemas are equal when they ask the same of payloads")
    func equality() throws {
        let one = try PayloadSchema(format: .json, fields: [.at("a", .number)])
        #expect(try one == PayloadSchema(format: .json, fields: [.at("a", .number)]))
        #expect(try one != PayloadSchema(format: .json, fields: [.at("a", .number, range: 0...1)]))
        #expect(try one != PayloadSchema(format: .cbor, fields: [.at("a", .number)]))
    }

    @Test("64 fields of a deep tree are found")
    func wide() throws {
        let fields: [PayloadField] = (0..<64).map { .at("a.\($0 / 8).f\($0 % 8)", .integer) }
        let payloads = try Payloads(.json, fields)
        let groups = (0..<8).map { group in
            "{" + (0..<8).reversed().map { "\"f\($0)\":\(group * 8 + $0)" }.joined(separator: ",") + "}"
        }
        let expected = (0..<64).map(String.init)
        #expect(payloads.values("{\"a\":[" + groups.joined(separator: ",") + "]}") == expected)
    }
}
