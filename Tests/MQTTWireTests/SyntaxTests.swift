import MQTTWire
import SluiceCore
import Testing

@Suite("Topic names, filters and strings")
struct SyntaxTests {
    private func nameCause(_ name: [UInt8]) -> MQTTDecodeError.Cause? {
        do throws(MQTTDecodeError) { try TopicSyntax.validateName(name.span) } catch { return error.cause }
        return nil
    }

    private func filterError(_ filter: String) -> MQTTDecodeError? {
        do throws(MQTTDecodeError) { try TopicSyntax.validateFilter(Array(filter.utf8).span) } catch { return error }
        return nil
    }

    @Test("Topic names", arguments: ["a", "/", "a/b", "//", "$SYS/a", "a b", "ü/温度/🌡", "a\u{A0}"])
    func names(_ name: String) { #expect(nameCause(Array(name.utf8)) == nil) }

    @Test("What is not a topic name")
    func notNames() {
        #expect(nameCause([]) == .topicNameEmpty)
        #expect(nameCause(Array("a/+".utf8)) == .topicNameHasWildcard)
        #expect(nameCause(Array("a#b".utf8)) == .topicNameHasWildcard)
        #expect(nameCause([0x61, 0]) == .stringContainsNull)
        #expect(nameCause([0x61, 1]) == .stringContainsControl)
        #expect(nameCause([0xC0, 0xAF]) == .stringNotUTF8)
        #expect(nameCause([UInt8](repeating: 0x61, count: Limits().topicBytesMax)) == nil)
        #expect(nameCause([UInt8](repeating: 0x61, count: Limits().topicBytesMax + 1)) == .topicNameTooLong)
        #expect(nameCause([UInt8](repeating: 0x2F, count: Limits().topicLevelsMax - 1)) == nil)
        #expect(nameCause([UInt8](repeating: 0x2F, count: Limits().topicLevelsMax)) == .topicNameTooLong)
    }

    @Test(
        "Topic filters",
        arguments: [
            "a", "#", "+", "/", "+/+", "a/#", "+/#", "/+", "a/+/b", "$SYS/#", "$share/g/#", "$share/g/a/+",
            "$share/g//",
            "$share", "$shared/+", "a/$share/#",
        ])
    func filters(_ filter: String) { #expect(filterError(filter) == nil) }

    @Test(
        "every character below U+10FFFF is taken or refused as Unicode says: no control, no noncharacter, no surrogate")
    func characters() {
        for number in UInt32(1)...0x10FFFF {
            guard let scalar = Unicode.Scalar(number), scalar != "+", scalar != "#" else { continue }
            // The edges of each block are enough, and everything of one and two bytes.
            guard number < 0x900 || number & 0xFF < 2 || number & 0xFF >= 0xCF else { continue }
            let isRefused =
                scalar.properties.generalCategory == .control || scalar.properties.isNoncharacterCodePoint
            #expect(nameCause(Array(String(scalar).utf8)) == (isRefused ? .stringContainsControl : nil), "\(number)")
        }
    }

    @Test("a server's strings may have control characters: what others have stored is to be delivered")
    func fromServers() throws {
        let content: [UInt8] = [0x03, 0, 1, 0x0A, 0x26, 0, 1, 0x1B, 0, 2, 0xC2, 0x85]
        let bytes = [0x30, UInt8(4 + content.count), 0, 1, 0x74, UInt8(content.count)] + content
        var client = connectedDecoder(.client, .v5)
        guard case .packet(.publish(let publish), _) = try client.decode(bytes.span, from: 0) else {
            Issue.record("no PUBLISH")
            return
        }
        var reader = PropertyReader(bytes.span, publish.properties)
        #expect(reader.next()?.id == .contentType && reader.next()?.id == .userProperty && reader.next() == nil)
        let error = decodeError(bytes, connectedDecoder(.server, .v5))
        #expect(error == MQTTDecodeError(.stringContainsControl, at: 9))
    }

    @Test("What is not a topic filter")
    func notFilters() {
        let table: [(String, MQTTDecodeError.Cause, Int)] = [
            ("", .topicFilterEmpty, 0), ("a#", .multiLevelWildcardMisplaced, 1),
            ("a/#/b", .multiLevelWildcardMisplaced, 2),
            ("#/", .multiLevelWildcardMisplaced, 0), ("##", .multiLevelWildcardMisplaced, 0),
            ("+#", .singleLevelWildcardMisplaced, 0), ("a+", .singleLevelWildcardMisplaced, 1),
            ("+a", .singleLevelWildcardMisplaced, 0), ("a/+b/c", .singleLevelWildcardMisplaced, 2),
            ("$share/", .shareFilterMissing, 7), ("$share/g", .shareFilterMissing, 8),
            ("$share/g/", .shareFilterMissing, 8),
            ("$share//a", .shareNameInvalid, 7), ("$share/+/a", .shareNameInvalid, 7),
            ("$share/g#/a", .shareNameInvalid, 8),
            ("$share/g/a#", .multiLevelWildcardMisplaced, 10), ("a\u{0}", .stringContainsNull, 1),
        ]
        for (filter, cause, offset) in table {
            #expect(filterError(filter) == MQTTDecodeError(cause, at: offset), "\(filter)")
        }
    }

    @Test("UTF-8 is judged as the standard library judges it, for every sequence of two and three bytes")
    func unicode() {
        func agrees(_ bytes: [UInt8]) -> Bool {
            guard let text = String(validating: bytes, as: UTF8.self) else { return nameCause(bytes) != nil }
            let isPlain = text.unicodeScalars.allSatisfy {
                $0.properties.generalCategory != .control && !$0.properties.isNoncharacterCodePoint
            }
            return nameCause(bytes) == (isPlain ? nil : .stringContainsControl)
        }
        for first in UInt8(0x80)...0xFF {
            for second in UInt8(0x01)...0xFF where second != 0x2B && second != 0x23 {
                #expect(agrees([first, second]))
                // Third bytes at the edges of the ranges that matter.
                for third: UInt8 in [0x61, 0x7F, 0x80, 0xBF, 0xC0] {
                    #expect(agrees([first, second, third]))
                    guard first >= 0xF0 else { continue }
                    for fourth: UInt8 in [0x7F, 0x80, 0xBD, 0xBE, 0xBF, 0xC0] {
                        #expect(agrees([first, second, third, fourth]))
                    }
                }
            }
        }
    }
}
