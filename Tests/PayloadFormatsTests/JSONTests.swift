import SluiceTesting
import Testing

@testable import PayloadFormats

@Suite("JSON payloads")
struct JSONTests {
    /// A schema with a field of each kind.
    static func sensor() throws -> Payloads {
        try Payloads(
            .json,
            [
                .at("temperature", .number, range: -40...85, isRequired: true),
                .at("battery", .integer, range: 0...100),
                .at("state", .text, oneOf: .texts(["ok", "low", "é"])),
                .at("ts", .time(.milliseconds), role: .deviceTime),
                .at("n", .integer, role: .sequence),
                .at("phases.1.voltage", .number),
                .at("mode", .number, oneOf: .numbers([1, 2.5])),
                .at("open", .boolean),
            ])
    }

    @Test(
        "What is right is read, wherever it stands and however it is spaced",
        arguments: [
            (#"{"temperature":21.5}"#, "21.5 absent absent absent absent absent absent absent"),
            (
                #" { "n" : 7 , "temperature" : -1e1, "battery":97.0, "state":"ok", "ts":1767225600123.0,"open":false}"#
                    + "\r\n", "-10.0 97 ok 1767225600123000000ns 7 absent absent false"
            ),
            (#"{"battery":null,"temperature":0,"mode":2.5}"#, "0.0 null absent absent absent absent 2.5 absent"),
            (#"{"st\u0061te":"\u00e9","temperature":1}"#, "1.0 absent é absent absent absent absent absent"),
            (
                #"{"phases":[{"voltage":1},{"voltage":231.4,"x":[]},{"voltage":3}],"temperature":1}"#,
                "1.0 absent absent absent absent 231.4 absent absent"
            ),
            (#"{"phases":{"1":{"voltage":5}},"temperature":1}"#, "1.0 absent absent absent absent 5.0 absent absent"),
            (#"{"phases":null,"temperature":1}"#, "1.0 absent absent absent absent absent absent absent"),
            (#"{"other":{"temperature":900},"temperature":1}"#, "1.0 absent absent absent absent absent absent absent"),
        ])
    func right(payload: String, values: String) throws {
        #expect(try Self.sensor().values(payload).joined(separator: " ") == values)
    }

    @Test(
        "What is wrong is named with its field and its place",
        arguments: [
            ("", "truncated @0"), ("   ", "truncated @3"), (#"{"temperature":21.5"#, "truncated @19"),
            (#"{"temperature":21.5}x"#, "trailing-bytes @20"), (#"{"temperature":21.5}{}"#, "trailing-bytes @20"),
            (#"{"temperature":21.5,}"#, "not-json @20"), (#"{temperature:21.5}"#, "not-json @1"),
            (#"{'temperature':21.5}"#, "not-json @1"), (#"{"temperature":021.5}"#, "not-json @15"),
            (#"{"temperature":NaN}"#, "not-json @15"), (#"{"temperature":Infinity}"#, "not-json @15"),
            (#"{"temperature":-Infinity}"#, "not-json @15"), (#"{"temperature":+1}"#, "not-json @15"),
            (#"{"temperature":1.}"#, "not-json @15"), (#"{"temperature":.5}"#, "not-json @15"),
            (#"{"temperature":1e400}"#, "number-too-large temperature @15"),
            (#"{"temperature":1,"x":-1e400}"#, "number-too-large @21"),
            (#"{"temperature":1,"x":123456789012345678901234}"#, "number-too-large @21"),
            (#"{"temperature":21.5,"temperature":21.5}"#, "duplicate-key temperature @20"),
            (#"{"temperature":21.5,"t\u0065mperature":21.5}"#, "duplicate-key temperature @20"),
            (#"{"phases":[],"temperature":1,"phases":[]}"#, "duplicate-key phases.1.voltage @29"),
            (#"{"phases":5,"temperature":1}"#, "wrong-type phases.1.voltage @10"),
            (#"{"battery":5}"#, "missing-field temperature @0"),
            (#" {"temperature":null}"#, "missing-field temperature @16"),
            ("[]", "missing-field temperature @0"), ("5", "wrong-type temperature @0"),
            ("null", "missing-field temperature @0"),
            (#"{"temperature":"21.5"}"#, "wrong-type temperature @15"),
            (#"{"temperature":{}}"#, "wrong-type temperature @15"),
            (#"{"temperature":85.01}"#, "out-of-range temperature @15"),
            (#"{"temperature":1,"battery":97.5}"#, "wrong-type battery @27"),
            (#"{"temperature":1,"battery":1e19}"#, "number-too-large battery @27"),
            (#"{"temperature":1,"n":18446744073709551615}"#, "number-too-large n @21"),
            (#"{"temperature":1,"state":"high"}"#, "not-in-enumeration state @25"),
            (#"{"temperature":1,"mode":2}"#, "not-in-enumeration mode @24"),
            (#"{"temperature":1,"ts":1e30}"#, "out-of-range ts @22"),
            (#"{"temperature":1,"open":1}"#, "wrong-type open @24"),
            (#"{"temperature":1,"x":tru}"#, "not-json @21"), (#"{"temperature":1,"x":truee}"#, "not-json @21"),
            (#"{"temperature":1,"x":"\q"}"#, "not-json @22"), (#"{"temperature":1,"x":"\ud83d"}"#, "not-json @22"),
            (#"{"temperature":1,"x":"\udc00"}"#, "not-json @22"),
            ("{\"temperature\":1,\"x\":\"a\tb\"}", "not-json @23"),
            (#"{"temperature":1,"x":"abc"#, "truncated @25"), ("\u{FEFF}{}", "not-json @0"),
        ])
    func wrong(payload: String, verdict: String) throws {
        #expect(try Self.sensor().verdict(payload) == verdict)
    }

    @Test("What is not UTF-8 is found inside texts and names")
    func notUTF8() throws {
        let payloads = try Self.sensor()
        let start = Array(#"{"temperature":1,"x":"a"#.utf8)
        #expect(payloads.verdict(start + [0xC3, 0x28] + Array(#""}"#.utf8)) == "not-utf8 @23")
        #expect(payloads.verdict(start + [0xED, 0xA0, 0x80] + Array(#""}"#.utf8)) == "not-utf8 @23")
        #expect(payloads.verdict(Array(#"{""#.utf8) + [0xFF] + Array(#"":1}"#.utf8)) == "not-utf8 @2")
        #expect(payloads.verdict(Array("{".utf8) + [0xFF]) == "not-json @1")
    }

    @Test("Nesting goes as deep as its limit, and no deeper")
    func nesting() throws {
        let payloads = try Payloads(.json, [])
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth)
        }
        #expect(payloads.verdict(nested(PayloadLimits.depthMax)) == "ok")
        #expect(payloads.verdict(nested(PayloadLimits.depthMax + 1)) == "too-deep @\(PayloadLimits.depthMax)")
        #expect(payloads.verdict(String(repeating: "[", count: 100_000)) == "too-deep @\(PayloadLimits.depthMax)")
    }

    @Test("A long document is read up to the limit, and short ones after it")
    func long() throws {
        let payloads = try Self.sensor()
        func document(_ byteCount: Int) -> String {
            let rest = #"{"temperature":1,"x":""}"#
            return #"{"temperature":1,"x":""# + String(repeating: "y", count: byteCount - rest.utf8.count) + #""}"#
        }
        for byteCount in [4095, 4096, 4097, 65_536, 65_537, 300, PayloadLimits.payloadBytesMax, 300] {
            #expect(payloads.verdict(document(byteCount)) == "ok")
        }
        #expect(
            payloads.verdict(document(PayloadLimits.payloadBytesMax + 1))
                == "too-long @\(PayloadLimits.payloadBytesMax)")
    }

    @Test("Memory grows with the documents, and what a very long one took is given back")
    func memory() throws {
        let payloads = try Payloads(.json, [])
        func read(_ byteCount: Int) -> Int {
            let document = [UInt8](repeating: UInt8(ascii: " "), count: byteCount - 1) + [UInt8(ascii: "1")]
            #expect(payloads.reader.check(document.span, slack: 0, schema: payloads.schema) == nil)
            return payloads.reader.json.capacity
        }
        #expect(read(100) == 4096)
        #expect(read(50_000) == PayloadLimits.keptBytesMax)
        #expect(read(100) == PayloadLimits.keptBytesMax)
        #expect(read(PayloadLimits.payloadBytesMax) == PayloadLimits.payloadBytesMax)
        #expect(read(100) == 4096)
    }

    @Test("Parser and locator agree on what is JSON, whatever is done to a document")
    func agreement() throws {
        let payloads = try Self.sensor()
        let seeds = [
            #"{"temperature":21.53,"humidity":48.2,"battery":97,"state":"ok","n":112,"ts":1767225600000}"#,
            #"{"phases":[{"voltage":230},{"voltage":-2.5e2,"\u00e9\ud83d\ude00":[true,false,null]}],"temperature":0}"#,
            #"[[],{},"",0,-0,1e5,{"a":{"b":[1,2,{"c":"\\\"\/\b\f\n\r\t"}]}}]"#,
        ].map { Array($0.utf8) }
        let alphabet = Array(#"{}[]",:\/0123456789.-+eEtrufalsn "#.utf8) + [0xC3, 0xA9, 0xED, 0xF0, 0x00, 0x0A]
        var mutator = Mutator(random: SeededGenerator(seed: 15))
        var faults = 0
        for round in 0..<30_000 {
            let bytes = mutator.mutate(seeds[round % seeds.count], with: alphabet)
            let isJSON = JSONLocator.isJSON(bytes.span, schema: payloads.schema)
            let fault = payloads.reader.check(bytes.span, slack: 0, schema: payloads.schema)
            let isReadAsJSON = fault.map { JSONTests.isAboutFields($0.reason) } ?? true
            // Also a number that is too large for a field of integers; the table above has both.
            if fault?.reason == .numberTooLarge { continue }
            #expect(isJSON == isReadAsJSON, "\(String(decoding: bytes, as: UTF8.self)): \(String(describing: fault))")
            if let fault {
                faults += 1
                #expect((0...bytes.count).contains(fault.offset))
            }
        }
        #expect(faults > 10_000)
    }

    /// Whether a fault is one of a document that is JSON.
    static func isAboutFields(_ reason: PayloadFault.Reason) -> Bool {
        switch reason {
        case .duplicateKey, .missingField, .wrongType, .outOfRange, .notInEnumeration: true
        default: false
        }
    }
}
