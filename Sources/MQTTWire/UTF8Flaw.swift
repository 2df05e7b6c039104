/// The first thing that keeps bytes from being an MQTT string.
///
/// Source: MQTT 5.0 §1.5.4: well-formed UTF-8 as Unicode defines it (no surrogates, no overlong forms, nothing above
/// U+10FFFF) without U+0000. Control characters (U+0001 to U+001F, U+007F to U+009F) and noncharacters (U+FDD0 to
/// U+FDEF, and the last two of each plane) "should not" appear, and whoever receives them may close: so does
/// mosquitto, and so do we.
struct UTF8Flaw: Equatable {
    var cause: MQTTDecodeError.Cause
    /// The index of the first byte of the flawed character.
    var offset: Int

    /// The first flaw of `bytes`, or nil when they are an MQTT string.
    ///
    /// - Parameter takesControls: whether control characters and noncharacters are no flaw.
    static func first(in bytes: Span<UInt8>, takesControls: Bool = false) -> UTF8Flaw? {
        var index = 0
        let end = bytes.count
        while index < end {
            let lead = bytes[index]
            if lead < 0x80 {
                if lead < 0x20 || lead == 0x7F {
                    if lead == 0 { return UTF8Flaw(cause: .stringContainsNull, offset: index) }
                    guard takesControls else { return UTF8Flaw(cause: .stringContainsControl, offset: index) }
                }
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
            guard takesControls || !isControl(bytes.extracting(index..<index + form.byteCount)) else {
                return UTF8Flaw(cause: .stringContainsControl, offset: index)
            }
            index += form.byteCount
        }
        return nil
    }

    /// Whether a well-formed sequence of two to four bytes is a control character or a noncharacter.
    private static func isControl(_ sequence: Span<UInt8>) -> Bool {
        let last = sequence[sequence.count - 1]
        switch sequence.count {
        case 2: return sequence[0] == 0xC2 && last <= 0x9F
        case 3:
            guard sequence[0] == 0xEF else { return false }
            // U+FDD0 to U+FDEF, and U+FFFE and U+FFFF.
            return sequence[1] == 0xB7 && (0x90...0xAF).contains(last) || sequence[1] == 0xBF && last >= 0xBE
        case _:
            // The lower 16 bits of the code point are 0xFFFE or 0xFFFF.
            return sequence[1] & 0x0F == 0x0F && sequence[2] == 0xBF && last >= 0xBE
        }
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
