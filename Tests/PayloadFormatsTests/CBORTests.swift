import SluiceTesting
import Testing

@testable import PayloadFormats

@Suite("CBOR payloads")
struct CBORTests {
    static func sensor() throws -> Payloads {
        try Payloads(
            .cbor,
            [
                .at("temperature", .number, range: -40...85, isRequired: true),
                .at("battery", .integer, range: 0...100),
                .at("state", .text, oneOf: .texts(["ok", "low"])),
                .at("ts", .time(.milliseconds), role: .deviceTime),
                .at("n", .integer, role: .sequence),
                .at("phases.1.voltage", .number),
                .at("open", .boolean),
            ])
    }

    @Test(
        "What another encoder has made is read",
        arguments: [
            ("reading", "21.5 97 ok absent 7 absent true"),
            ("half-float", "21.5 absent absent absent absent absent absent"),
            ("time-tag-0", "1.0 absent absent 1767225600500000000ns absent absent absent"),
            ("time-tag-1", "1.0 absent absent 1767225600500000000ns absent absent absent"),
            ("time-plain", "1.0 absent absent 1767225600123000000ns absent absent absent"),
            ("nested", "0.0 absent absent absent absent 231.5 absent"),
            ("numbered", "0.0 absent absent absent absent 5.0 absent"),
            ("negative", "-1.0 0 absent absent -9223372036854775808 absent absent"),
            ("null", "1.0 null absent absent absent absent absent"),
            ("bignum", "wrong-type temperature @13"), ("nan", "number-too-large temperature @13"),
            ("twice", "duplicate-key temperature @14"), ("text", "wrong-type temperature @13"),
            ("scalar", "wrong-type temperature @0"), ("undefined", "missing-field temperature @13"),
        ])
    func vectors(name: String, values: String) throws {
        let payload = try #require(try Vector.load("cbor")[name])
        #expect(try Self.sensor().values(payload).joined(separator: " ") == values)
    }

    @Test("A payload that is cut anywhere is truncated, and one with a byte more has trailing bytes")
    func cut() throws {
        let payloads = try Self.sensor()
        for (name, payload) in try Vector.load("cbor") {
            for count in 0..<payload.count {
                let reason = payloads.fault(Array(payload[..<count]))?.reason
                #expect(reason == .truncated || name == "twice" && reason == .duplicateKey, "\(name) \(count)")
            }
            guard payloads.fault(payload) == nil else { continue }
            #expect(payloads.verdict(payload + [0]) == "trailing-bytes @\(payload.count)")
        }
    }

    @Test(
        "What is not well-formed is a fault at its place",
        arguments: [
            ("ff", "not-cbor @0"),  // a break alone
            ("a1 6161 ff", "not-cbor @3"),  // a break as a value
            ("bf 6161 ff", "not-cbor @3"),  // a name without a value
            ("9f ff ff", "trailing-bytes @2"), ("82 01 ff", "not-cbor @2"),  // a break in an array of known length
            ("c1 ff", "not-cbor @1"),  // a tag of nothing
            ("1c", "not-cbor @0"), ("f8 18", "not-cbor @0"),  // what is reserved
            ("7f 6161 01 ff", "not-cbor @3"), ("5f 6161 ff", "not-cbor @1"),  // pieces of another kind
            ("7f 7f ff ff", "not-cbor @1"),  // pieces in pieces
            ("62 c328", "not-utf8 @1"), ("7f 61c3 61a9 ff", "not-utf8 @2"),  // a text whose pieces are none
            ("a1 80 01", "not-cbor @1"),  // a name that is an array
            ("9b ffffffffffffffff", "truncated @9"), ("bb 7fffffffffffffff 00", "truncated @10"),
            ("7b ffffffffffffffff 61", "truncated @10"),
        ])
    func malformed(payload: String, verdict: String) throws {
        let payloads = try Payloads(.cbor, [.at("a", .number)])
        #expect(try payloads.verdict(Vector.bytes(payload)) == verdict)
    }

    @Test("Strings in pieces are names and values like others")
    func pieces() throws {
        let payloads = try Self.sensor()
        // {"temper" "ature": 1, "state": "o" "k"}, all of it without lengths.
        let payload = try Vector.bytes("bf 7f 6674656d706572 656174757265 ff 01 657374617465 7f 616f 616b ff ff")
        #expect(payloads.values(payload).joined(separator: " ") == "1.0 absent ok absent absent absent absent")
    }

    @Test("Nesting goes as deep as its limit, tags included, and no deeper")
    func nesting() throws {
        let payloads = try Payloads(.cbor, [])
        func arrays(_ count: Int) -> [UInt8] { [UInt8](repeating: 0x81, count: count) + [0] }
        #expect(payloads.verdict(arrays(PayloadLimits.depthMax)) == "ok")
        #expect(payloads.verdict(arrays(PayloadLimits.depthMax + 1)) == "too-deep @\(PayloadLimits.depthMax)")
        #expect(payloads.fault([UInt8](repeating: 0xC1, count: 100_000))?.reason == .tooDeep)
        #expect(payloads.fault([UInt8](repeating: 0x9F, count: 100_000))?.reason == .tooDeep)
    }

    @Test("Whatever is done to a payload, it is read or at fault, and the reader goes on as before")
    func mutations() throws {
        let payloads = try Self.sensor()
        let seeds = try Vector.load("cbor").sorted { $0.key < $1.key }.map(\.value)
        let reading = try #require(try Vector.load("cbor")["reading"])
        var mutator = Mutator(random: SeededGenerator(seed: 16))
        var faults = 0
        for round in 0..<20_000 {
            let bytes = mutator.mutate(seeds[round % seeds.count], with: [0x9F, 0xBF, 0xFF, 0x7F, 0xC1, 0xA1, 0x1B])
            if let fault = payloads.reader.check(bytes.span, slack: 0, schema: payloads.schema) {
                faults += 1
                #expect((0...bytes.count).contains(fault.offset))
            }
        }
        #expect(faults > 5000)
        #expect(payloads.values(reading).first == "21.5")
    }
}
