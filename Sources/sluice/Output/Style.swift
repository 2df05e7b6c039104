import Glibc

/// Colours and bold, on a terminal whose user does not mind.
///
/// Source: no-color.org: NO_COLOR, when it is not empty, says that none is wanted.
struct Style {
    /// What text may look like.
    enum Paint: String {
        case bold = "1"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case reverse = "7"
    }

    /// Whether text is painted at all.
    let isWanted: Bool

    /// - Parameter isTerminal: whether it is for a terminal.
    init(isTerminal: Bool = StandardOutput.isTerminal) {
        let refusal = getenv("NO_COLOR").map { String(cString: $0) } ?? ""
        let terminal = getenv("TERM").map { String(cString: $0) } ?? ""
        isWanted = isTerminal && refusal.isEmpty && terminal != "dumb"
    }

    /// The text, painted where that is wanted.
    func painted(_ text: String, _ paint: Paint) -> String {
        isWanted ? "\u{1B}[\(paint.rawValue)m\(text)\u{1B}[0m" : text
    }
}
