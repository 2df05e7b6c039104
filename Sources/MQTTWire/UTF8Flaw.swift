/// The first thing that keeps bytes from being an MQTT string.
///
/// Source: MQTT 5.0 §1.5.4: well-formed UTF-8 as Unicode defines it (no surrogates, no overlong forms, nothing above
/// U+10FFFF) without U+0000. Control characters and noncharacters only "should not" appear, so they are taken.
struct UTF8Flaw: Equatable {
    var cause: MQTTDecodeError.Cause
    /// The index of the first byte of the flawed character.
    var offset: Int

    /// The first flaw of `bytes`, or nil when they are an MQTT string.
    static func first(in bytes: Span<UInt8>) -> UTF8Flaw? {
        var index = 0
        let end = bytes.count
        while index < end {
            let lead = bytes[index]
            if lead < 0x80 {
                if lead == 0 { return UTF8Flaw(cause: .stringContainsNull, offset: index) }
                index += 1
                continue
            }
            guard let form = MultiByteForm(lead: lead), end - index >= form.byteCount,
                form.second.contains(bytes[index + 1])
            else { return UTF8Flaw(cause: .stringNotUTF8, offset: index) }
            var tail = 2
            while tail < form.byteCount {
                guard bytes[index + tail] & 0xC0 == 0x80 else { return UTF8Flaw(cause: .stringNotUTF8, offset: index) }
                tail += 1
            }
            index += form.byteCount
        }
        return nil
    }

    /// Unicode's table of well-formed sequences (table 3-7): the range of the second byte excludes every bad form.
    private struct MultiByteForm {
        var byteCount: Int
        var second: ClosedRange<UInt8>

        init?(lead: UInt8) {
            switch lead {
            case 0xC2...0xDF: self.init(2, 0x80...0xBF)
            case 0xE0: self.init(3, 0xA0...0xBF)
            case 0xED: self.init(3, 0x80...0x9F)
            case 0xE1...0xEF: self.init(3, 0x80...0xBF)
            case 0xF0: self.init(4, 0x90...0xBF)
            case 0xF1...0xF3: self.init(4, 0x80...0xBF)
            case 0xF4: self.init(4, 0x80...0x8F)
            default: return nil
            }
        }

        private init(_ byteCount: Int, _ second: ClosedRange<UInt8>) {
            self.byteCount = byteCount
            self.second = second
        }
    }
}
