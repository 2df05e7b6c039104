import SluiceTesting
import Testing

@testable import PayloadFormats

@Suite("Payloads that are text")
struct TextTests {
    @Test(
        "A number is decimal digits, with white space around it or not",
        arguments: [
            ("21.5", "21.5"), (" -4\r\n", "-4.0"), ("+7", "7.0"), ("007", "7.0"), (".5", "0.5"), ("5.", "5.0"),
            ("1e3", "1000.0"), ("12E-1", "1.2"), ("0.1", "0.1"), ("123456789.123456789", "1.2345678912345679e+08"),
            ("9007199254740993", "9007199254740992.0"), ("1e-400", "0.0"),
            ("2.2250738585072014e-308", "2.2250738585072014e-308"),
            ("18446744073709551616", "1.8446744073709552e+19"), ("", "truncated @0"), (" \t", "truncated @2"),
            ("NaN", "not-number t @0"), ("inf", "not-number t @0"), ("0x10", "not-number t @0"),
            (" 1,5", "not-number t @1"),
            ("1 2", "not-number t @0"), ("-", "not-number t @0"), (".", "not-number t @0"), ("1e", "not-number t @0"),
            ("21.5 °C", "not-number t @0"), ("1e400", "number-too-large t @0"),
            ("-1e999999999999", "number-too-large t @0"),
        ])
    func numbers(payload: String, value: String) throws {
        let payloads = try Payloads(.number, [PayloadField(name: "t", path: "", type: .number)])
        let values = payloads.values(payload)
        #expect(values.map { Double($0) } == [Double(value)] || values == [value])
    }

    @Test("A number has a type and a range like any field")
    func numberChecks() throws {
        let percent = try Payloads(
            .number, [PayloadField(name: "p", path: "", type: .integer, range: 0...100, isRequired: true)])
        #expect(percent.values("97") == ["97"])
        #expect(percent.values("97.0") == ["97"])
        #expect(percent.verdict("97.5") == "wrong-type p @0")
        #expect(percent.verdict(" 101") == "out-of-range p @1")
        #expect(percent.verdict(String(repeating: "1", count: 2000)) == "too-long @1024")
        let time = try Payloads(.number, [PayloadField(name: "ts", path: "", type: .time(.seconds))])
        #expect(time.values("1767225600.25") == ["1767225600250000000ns"])
        #expect(time.verdict("1e300") == "out-of-range ts @0")
    }

    @Test("A text is UTF-8, and may be one of several")
    func texts() throws {
        let any = try Payloads(.text, [])
        #expect(any.verdict("") == "ok")
        #expect(any.verdict("grün") == "ok")
        #expect(any.verdict([0x61, 0xFF]) == "not-utf8 @1")
        let power = try Payloads(
            .text, [PayloadField(name: "power", path: "", type: .text, enumeration: .texts(["ON", "OFF"]))])
        #expect(power.values("ON") == ["ON"])
        #expect(power.verdict("on") == "not-in-enumeration power @0")
        let flag = try Payloads(.text, [PayloadField(name: "power", path: "", type: .boolean)])
        #expect(["ON", "off", " true\n", "0"].map { flag.values($0) } == [["true"], ["false"], ["true"], ["false"]])
        #expect(flag.verdict("offline") == "wrong-type power @0")
        #expect(flag.verdict([0x11]) == "wrong-type power @0")
    }

    @Test("Raw payloads are never at fault")
    func raw() throws {
        #expect(try Payloads(.raw, []).verdict([0xFF, 0x00]) == "ok")
    }

    private static let columns: [PayloadField] = [
        PayloadField(name: "id", path: "1", type: .text, isRequired: true),
        PayloadField(name: "lat", path: "3", type: .number, range: -90...90),
        PayloadField(name: "at", path: "4", type: .time(.datetimeUTC)),
    ]

    @Test(
        "Columns are found by number; an empty one is none",
        arguments: [
            ("gps1;x;52.5;2026-01-01T00:00:00", "gps1 52.5 1767225600000000000ns"), ("gps1", "gps1 absent absent"),
            ("gps1;; 52.5 ;\r\n", "gps1 52.5 absent"), ("gps1;x;;;more;columns", "gps1 absent absent"),
            (#""a;b";"x";"1""#, "a;b 1.0 absent"), (#""say ""hi""";;"1";"#, #"say "hi" 1.0 absent"#),
            (#"a"b;;1"#, #"a"b 1.0 absent"#), ("", "truncated @0"), (";;1", "missing-field id @0"),
            ("a;;91", "out-of-range lat @3"), ("a;;x", "wrong-type lat @3"), ("a;;1e999", "number-too-large lat @3"),
            ("a\nb", "trailing-bytes @2"), (#""a;b"#, "bad-quotes @0"), (#""a"b;"#, "bad-quotes @3"),
            ("a;;1;yesterday", "wrong-type at @5"),
        ])
    func line(payload: String, values: String) throws {
        let payloads = try Payloads(
            .delimited, Self.columns, delimiters: Delimiters(separator: UInt8(ascii: ";"), quote: UInt8(ascii: "\"")))
        #expect(payloads.values(payload).joined(separator: " ") == values)
    }

    @Test("Without quotes a quote is a character")
    func noQuotes() throws {
        let payloads = try Payloads(.delimited, Self.columns)
        #expect(payloads.values(#""a,b",1"#) == ["\"a", "1.0", "absent"])
        #expect(payloads.verdict([0x61, 0x2C, 0xFF]) == "not-utf8 @2")
    }

    @Test(
        "Moments are read as RFC 3339 writes them",
        arguments: [
            ("2026-01-01T00:00:00Z", "1767225600000000000"), ("2026-01-01t01:30:00.250+01:30", "1767225600250000000"),
            ("2025-12-31 23:00:00-01:00", "1767225600000000000"), ("1969-12-31T23:59:59.5Z", "-500000000"),
            ("2024-02-29T00:00:00Z", "1709164800000000000"), ("2026-01-01T00:00:00.1234567899Z", "1767225600123456789"),
            ("2026-02-29T00:00:00Z", "none"), ("2026-01-01T00:00:00", "none"), ("2026-13-01T00:00:00Z", "none"),
            ("2026-01-01T24:00:00Z", "none"), ("2026-01-01T00:00:00.Z", "none"), ("2026-01-01T00:00:00+1:00", "none"),
            ("2026-01-01", "none"), ("2026-01-01T00:00:00Zx", "none"), ("9999-01-01T00:00:00Z", "far"),
        ])
    func moments(text: String, nanoseconds: String) {
        let bytes = Array(text.utf8)
        let reading =
            switch Moment.read(bytes.span, needsZone: true) {
            case .moment(let moment): "\(moment.nanoseconds)"
            case .tooFar: "far"
            case .notTime: "none"
            }
        #expect(reading == nanoseconds)
    }

    @Test("Random bytes are read or at fault, in every format")
    func random() throws {
        var random = SeededGenerator(seed: 18)
        let lines = try Payloads(.delimited, Self.columns, delimiters: Delimiters(quote: UInt8(ascii: "\"")))
        let numbers = try Payloads(.number, [PayloadField(name: "t", path: "", type: .number)])
        let alphabet = Array("0123456789.+-eE, \"\n\r\txé".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<random.below(24)).map { _ in
                random.once(in: 20) ? UInt8(random.below(256)) : alphabet[random.below(alphabet.count)]
            }
            for payloads in [lines, numbers] {
                guard let fault = payloads.reader.check(bytes.span, slack: 0, schema: payloads.schema) else { continue }
                #expect((0...bytes.count).contains(fault.offset))
            }
        }
    }
}
