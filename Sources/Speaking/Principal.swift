/// Who a speaker speaks for: what rights are asked of.
///
/// A value that is compared and copied as it is; it holds what was proved, never what was only claimed.
package enum Principal: Sendable, Hashable {
    /// Nobody in particular: nothing was proved.
    case anonymous
    /// A user who has shown a password, a token or the like.
    case user(String)
    /// The owner of a certificate, by the name that the listener takes from it.
    case certificate(String)
    /// A bridge of this node, by its name.
    case bridge(String)
    /// The node itself: its own topics, and wills whose session is gone.
    case node
}

extension Principal {
    /// Its kind and its name.
    private var parts: (kind: Int, name: String) {
        switch self {
        case .anonymous: (0, "")
        case .user(let name): (1, name)
        case .certificate(let name): (2, name)
        case .bridge(let name): (3, name)
        case .node: (4, "")
        }
    }

    /// Whether both are the same, byte for byte: two ways to write one letter are two names, as in files and rules.
    package static func == (left: Principal, right: Principal) -> Bool {
        let (left, right) = (left.parts, right.parts)
        return left.kind == right.kind && left.name.utf8.elementsEqual(right.name.utf8)
    }

    /// Takes what `==` compares.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(parts.kind)
        for byte in parts.name.utf8 { hasher.combine(byte) }
    }
}

extension Principal: CustomStringConvertible {
    /// It, for log lines.
    package var description: String {
        switch self {
        case .anonymous: "anonymous"
        case .user(let name): "user \(name)"
        case .certificate(let name): "certificate \(name)"
        case .bridge(let name): "bridge \(name)"
        case .node: "the node"
        }
    }
}
