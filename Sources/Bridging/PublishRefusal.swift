/// A reason code of MQTT 5 with which an upstream does not take a publish. Source: MQTT 5.0 §3.4.2.1, §3.5.2.1.
package struct PublishRefusal: Equatable, Sendable, CustomStringConvertible {
    /// The reason code, 0x80 or above.
    package let code: UInt8

    /// Nil for a reason code of success.
    package init?(code: UInt8) {
        guard code >= 0x80 else { return nil }
        self.code = code
    }

    /// Whether the same publish may be taken later: it is the upstream that is full, busy or out of step, and not the
    /// message that is wrong.
    package var isPassing: Bool {
        switch code {
        case 0x88, 0x89, 0x8B, 0x91, 0x93, 0x96, 0x97: true
        case _: false
        }
    }

    /// What it means, with the number.
    package var description: String { "\(meaning) (reason 0x\(String(code, radix: 16)))" }

    private var meaning: String {
        switch code {
        case 0x83: "the upstream has reasons of its own"
        case 0x87: "not authorised"
        case 0x88, 0x89: "the upstream is busy"
        case 0x8B: "the upstream is shutting down"
        case 0x90: "the upstream takes no such topic name"
        case 0x91: "the packet identifier is in use"
        case 0x93, 0x96: "too many messages at a time"
        case 0x95: "the packet is too large"
        case 0x97: "the upstream's quota is used up"
        case 0x99: "the payload is not of its format"
        case _: "the upstream does not say why"
        }
    }
}
