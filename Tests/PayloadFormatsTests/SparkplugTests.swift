import SluiceTesting
import Testing

@testable import PayloadFormats

@Suite("Sparkplug B payloads")
struct SparkplugTests {
    private static let fields: [PayloadField] = [
        .at("temperature", .number, range: -50...100), .at("counter", .number), .at("state", .text),
        .at("offset", .integer), .at("made", .time(.milliseconds)), .at("pressure", .number), .at("level", .integer),
        .at("$timestamp", .time(.milliseconds), role: .deviceTime),
        .at("$seq", .integer, range: 0...255, role: .sequence),
    ]

    private static func births() throws -> SparkplugAliases {
        var aliases = SparkplugAliases()
        for name in ["nbirth", "dbirth"] {
            let birth = try #require(try Vector.load("sparkplug")[name])
            #expect(aliases.take(birth: birth.span) == nil)
        }
        return aliases
    }

    /// The values of a payload or what is wrong with it.
    private static func read(_ payload: [UInt8], _ aliases: SparkplugAliases?) throws -> String {
        let payloads = try Payloads(.sparkplug, fields)
        let fault = payloads.reader.check(payload.span, slack: 0, schema: payloads.schema, aliases: aliases)
        if let fault {
            let field = fault.field.map { " " + payloads.schema.fields[$0].name } ?? ""
            return "\(fault.reason.rawValue)\(field) @\(fault.offset)"
        }
        return payloads.schema.fields.indices.map { index in
            switch payloads.reader[index] {
            case .absent: "-"
            case .null: "null"
            case .number(let value): "\(value)"
            case .integer(let value): "\(value)"
            case .boolean(let value): "\(value)"
            case .text(let text): payloads.reader.text(text, in: payload.span)
            case .time(let nanoseconds): "\(nanoseconds / 1_000_000)ms"
            }
        }.joined(separator: " ")
    }

    @Test(
        "What another encoder has made is read, by name and by alias",
        arguments: [
            ("nbirth", "21.5 1.8446744073709552e+19 ok -5 1767225600123ms 1013.25 - 1767225600123ms 0"),
            ("dbirth", "- - - - - - -3 1767225600123ms 1"),
            ("ddata", "-4.25 12.0 low -300 1767225600124ms 990.5 -1 1767225600123ms 2"),
            ("ddata-twice", "2.0 - - - - - - 1767225600123ms 255"),
            ("ddata-null", "null - - - - - - 1767225600123ms 3"),
            ("ddata-unknown-alias", "unknown-alias @18"), ("ddata-other-type", "wrong-type temperature @9"),
            ("ddata-out-of-range", "out-of-range temperature @9"), ("ddata-nan", "number-too-large temperature @9"),
            ("ddata-nothing", "wrong-type temperature @9"), ("ddata-no-name", "not-sparkplug @9"),
            ("ndeath", "- - - - - - - 1767225600123ms -"),
        ])
    func vectors(name: String, values: String) throws {
        let payload = try #require(try Vector.load("sparkplug")[name])
        #expect(try Self.read(payload, Self.births()) == values)
    }

    @Test("Without a birth an alias says nothing, and a name does")
    func withoutBirth() throws {
        let vectors = try Vector.load("sparkplug")
        #expect(try Self.read(#require(vectors["ddata"]), nil) == "unknown-alias @9")
        #expect(try Self.read(#require(vectors["ddata"]), SparkplugAliases()) == "unknown-alias @9")
        #expect(try Self.read(#require(vectors["dbirth"]), nil) == "- - - - - - -3 1767225600123ms 1")
    }

    @Test("Births add up: the last one says what an alias is")
    func births() throws {
        var aliases = try Self.births()
        #expect(aliases.count == 10)
        #expect(aliases.name(of: 2) == "temperature")
        #expect(aliases.name(of: 7) == "level")
        #expect(aliases.name(of: 1 << 40) == "table")
        #expect(aliases.name(of: 8) == nil)
        // Metric "level" with alias 2.
        let rebirth = try Vector.bytes("12 09 0a05 6c6576656c 1002")
        #expect(aliases.take(birth: rebirth.span) == nil)
        #expect(aliases.count == 10)
        #expect(aliases.name(of: 2) == "level")
    }

    @Test("A birth that is at fault changes nothing")
    func brokenBirth() throws {
        var aliases = try Self.births()
        let before = aliases
        let birth = try #require(try Vector.load("sparkplug")["nbirth"])
        for count in 1..<birth.count {
            var partial = SparkplugAliases()
            let cut = Array(birth[..<count])
            if partial.take(birth: cut.span) != nil { #expect(partial == SparkplugAliases()) }
        }
        let broken: [UInt8] = [0xFF, 0xFF]
        #expect(aliases.take(birth: broken.span)?.reason == .truncated)
        #expect(aliases == before)
    }

    @Test(
        "What is not well-formed is a fault at its place",
        arguments: [
            ("", "truncated @0"), ("00", "not-sparkplug @0"), ("0b", "not-sparkplug @0"), ("07", "not-sparkplug @0"),
            ("08", "truncated @1"), ("08 ffffffffffffffffffff01", "not-sparkplug @1"),
            ("0d 01000000", "not-sparkplug @1"),
            ("12 05 0a03 6162", "truncated @6"), ("12 04 0a02 c328", "not-utf8 @4"),
            ("12 ffffffffffffffff7f 00", "truncated @11"),
            ("12 06 0a01 61 6a01 00", "not-sparkplug @6"),  // a double of another kind
            ("2a 05 00", "truncated @3"),
        ])
    func malformed(payload: String, verdict: String) throws {
        #expect(try Self.read(Vector.bytes(payload), SparkplugAliases()) == verdict)
    }

    @Test("Whatever is done to a payload, it is read or at fault, and births stay bounded")
    func mutations() throws {
        let payloads = try Payloads(.sparkplug, Self.fields)
        let seeds = try Vector.load("sparkplug").sorted { $0.key < $1.key }.map(\.value)
        var mutator = Mutator(random: SeededGenerator(seed: 17))
        var faults = 0
        for round in 0..<20_000 {
            let bytes = mutator.mutate(seeds[round % seeds.count], with: [0x08, 0x12, 0x0A, 0x10, 0x80, 0xFF])
            var aliases = SparkplugAliases()
            let birth = aliases.take(birth: bytes.span)
            let fault = payloads.reader.check(bytes.span, slack: 0, schema: payloads.schema, aliases: aliases)
            if birth != nil { #expect(fault != nil) }
            #expect(aliases.byteCount <= bytes.count * 40)
            if let fault {
                faults += 1
                #expect((0...bytes.count).contains(fault.offset))
            }
        }
        #expect(faults > 5000)
    }
}
